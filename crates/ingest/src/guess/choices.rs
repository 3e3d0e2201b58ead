//! Lists of texts, of which one is right.

use cliptune_experiment::Task;
use cliptune_propose::Guess;
use cliptune_store::sql_name;
use cliptune_terminal::format::counted;
use serde::Deserialize;

use super::columns::{COLUMNS, Look, Seen};
use super::labels::{self, Found};
use super::names::hint;
use crate::error::IngestError;
use crate::table::{Kind, plain_name};
use crate::value::Values;

/// Words in the names of columns that hold choices, the most telling ones first.
const WORDS: [&str; 8] =
    ["choice", "option", "candidate", "alternative", "distractor", "answer", "caption", "text"];
/// The key that the columns are for.
const KEY: &str = "data.columns.choices";
/// The number of guesses that a reader can weigh.
const FEW: usize = 3;

/// Something that gives a list of texts for each row.
pub(super) struct Texts {
    /// The column or the SQL expression as an experiment names it.
    written: String,
    /// The SQL of the list.
    pub(super) sql: String,
    /// What it is, for a reason.
    called: String,
    /// The columns that it is made of.
    pub(super) members: Vec<String>,
    pub(super) is_hinted: bool,
}

/// How many texts the lists of a table have.
#[derive(Deserialize)]
struct Lengths {
    filled: u64,
    fewest: u64,
    most: u64,
}

/// Guesses which texts a row has to choose from and which of them is right. The likeliest guess comes first.
pub(super) fn guess(look: &Look<'_>, seen: &[Seen]) -> Result<Vec<Guess<Task>>, IngestError> {
    let mut guesses = Vec::new();
    for texts in lists(look, seen)? {
        let lengths = lengths(look, &texts)?;
        if lengths.most < 2 || 2 * lengths.filled < look.rows() {
            continue;
        }
        let is_even = lengths.fewest == lengths.most;
        for label in labels::read(look, &texts, seen)? {
            // Small numbers are places in any list: tags beside the number of a class are no choices.
            let is_told = texts.is_hinted || label.strength() > 0 || (is_even && label.is_hinted);
            if !is_told {
                continue;
            }
            let rank = (texts.is_hinted, label.is_hinted, is_even, label.strength(), label.places);
            guesses.push((rank, reasoned(&texts, &lengths, label)));
        }
    }
    // One that is always in the same place, such as a number of something else, gives way.
    if guesses.iter().any(|((.., places), _)| *places > 1) {
        guesses.retain(|((.., places), _)| *places > 1);
    }
    // Equal ones stay in the order of the table.
    guesses.sort_by(|(one, _), (other, _)| other.cmp(one));
    let best = guesses.first().map(|((texts, label, ..), _)| (*texts, *label));
    guesses.retain(|((texts, label, ..), _)| Some((*texts, *label)) == best);
    Ok(guesses.into_iter().map(|(_, guess)| guess).take(FEW).collect())
}

fn reasoned(texts: &Texts, lengths: &Lengths, label: Found) -> Guess<Task> {
    let number = match lengths.fewest == lengths.most {
        true => counted(lengths.most, "text"),
        false => format!("{} to {}", lengths.fewest, counted(lengths.most, "text")),
    };
    let why = format!("{} {number} in a row, and {}", texts.called, label.why());
    Guess::new(Task::Choice { choices: texts.written.clone(), label: label.label() }, why)
}

/// Finds everything that gives a list of texts: columns of lists, and columns with a name in common.
fn lists(look: &Look<'_>, seen: &[Seen]) -> Result<Vec<Texts>, IngestError> {
    let mut lists = Vec::new();
    let named = look.table.columns().iter().filter(|column| !column.name.trim().is_empty());
    for column in named.take(COLUMNS) {
        let own = seen.iter().find(|seen| seen.name == column.name);
        let may_list =
            matches!(Kind::parse(&column.sql_type), Kind::List(_) | Kind::Struct(_) | Kind::Map | Kind::Json);
        lists.extend(match own {
            Some(own) if own.is_spelled() => spelled(look, &column.name)?,
            own if may_list || own.is_some_and(Seen::is_listed) => listed(look, &column.name)?,
            _ => None,
        });
    }
    for family in families(look, seen) {
        lists.extend(together(look, &family)?);
    }
    Ok(lists)
}

/// Returns the list that a column has, or that an expression makes of it.
fn listed(look: &Look<'_>, name: &str) -> Result<Option<Texts>, IngestError> {
    let values = Values::of(look.database, look.table);
    let list = |written: &str| values.list(&values.named(written, KEY)?);
    let (written, sql) = match list(name) {
        Ok([sql, _]) => (name.to_owned(), sql),
        Err(IngestError::ColumnType { expression: Some(expression), .. }) => match list(&expression) {
            Ok([sql, _]) => (expression, sql),
            Err(_) => return Ok(None),
        },
        Err(IngestError::ColumnType { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Texts {
        written,
        sql,
        called: format!("`{name}` has"),
        members: vec![name.to_owned()],
        is_hinted: hint(name, &WORDS).is_some(),
    }))
}

/// Returns the list that a column has as Python spells it, which tables have that were written from lists of Python.
fn spelled(look: &Look<'_>, name: &str) -> Result<Option<Texts>, IngestError> {
    let texts = listed(look, &format!("TRY_CAST({} AS VARCHAR[])", plain_name(name)))?;
    Ok(texts.map(|texts| Texts {
        called: format!("`{name}` has, as Python spells lists,"),
        members: vec![name.to_owned()],
        is_hinted: hint(name, &WORDS).is_some(),
        ..texts
    }))
}

/// Finds columns that are numbered or lettered: `option_1`, `option_2`, or `A`, `B`, `C`.
fn families<'s>(look: &Look<'_>, seen: &'s [Seen]) -> Vec<Vec<&'s Seen>> {
    let mut families: Vec<(String, Vec<(u32, &Seen)>)> = Vec::new();
    for column in seen.iter().filter(|column| Some(column.name.as_str()) != look.joined) {
        let Some((stem, place)) = stem(&column.name) else { continue };
        match families.iter_mut().find(|(known, _)| *known == stem) {
            Some((_, members)) => members.push((place, column)),
            None => families.push((stem, vec![(place, column)])),
        }
    }
    let ordered = families.into_iter().filter_map(|(_, mut members)| {
        members.sort_by_key(|(place, _)| *place);
        let first = members.first()?.0;
        let is_counted = first <= 1 && (first..).zip(&members).all(|(at, (place, _))| at == *place);
        let is_one_kind = members.iter().all(|(_, column)| column.kind == members[0].1.kind);
        let is_told = members.len() > 1 && is_counted && is_one_kind;
        is_told.then(|| members.into_iter().map(|(_, column)| column).collect::<Vec<_>>())
    });
    let is_text = |family: &Vec<&Seen>| {
        hint(&family[0].name, &WORDS).is_some() || family.iter().all(|column| !column.is_numeric())
    };
    ordered.filter(is_text).collect()
}

/// Splits the name of a numbered or lettered column into what it shares with others, and its place: `option_b` is the second one of
/// `option_` with letters.
fn stem(name: &str) -> Option<(String, u32)> {
    let digits = name.chars().rev().take_while(char::is_ascii_digit).count();
    if digits > 0 {
        let (stem, number) = name.split_at(name.len() - digits);
        return Some((format!("{}#", stem.to_lowercase()), number.parse().ok()?));
    }
    let letter = name.chars().next_back().filter(char::is_ascii_alphabetic)?;
    let stem = &name[..name.len() - 1];
    let before = stem.chars().next_back();
    let stands_alone = before.is_none_or(|before| {
        !before.is_alphanumeric() || (before.is_lowercase() && letter.is_ascii_uppercase())
    });
    let place = u32::from(letter.to_ascii_lowercase()) - u32::from('a');
    stands_alone.then(|| (format!("{}a", stem.to_lowercase()), place))
}

/// Returns the list of what several columns have. A row may have fewer texts than there are columns.
fn together(look: &Look<'_>, family: &[&Seen]) -> Result<Option<Texts>, IngestError> {
    let names: Vec<String> = family.iter().map(|column| sql_name(&column.name)).collect();
    let all = format!("[{}]", names.join(", "));
    let is_whole = family.iter().all(|column| column.is.filled == look.rows());
    let one = look.table.one_of_list();
    let written = if is_whole { all } else { format!("[{one} for {one} in {all} if {one} IS NOT NULL]") };
    let (first, last) = (&family[0].name, &family[family.len() - 1].name);
    let texts = listed(look, &written)?;
    Ok(texts.map(|texts| Texts {
        called: format!("the columns from `{first}` to `{last}` have"),
        members: family.iter().map(|column| column.name.clone()).collect(),
        is_hinted: hint(first, &WORDS).is_some(),
        ..texts
    }))
}

fn lengths(look: &Look<'_>, texts: &Texts) -> Result<Lengths, IngestError> {
    look.database.row(&format!(
        "SELECT CAST(to_json({{
             'filled': count(texts), 'fewest': coalesce(min(len(texts)), 0), 'most': coalesce(max(len(texts)), 0)
         }}) AS VARCHAR) FROM (SELECT {} AS texts FROM {})",
        texts.sql,
        look.source()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_and_lettered_columns_have_a_stem_and_a_place() {
        let told = |name: &str| stem(name).map(|(stem, place)| format!("{stem} {place}"));
        assert_eq!(told("option_1").unwrap(), "option_# 1");
        assert_eq!(told("Option12").unwrap(), "option# 12");
        assert_eq!(told("choice_b").unwrap(), "choice_a 1");
        assert_eq!(told("choiceC").unwrap(), "choicea 2");
        assert_eq!(told("A").unwrap(), "a 0");
        assert_eq!(told("9").unwrap(), "# 9");
        for name in ["caption", "data", "é", "", "99999999999999999999"] {
            assert_eq!(told(name), None, "{name}");
        }
    }
}
