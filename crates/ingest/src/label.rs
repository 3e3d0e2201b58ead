//! Decides which choice a label means. There is one reading for a whole column.

use cliptune_experiment::{Label, LabelReading};

use crate::error::IngestError;

/// The way in which the labels of a column are spelled, which follows from its SQL type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    Number,
    Boolean,
    /// The labels are texts, or values of several kinds.
    Text,
}

/// A label, together with the texts that it chooses from.
pub(crate) struct Labelled<'a> {
    /// The name of the row.
    pub(crate) row: String,
    pub(crate) label: &'a str,
    pub(crate) texts: &'a [String],
}

/// A row that two readings read differently, as messages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The name of the row.
    pub row: String,
    /// The label of the row.
    pub label: String,
    /// The texts that the label chooses from.
    pub texts: Vec<String>,
    /// The text that each reading chooses; `None` where a reading chooses none.
    pub meanings: Vec<Option<String>>,
}

/// Describes a reading in words.
pub(crate) fn words(reading: LabelReading) -> &'static str {
    match reading {
        LabelReading::Index => "an index from 0",
        LabelReading::Position => "a position from 1",
        LabelReading::Letter => "a letter",
        LabelReading::Text => "a text",
    }
}

/// The number of rows that a message shows.
const SHOWN: usize = 3;

/// Returns the index of the right text, or `None` if the label cannot be read that way or lies beyond the texts.
pub(crate) fn index(
    reading: LabelReading,
    spelling: Spelling,
    label: &str,
    texts: &[String],
) -> Option<usize> {
    let index = match (reading, spelling) {
        (LabelReading::Index, Spelling::Boolean) => {
            (texts.len() == 2).then(|| usize::from(label == "true"))?
        }
        (LabelReading::Index, _) => whole(label)?,
        (LabelReading::Position, _) => whole(label)?.checked_sub(1)?,
        (LabelReading::Letter, _) => letter(label.trim())?,
        (LabelReading::Text, spelling) => text(spelling, label, texts)?,
    };
    (index < texts.len()).then_some(index)
}

/// Reads a whole number, which may be written as a decimal fraction. Signs and leading zeros are not accepted.
fn whole(label: &str) -> Option<usize> {
    let label = label.trim();
    let (digits, fraction) = label.split_once('.').unwrap_or((label, ""));
    let plain =
        digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    (plain && fraction.bytes().all(|digit| digit == b'0')).then(|| digits.parse().ok())?
}

fn letter(label: &str) -> Option<usize> {
    match label.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(usize::from(letter.to_ascii_uppercase() - b'A')),
        _ => None,
    }
}

/// Finds the text that equals the label, either exactly or, if only one does, without the spaces around it.
fn text(spelling: Spelling, label: &str, texts: &[String]) -> Option<usize> {
    let only = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = texts.iter().enumerate().filter(|(_, text)| is_it(text)).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    let exactly = texts.iter().position(|text| text == label);
    exactly.or_else(|| match spelling {
        Spelling::Text => only(&|text| text.trim() == label.trim()),
        Spelling::Number => only(&|text| whole(text).is_some() && whole(text) == whole(label)),
        Spelling::Boolean => {
            let same = if label == "true" { ["true", "yes"] } else { ["false", "no"] };
            only(&|text| same.iter().any(|word| text.trim().eq_ignore_ascii_case(word)))
        }
    })
}

/// Decides the reading of a column, either as it is declared or as its type and all its values suggest.
///
/// Numbers are indices. Texts are read in the way that can read most of them. If several read equally many, texts
/// come before letters, and letters before indices.
///
/// # Errors
/// Returns an error when two readings are possible and differ, or when indices seem to count from one.
pub(crate) fn decide(
    label: &Label,
    spelling: Spelling,
    rows: &[Labelled<'_>],
) -> Result<LabelReading, IngestError> {
    use LabelReading::{Index, Letter, Text};
    if let Some(declared) = label.declared {
        return Ok(declared);
    }
    let candidates: &[LabelReading] = match spelling {
        Spelling::Number | Spelling::Boolean => &[Index, Text],
        Spelling::Text => &[Text, Letter, Index],
    };
    let readings: Vec<Reading> =
        candidates.iter().map(|&reading| Reading::of(reading, spelling, rows)).collect();
    let readable =
        (0..rows.len()).filter(|&row| readings.iter().any(|reading| reading.means[row].is_some())).count();
    if readable == 0 {
        from_zero(label, spelling, rows)?;
        return Ok(candidates[0]);
    }
    let chosen = match spelling {
        Spelling::Number | Spelling::Boolean => &readings[0],
        // This is the first of the readings that can read the most rows.
        Spelling::Text => readings
            .iter()
            .reduce(|best, other| if other.reads > best.reads { other } else { best })
            .unwrap_or(&readings[0]),
    };
    let rival = readings
        .iter()
        .filter(|other| other.reading != chosen.reading && other.differs(chosen))
        .find(|other| {
            // A reading that reads all rows is possible. If none does, a reading that reads half of them is.
            other.reads == readable || (chosen.reads < readable && 2 * other.reads >= readable)
        });
    if let Some(rival) = rival {
        return Err(ambiguous(label, [chosen, rival], rows));
    }
    if chosen.reading == Index {
        from_zero(label, spelling, rows)?;
    }
    Ok(chosen.reading)
}

/// A reading, and what it makes of every row.
struct Reading {
    reading: LabelReading,
    means: Vec<Option<usize>>,
    reads: usize,
}

impl Reading {
    fn of(reading: LabelReading, spelling: Spelling, rows: &[Labelled<'_>]) -> Self {
        let means: Vec<_> = rows.iter().map(|row| index(reading, spelling, row.label, row.texts)).collect();
        Self { reading, reads: means.iter().flatten().count(), means }
    }

    /// Checks whether another reading gives a different result for any row.
    fn differs(&self, other: &Self) -> bool {
        self.means != other.means
    }
}

fn ambiguous(label: &Label, readings: [&Reading; 2], rows: &[Labelled<'_>]) -> IngestError {
    let meaning =
        |reading: &Reading, row: usize| reading.means[row].map(|index| rows[row].texts[index].clone());
    let differing = (0..rows.len()).filter(|&row| readings[0].means[row] != readings[1].means[row]);
    let examples = differing
        .take(SHOWN)
        .map(|row| example(&rows[row], readings.iter().map(|reading| meaning(reading, row)).collect()));
    IngestError::LabelAmbiguous {
        column: label.column.clone(),
        readings: readings.map(|reading| reading.reading),
        examples: examples.collect(),
    }
}

fn example(row: &Labelled<'_>, meanings: Vec<Option<String>>) -> Example {
    Example { row: row.row.clone(), label: row.label.to_owned(), texts: row.texts.to_vec(), meanings }
}

/// Refuses indices if none is 0 and one equals the number of texts, because they seem to count from one.
fn from_zero(label: &Label, spelling: Spelling, rows: &[Labelled<'_>]) -> Result<(), IngestError> {
    let numbers: Vec<Option<usize>> = rows.iter().map(|row| whole(row.label)).collect();
    let reaching = || rows.iter().zip(&numbers).filter(|(row, number)| **number == Some(row.texts.len()));
    if spelling == Spelling::Boolean || numbers.contains(&Some(0)) || reaching().next().is_none() {
        return Ok(());
    }
    Err(IngestError::LabelsFromOne {
        column: label.column.clone(),
        reaching: reaching().count() as u64,
        examples: reaching().take(SHOWN).map(|(row, _)| example(row, Vec::new())).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decides the reading for rows that are given as labels and texts, with `|` between the texts.
    fn decided(spelling: Spelling, rows: &[(&str, &str)]) -> Result<LabelReading, IngestError> {
        let texts: Vec<Vec<String>> =
            rows.iter().map(|(_, texts)| texts.split('|').map(str::to_owned).collect()).collect();
        let rows: Vec<Labelled<'_>> = rows
            .iter()
            .zip(&texts)
            .map(|((label, _), texts)| Labelled { row: "row".to_owned(), label, texts })
            .collect();
        decide(&Label::of("answer"), spelling, &rows)
    }

    fn reads(reading: LabelReading, spelling: Spelling, label: &str, texts: &str) -> Option<usize> {
        let texts: Vec<String> = texts.split('|').map(str::to_owned).collect();
        index(reading, spelling, label, &texts)
    }

    #[test]
    fn numbers_are_indices_even_where_some_choices_are_numerals() {
        let rows = [("2", "cat|dog|cow|pig"), ("2", "1|2|3|4"), ("0", "10|3|0|7")];
        assert_eq!(decided(Spelling::Number, &rows).unwrap(), LabelReading::Index);
        let whole = [("0.0", "a|b"), ("1.00", "a|b")];
        assert_eq!(decided(Spelling::Number, &whole).unwrap(), LabelReading::Index);
    }

    #[test]
    fn numbers_that_are_all_among_the_texts_and_mean_another_have_to_be_declared() {
        let rows = [("3", "1|2|3|4"), ("1", "1|2|3|4")];
        let error = decided(Spelling::Number, &rows).unwrap_err();
        assert!(matches!(
            &error,
            IngestError::LabelAmbiguous { readings: [LabelReading::Index, LabelReading::Text], .. }
        ));
        // There is nothing to declare where both readings mean the same.
        assert_eq!(decided(Spelling::Number, &[("1", "0|1"), ("0", "0|1")]).unwrap(), LabelReading::Index);
    }

    #[test]
    fn texts_are_texts_else_letters_else_indices() {
        let rows = |labels: [&'static str; 2]| labels.map(|label| (label, "no|yes|maybe"));
        for (labels, reading) in [
            (["no", "maybe"], LabelReading::Text),
            (["A", "c"], LabelReading::Letter),
            (["0", "2"], LabelReading::Index),
            (["0.0", "1.0"], LabelReading::Index),
        ] {
            assert_eq!(decided(Spelling::Text, &rows(labels)).unwrap(), reading, "{labels:?}");
        }
    }

    #[test]
    fn texts_that_two_readings_read_differently_have_to_be_declared() {
        for rows in
            [[("A", "B|A"), ("B", "B|A")], [("1", "1|0"), ("0", "1|0")], [("2", "1|2|3"), ("1", "3|2|1")]]
        {
            assert!(
                matches!(decided(Spelling::Text, &rows), Err(IngestError::LabelAmbiguous { .. })),
                "{rows:?}"
            );
        }
        // A row that no reading can read does not hide the ambiguity of the others.
        let rows = [("1", "1|0"), ("0", "1|0"), ("?", "1|0")];
        assert!(matches!(decided(Spelling::Text, &rows), Err(IngestError::LabelAmbiguous { .. })));
        assert_eq!(decided(Spelling::Text, &[("A", "A|B"), ("B", "A|B")]).unwrap(), LabelReading::Text);
    }

    #[test]
    fn a_stray_value_does_not_change_how_the_others_are_read() {
        let rows = [("no", "no|yes"), ("yes", "no|yes"), ("B", "no|yes")];
        assert_eq!(decided(Spelling::Text, &rows).unwrap(), LabelReading::Text);
        let rows = [("A", "no|yes"), ("B", "no|yes"), ("yes", "no|yes")];
        assert_eq!(decided(Spelling::Text, &rows).unwrap(), LabelReading::Letter);
    }

    #[test]
    fn labels_from_one_to_the_number_of_choices_stop_the_run() {
        let rows = [("1", "a|b|c"), ("2", "a|b|c"), ("3", "a|b|c")];
        for spelling in [Spelling::Number, Spelling::Text] {
            assert!(matches!(decided(spelling, &rows), Err(IngestError::LabelsFromOne { reaching: 1, .. })));
            assert!(matches!(decided(spelling, &rows[2..]), Err(IngestError::LabelsFromOne { .. })));
            assert_eq!(decided(spelling, &rows[..2]).unwrap(), LabelReading::Index);
        }
        assert_eq!(reads(LabelReading::Position, Spelling::Number, "3", "a|b|c"), Some(2));
        assert_eq!(reads(LabelReading::Position, Spelling::Number, "0", "a|b|c"), None);
    }

    #[test]
    fn a_boolean_is_0_or_1_of_two_choices() {
        assert_eq!(
            decided(Spelling::Boolean, &[("true", "cat|dog"), ("false", "cat|dog")]).unwrap(),
            LabelReading::Index
        );
        assert_eq!(reads(LabelReading::Index, Spelling::Boolean, "true", "cat|dog"), Some(1));
        assert_eq!(reads(LabelReading::Index, Spelling::Boolean, "true", "cat|dog|cow"), None);
        // If the texts themselves are true and false in reverse order, both readings are possible.
        let reversed = [("true", "True|False"), ("false", "True|False")];
        assert!(matches!(decided(Spelling::Boolean, &reversed), Err(IngestError::LabelAmbiguous { .. })));
    }

    #[test]
    fn what_is_beyond_the_choices_is_no_label() {
        for label in ["2", "-1", "+1", "01", "1.5", "1e0", "nan", "", " ", "é"] {
            assert_eq!(reads(LabelReading::Index, Spelling::Number, label, "no|yes"), None, "{label}");
        }
        assert_eq!(reads(LabelReading::Letter, Spelling::Text, "C", "no|yes"), None);
        assert_eq!(reads(LabelReading::Text, Spelling::Text, " yes ", "no|yes"), Some(1));
        assert_eq!(reads(LabelReading::Text, Spelling::Text, "a", " a|a "), None);
    }
}
