//! Decides which choice a label means. There is one reading for a whole column.

use cliptune_experiment::{Label, LabelReading};
use serde::Deserialize;

/// The way in which the labels of a column are spelled, which follows from its SQL type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spelling {
    Number,
    Boolean,
    /// The labels are texts, or values of several kinds.
    #[default]
    Text,
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
pub(crate) const SHOWN: usize = 3;

/// Returns the index of the right text, or `None` if the label cannot be read that way or lies beyond the texts.
pub(crate) fn index(reading: LabelReading, spelling: Spelling, label: &str, texts: &[&str]) -> Option<usize> {
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
fn text(spelling: Spelling, label: &str, texts: &[&str]) -> Option<usize> {
    let only = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = texts.iter().enumerate().filter(|(_, text)| is_it(text)).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    let exactly = texts.iter().position(|text| *text == label);
    exactly.or_else(|| match spelling {
        Spelling::Text => only(&|text| text.trim() == label.trim()),
        Spelling::Number => only(&|text| whole(text).is_some() && whole(text) == whole(label)),
        Spelling::Boolean => {
            let same = if label == "true" { ["true", "yes"] } else { ["false", "no"] };
            only(&|text| same.iter().any(|word| text.trim().eq_ignore_ascii_case(word)))
        }
    })
}

/// What each reading makes of a label, and what the label is as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Means {
    /// The index of the text that each reading chooses.
    pub(crate) text: Option<u32>,
    pub(crate) letter: Option<u32>,
    pub(crate) index: Option<u32>,
    pub(crate) position: Option<u32>,
    pub(crate) is_zero: bool,
    /// Whether the label is the number of texts.
    pub(crate) is_count: bool,
}

impl Means {
    pub(crate) fn of(spelling: Spelling, label: &str, texts: &[&str]) -> Self {
        let number = whole(label);
        let chosen = |reading| u32::try_from(index(reading, spelling, label, texts)?).ok();
        Self {
            text: chosen(LabelReading::Text),
            letter: chosen(LabelReading::Letter),
            index: chosen(LabelReading::Index),
            position: chosen(LabelReading::Position),
            is_zero: number == Some(0),
            is_count: number == Some(texts.len()),
        }
    }

    /// Returns the index of the text that a reading chooses.
    pub(crate) fn read_as(&self, reading: LabelReading) -> Option<u32> {
        match reading {
            LabelReading::Text => self.text,
            LabelReading::Letter => self.letter,
            LabelReading::Index => self.index,
            LabelReading::Position => self.position,
        }
    }

    fn differ(&self, [one, other]: [LabelReading; 2]) -> bool {
        self.read_as(one) != self.read_as(other)
    }
}

/// The labels that mean the same in every reading.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    pub(crate) means: Means,
    /// The number of such rows.
    pub(crate) rows: u64,
    /// The numbers of the first such rows, as many as a message shows.
    pub(crate) first: Vec<u64>,
}

/// The reason why a reading has to be declared, with the numbers of a few rows that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undecided {
    /// Two readings are possible and differ.
    Ambiguous { readings: [LabelReading; 2], rows: Vec<u64> },
    /// Indices seem to count from one. `reaching` is the number of rows whose label is the number of their texts.
    FromOne { reaching: u64, rows: Vec<u64> },
}

/// Decides the reading of a column, either as it is declared or as its type and all its values suggest.
///
/// Numbers are indices. Texts are read in the way that can read most of them. If several read equally many, texts
/// come before letters, and letters before indices.
///
/// # Errors
/// Returns an error when two readings are possible and differ, or when indices seem to count from one.
pub(crate) fn decide(label: &Label, spelling: Spelling, labels: &[Alike]) -> Result<LabelReading, Undecided> {
    use LabelReading::{Index, Letter, Text};
    if let Some(declared) = label.declared {
        return Ok(declared);
    }
    let candidates: &[LabelReading] = match spelling {
        Spelling::Number | Spelling::Boolean => &[Index, Text],
        Spelling::Text => &[Text, Letter, Index],
    };
    let reads = |reading: LabelReading| count(labels, |means| means.read_as(reading).is_some());
    let readable = count(labels, |means| candidates.iter().any(|&reading| means.read_as(reading).is_some()));
    if readable == 0 {
        from_zero(spelling, labels)?;
        return Ok(candidates[0]);
    }
    let chosen = match spelling {
        Spelling::Number | Spelling::Boolean => Index,
        // This is the first of the readings that can read the most rows.
        Spelling::Text => [Letter, Index]
            .into_iter()
            .fold(Text, |best, other| if reads(other) > reads(best) { other } else { best }),
    };
    let rival = candidates.iter().copied().find(|&other| {
        let differs = labels.iter().any(|alike| alike.means.differ([chosen, other]));
        // A reading that reads all rows is possible. If none does, a reading that reads half of them is.
        differs && (reads(other) == readable || (reads(chosen) < readable && 2 * reads(other) >= readable))
    });
    if let Some(rival) = rival {
        let readings = [chosen, rival];
        return Err(Undecided::Ambiguous { readings, rows: first(labels, |means| means.differ(readings)) });
    }
    if chosen == Index {
        from_zero(spelling, labels)?;
    }
    Ok(chosen)
}

fn count(labels: &[Alike], is_it: impl Fn(&Means) -> bool) -> u64 {
    labels.iter().filter(|alike| is_it(&alike.means)).map(|alike| alike.rows).sum()
}

/// Returns the numbers of the first rows of a kind.
fn first(labels: &[Alike], is_it: impl Fn(&Means) -> bool) -> Vec<u64> {
    let mut rows: Vec<u64> = labels
        .iter()
        .filter(|alike| is_it(&alike.means))
        .flat_map(|alike| alike.first.iter().copied())
        .collect();
    rows.sort_unstable();
    rows.truncate(SHOWN);
    rows
}

/// Refuses indices if none is 0 and one equals the number of texts, because they seem to count from one.
fn from_zero(spelling: Spelling, labels: &[Alike]) -> Result<(), Undecided> {
    let reaching = count(labels, |means| means.is_count);
    if spelling == Spelling::Boolean || count(labels, |means| means.is_zero) > 0 || reaching == 0 {
        return Ok(());
    }
    Err(Undecided::FromOne { reaching, rows: first(labels, |means| means.is_count) })
}

/// Returns what a reading chooses from a row, for a message.
pub(crate) fn meaning(
    reading: LabelReading,
    spelling: Spelling,
    label: &str,
    texts: &[String],
) -> Option<String> {
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    index(reading, spelling, label, &borrowed).map(|index| texts[index].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decides the reading for rows that are given as labels and texts, with `|` between the texts.
    fn decided(spelling: Spelling, rows: &[(&str, &str)]) -> Result<LabelReading, Undecided> {
        let alike = |(row, (label, texts)): (usize, &(&str, &str))| {
            let means = Means::of(spelling, label, &texts.split('|').collect::<Vec<_>>());
            Alike { means, rows: 1, first: vec![row as u64] }
        };
        let labels: Vec<Alike> = rows.iter().enumerate().map(alike).collect();
        decide(&Label::of("answer"), spelling, &labels)
    }

    fn reads(reading: LabelReading, spelling: Spelling, label: &str, texts: &str) -> Option<usize> {
        index(reading, spelling, label, &texts.split('|').collect::<Vec<_>>())
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
        let readings = [LabelReading::Index, LabelReading::Text];
        let undecided = Undecided::Ambiguous { readings, rows: vec![0, 1] };
        assert_eq!(decided(Spelling::Number, &rows), Err(undecided));
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
            assert!(matches!(decided(Spelling::Text, &rows), Err(Undecided::Ambiguous { .. })), "{rows:?}");
        }
        // A row that no reading can read does not hide the ambiguity of the others.
        let rows = [("1", "1|0"), ("0", "1|0"), ("?", "1|0")];
        assert!(matches!(decided(Spelling::Text, &rows), Err(Undecided::Ambiguous { .. })));
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
            assert!(matches!(decided(spelling, &rows), Err(Undecided::FromOne { reaching: 1, .. })));
            assert!(matches!(decided(spelling, &rows[2..]), Err(Undecided::FromOne { .. })));
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
        assert!(matches!(decided(Spelling::Boolean, &reversed), Err(Undecided::Ambiguous { .. })));
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
