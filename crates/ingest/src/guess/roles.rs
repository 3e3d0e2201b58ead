//! What identifies a row, what must not cross a split, and which rows train and test.

use std::ops::RangeInclusive;

use cliptune_experiment::{Folds, Split, Task};
use cliptune_propose::{Guess, Guesses, Parts, SplitColumn, is_about};
use cliptune_store::{sql_name, sql_text};
use cliptune_terminal::format::{agreed, counted};

use super::columns::{Look, Seen};
use super::names::hint;
use crate::error::IngestError;
use crate::table::Kind;

/// Words in the names of columns that identify a row, the most telling ones first.
const IDS: [&str; 7] = ["id", "uid", "uuid", "guid", "key", "identifier", "index"];
/// Words in the names of columns that say what belongs together.
const GROUPS: [&str; 26] = [
    "group",
    "contest",
    "patient",
    "subject",
    "user",
    "author",
    "artist",
    "photographer",
    "person",
    "product",
    "item",
    "scene",
    "video",
    "clip",
    "series",
    "session",
    "family",
    "case",
    "article",
    "page",
    "document",
    "recipe",
    "place",
    "site",
    "camera",
    "specimen",
];
/// The number of groups from which on they can fill three splits.
const GROUPS_AT_LEAST: u64 = 10;
/// The largest number of different values of a column that names splits.
const SPLITS: u64 = 8;
/// Words in the names of columns that hold folds.
const FOLDS: [&str; 2] = ["fold", "kfold"];
/// The number of folds that people make.
const FOLD_COUNTS: RangeInclusive<u64> = Folds::FEWEST as u64..=20;
/// What splits are called, and which they are. The rest of COCO's validation images trains in the usual division of it.
const NAMES: [(&str, Split); 13] = [
    ("train", Split::Train),
    ("training", Split::Train),
    ("tr", Split::Train),
    ("restval", Split::Train),
    ("validation", Split::Validation),
    ("valid", Split::Validation),
    ("val", Split::Validation),
    ("dev", Split::Validation),
    ("development", Split::Validation),
    ("test", Split::Test),
    ("testing", Split::Test),
    ("te", Split::Test),
    ("eval", Split::Test),
];

/// Guesses which column identifies a row. It is one of those that are called so.
pub(super) fn id(look: &Look<'_>, seen: &[Seen], task: &Task) -> Result<Guesses<String>, IngestError> {
    let mut named: Vec<(usize, &Seen)> = seen
        .iter()
        .filter(|column| Some(column.name.as_str()) != look.joined && !is_about(task, &column.name))
        .filter(|column| column.is.letters <= 64.0 && column.is.words <= 1.2)
        .filter_map(|column| Some((hint(&column.name, &IDS)?, column)))
        .collect();
    named.sort_by_key(|(hint, _)| *hint);
    for (_, column) in named {
        if look.is_unique(column)? {
            let why = format!("no two rows have the same `{}`", column.name);
            return Ok(Guesses::first_of(vec![Guess::new(column.name.clone(), why)]));
        }
    }
    Ok(Guesses::default())
}

/// Guesses which column says what belongs together: each image has one value, and the name says so. Without such a name it is
/// only offered.
pub(super) fn group(
    look: &Look<'_>,
    seen: &[Seen],
    task: &Task,
    id: &Guesses<String>,
    split: &Guesses<SplitColumn>,
) -> Guesses<String> {
    let is_free = |column: &&Seen| {
        let is_id = id.taken().is_some_and(|id| id.value == column.name);
        let is_split = split.all.iter().any(|split| split.value.named == column.name);
        let is_joined = Some(column.name.as_str()) == look.joined;
        !is_id && !is_split && !is_joined && !is_about(task, &column.name)
    };
    let is_group = |column: &&Seen| {
        let is = &column.is;
        let repeats = is.distinct < is.filled && is.distinct >= GROUPS_AT_LEAST;
        is.filled == look.rows()
            && column.is_of_image()
            && repeats
            && is.words <= 4.0
            && is.letters <= 64.0
            && !column.is_listed()
    };
    let groups: Vec<&Seen> = seen.iter().filter(is_free).filter(is_group).collect();
    if let Some(named) = groups.iter().find(|column| hint(&column.name, &GROUPS).is_some()) {
        return Guesses::first_of(vec![grouped(named)]);
    }
    let shared = groups.iter().find(|column| 2 * column.is.distinct <= column.is.images);
    Guesses::offered(shared.map(|column| grouped(column)).into_iter().collect())
}

fn grouped(column: &Seen) -> Guess<String> {
    let Seen { name, is, .. } = column;
    let (values, images) = (counted(is.distinct, "different value"), counted(is.images, "image"));
    Guess::new(name.clone(), format!("`{name}` has {values} for {images}, and each image has one of them"))
}

/// Guesses which column says which rows train, validate and test: all its values are names of splits. Where there is none, it may be
/// one that names the fold of each row.
pub(super) fn split(look: &Look<'_>, seen: &[Seen]) -> Result<Guesses<SplitColumn>, IngestError> {
    let is_short = |column: &&Seen| {
        column.kind == Kind::Text && (2..=SPLITS).contains(&column.is.distinct) && column.is.letters <= 12.0
    };
    let mut found = Vec::new();
    for column in seen.iter().filter(is_short) {
        let values = look.values(column)?;
        let meant: Option<Vec<Split>> = values.iter().map(|value| meaning(value)).collect();
        let has = |split: Split| meant.as_ref().is_some_and(|meant| meant.contains(&split));
        if has(Split::Train) && has(Split::Test) {
            found.push(reasoned(look, column, &values, has(Split::Validation)));
        }
    }
    found.extend(seen.iter().filter(|column| is_fold(look, column)).map(folded));
    Ok(Guesses::first_of(found))
}

/// Checks whether a column is called as folds are, and divides the images into as many as there may be.
fn is_fold(look: &Look<'_>, column: &Seen) -> bool {
    let is_filled = column.is.filled == look.rows();
    is_filled
        && hint(&column.name, &FOLDS).is_some()
        && FOLD_COUNTS.contains(&column.is.distinct)
        && column.is_of_image()
        && !column.is_listed()
}

fn folded(column: &Seen) -> Guess<SplitColumn> {
    let named = column.name.clone();
    let why = format!(
        "`{named}` has the names of {}: the first one tests and the next one validates; a matrix over `data.split.test_fold` tests each \
         of them once",
        counted(column.is.distinct, "fold")
    );
    Guess::new(SplitColumn { names: Parts::Folds, column: named.clone(), named, validates: true }, why)
}

/// Returns the split that a value names, if it names one.
pub(super) fn meaning(value: &str) -> Option<Split> {
    let value = value.trim().to_lowercase();
    NAMES.iter().find(|(name, _)| *name == value).map(|(_, split)| *split)
}

fn reasoned(look: &Look<'_>, column: &Seen, values: &[String], validates: bool) -> Guess<SplitColumn> {
    let missing = look.rows() - column.is.filled.min(look.rows());
    let without = match missing {
        0 => String::new(),
        rows => {
            let (have, are) = (agreed(rows, "has", "have"), agreed(rows, "is", "are"));
            format!("; {} {have} none, and {are} rejected", counted(rows, "row"))
        }
    };
    let why = format!("the values of `{}` are {}{without}", column.name, values.join(", "));
    let named = column.name.clone();
    let column = translated(&named, values);
    Guess::new(SplitColumn { names: Parts::Splits, column, named, validates }, why)
}

/// Returns the column, or the SQL that translates its values where they are not the names that an experiment knows.
fn translated(name: &str, values: &[String]) -> String {
    let others: Vec<String> = values
        .iter()
        .filter_map(|value| Some((value, meaning(value)?)))
        .filter(|(value, split)| *value != split.as_str())
        .map(|(value, split)| format!(" WHEN {} THEN {}", sql_text(value), sql_text(split.as_str())))
        .collect();
    let column = sql_name(name);
    match others.is_empty() {
        true => name.to_owned(),
        false => format!("CASE {column}{} ELSE {column} END", others.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_known_by_the_names_that_people_give_them() {
        for (value, split) in [
            ("Train", Split::Train),
            ("val", Split::Validation),
            (" dev ", Split::Validation),
            ("TEST", Split::Test),
        ] {
            assert_eq!(meaning(value), Some(split), "{value}");
        }
        assert_eq!(meaning("trains"), None);
    }

    #[test]
    fn values_that_an_experiment_does_not_know_are_translated() {
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        assert_eq!(translated("split", &values(&["test", "train", "validation"])), "split");
        assert_eq!(
            translated("the \"split\"", &values(&["test", "train", "val"])),
            "CASE \"the \"\"split\"\"\" WHEN 'val' THEN 'validation' ELSE \"the \"\"split\"\"\" END"
        );
    }
}
