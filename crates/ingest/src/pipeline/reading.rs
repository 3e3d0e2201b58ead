//! Finds out how the labels of all rows are read.

use cliptune_experiment::{Label, LabelReading};
use serde::Deserialize;

use super::ROW_NAME;
use crate::database::Database;
use crate::error::{IngestError, LabelError};
use crate::functions::Rules;
use crate::label::{self, Alike, Example, Means, Undecided};

/// The rows whose labels count: those that `where` keeps and that have an image, texts and a label.
const LABELLED: &str =
    "joined WHERE kept AND image IS NOT NULL AND label IS NOT NULL AND facts.said IS NOT NULL
    AND facts.flaw IS NULL";

/// The rows that mean the same, as the database counts them.
#[derive(Deserialize)]
struct Counted {
    means: Means,
    rows: u64,
    first: Vec<u64>,
}

/// Decides how all labels are read.
pub(crate) fn decide(database: &Database, label: &Label, rules: &Rules) -> Result<LabelReading, IngestError> {
    let counted: Vec<Counted> = database.rows(&format!(
        "SELECT CAST(to_json({{'means': means, 'rows': count(*), 'first': min(number, {})}}) AS VARCHAR)
         FROM (SELECT number, {{'text': facts.text, 'letter': facts.letter, 'index': facts.index,
                               'position': facts.position, 'is_zero': facts.is_zero,
                               'is_count': facts.is_count}} AS means FROM {LABELLED}) GROUP BY means",
        label::SHOWN
    ))?;
    let alike = |Counted { means, rows, first }| Alike { means, rows, first };
    let labels: Vec<Alike> = counted.into_iter().map(alike).collect();
    label::decide(label, rules.spelling, &labels).map_err(|undecided| told(database, label, rules, undecided))
}

/// Returns the error that shows the rows which a decision failed at.
fn told(database: &Database, label: &Label, rules: &Rules, undecided: Undecided) -> IngestError {
    let column = label.column.clone();
    let told = match undecided {
        Undecided::Ambiguous { readings, rows } => examples(database, rules, &rows, &readings)
            .map(|examples| IngestError::from(LabelError::Ambiguous { column, readings, examples })),
        Undecided::FromOne { reaching, rows } => examples(database, rules, &rows, &[])
            .map(|examples| IngestError::from(LabelError::FromOne { column, reaching, examples })),
    };
    told.unwrap_or_else(|error| error)
}

#[derive(Deserialize)]
struct Labelled {
    row: String,
    label: String,
    texts: Vec<String>,
}

fn examples(
    database: &Database,
    rules: &Rules,
    rows: &[u64],
    readings: &[LabelReading],
) -> Result<Vec<Example>, IngestError> {
    let numbers: Vec<String> = rows.iter().map(u64::to_string).collect();
    let labelled: Vec<Labelled> = database.rows(&format!(
        "SELECT CAST(to_json({{'row': {ROW_NAME}, 'label': label, 'texts': texts}}) AS VARCHAR)
         FROM cells JOIN words ON words.number = cells.number WHERE cells.number IN ({}) ORDER BY cells.number",
        numbers.join(", ")
    ))?;
    let example = |Labelled { row, label, texts }: Labelled| {
        let meaning = |reading: &LabelReading| label::meaning(*reading, rules.spelling, &label, &texts);
        let meanings = readings.iter().map(meaning).collect();
        Example { row, label, texts, meanings }
    };
    Ok(labelled.into_iter().map(example).collect())
}
