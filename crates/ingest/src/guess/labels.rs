//! Which column says which of several texts is right, and how.

use std::collections::BTreeSet;

use cliptune_experiment::{Label, LabelReading};
use cliptune_terminal::format::{count, counted};
use serde::Deserialize;

use super::choices::Texts;
use super::columns::{Look, Seen};
use super::names::hint;
use crate::error::IngestError;
use crate::label::{Alike, Means, Spelling, Undecided, decide};
use crate::table::{Kind, TABLE};

/// Words in the names of columns that hold labels.
const WORDS: [&str; 9] =
    ["label", "answer", "correct", "right", "target", "gold", "truth", "winner", "solution"];
/// The number of rows whose labels are read.
const ROWS: usize = 2_000;

/// A column that says which text is right, in one reading.
pub(super) struct Found {
    column: String,
    reading: LabelReading,
    /// The number of rows that can be read that way.
    read: u64,
    /// The number of rows that have texts.
    of: u64,
    /// The number of different places among the texts that it names.
    pub(super) places: usize,
    pub(super) is_hinted: bool,
}

/// A row as the rules see it.
#[derive(Deserialize)]
struct Row {
    texts: Option<Vec<Option<String>>>,
    labels: Vec<Option<String>>,
}

impl Found {
    /// Returns how much more it says than chance would: a text is seldom one of several by chance, a number often.
    pub(super) fn strength(&self) -> u8 {
        match self.reading {
            LabelReading::Text => 2,
            LabelReading::Letter => 1,
            LabelReading::Index | LabelReading::Position => 0,
        }
    }

    /// Returns the label as an experiment declares it.
    pub(super) fn label(&self) -> Label {
        Label { column: self.column.clone(), declared: Some(self.reading) }
    }

    /// Returns the reason.
    pub(super) fn why(&self) -> String {
        let what = match self.reading {
            LabelReading::Index => "the place of one of them, counted from 0",
            LabelReading::Position => "the place of one of them, counted from 1",
            LabelReading::Letter => "the letter of one of them",
            LabelReading::Text => "one of them, word for word",
        };
        let of = counted(self.of, "row");
        format!("`{}` has {what}: in {} of {of} that were read", self.column, count(self.read))
    }

    /// Checks whether it says enough to be believed. A label that is always in the same place says so by its name alone.
    fn is_likely(&self, column: &Seen) -> bool {
        let repeats = column.is.distinct < column.is.filled;
        let is_told = self.is_hinted || (self.places > 1 && (repeats || self.reading == LabelReading::Text));
        self.read > 0 && 10 * self.read >= 9 * self.of && is_told
    }
}

/// Finds the columns that say which of some texts is right, in each reading that is possible.
pub(super) fn read(look: &Look<'_>, texts: &Texts, seen: &[Seen]) -> Result<Vec<Found>, IngestError> {
    let is_other =
        |column: &&Seen| Some(column.name.as_str()) != look.joined && !texts.members.contains(&column.name);
    let columns: Vec<&Seen> = seen.iter().filter(is_other).filter(|column| !column.is_listed()).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows(look, texts, &columns)?;
    // Lists of numbers are boxes and vectors, unless they are called choices.
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    if !texts.is_hinted && rows.iter().filter_map(texts_of).flatten().all(is_number) {
        return Ok(Vec::new());
    }
    let found = columns.iter().enumerate().flat_map(|(at, column)| of_column(&rows, at, column));
    Ok(found.collect())
}

/// Reads rows from all parts of the table.
fn rows(look: &Look<'_>, texts: &Texts, columns: &[&Seen]) -> Result<Vec<Row>, IngestError> {
    let labels: Vec<&str> = columns.iter().map(|column| column.sql.as_str()).collect();
    look.database.rows(&format!(
        "SELECT CAST(to_json({{'texts': texts, 'labels': labels}}) AS VARCHAR)
         FROM (SELECT {} AS texts, [{}] AS labels, {TABLE}.{number} AS number FROM {})
         ORDER BY hash(number), number LIMIT {ROWS}",
        texts.sql,
        labels.join(", "),
        look.source(),
        number = look.table.number,
    ))
}

/// Returns the likely readings of the column at a place.
fn of_column(rows: &[Row], at: usize, column: &Seen) -> Vec<Found> {
    let spelling = match column.kind {
        Kind::Number => Spelling::Number,
        Kind::Boolean => Spelling::Boolean,
        _ => Spelling::Text,
    };
    let listed = rows.iter().filter_map(|row| Some((row, texts_of(row)?)));
    let (mut of, mut labels) = (0, Vec::new());
    for (row, texts) in listed {
        of += 1;
        if let Some(Some(label)) = row.labels.get(at) {
            labels.push(Alike { means: Means::of(spelling, label, &texts), rows: 1, first: Vec::new() });
        }
    }
    let readings = match decide(&Label::of(&column.name), spelling, &labels) {
        Ok(reading) => vec![reading],
        Err(Undecided::Ambiguous { readings, .. }) => readings.to_vec(),
        Err(Undecided::FromOne { .. }) => vec![LabelReading::Position],
    };
    let found = readings.into_iter().map(|reading| {
        let read: Vec<u32> = labels.iter().filter_map(|label| label.means.read_as(reading)).collect();
        Found {
            column: column.name.clone(),
            reading,
            read: read.len() as u64,
            of,
            places: read.iter().collect::<BTreeSet<_>>().len(),
            is_hinted: hint(&column.name, &WORDS).is_some(),
        }
    });
    found.filter(|found| found.is_likely(column)).collect()
}

/// Returns the texts of a row that has several, and none of them missing.
fn texts_of(row: &Row) -> Option<Vec<&str>> {
    let texts: Option<Vec<&str>> = row.texts.as_ref()?.iter().map(Option::as_deref).collect();
    texts.filter(|texts| texts.len() > 1)
}
