//! Labels that can be read in two ways.

use cliptune_experiment::LabelReading;
use cliptune_propose::scalar;
use cliptune_terminal::{Diagnostic, Exit, format};

use crate::label::{Example, words};
use crate::shown::{shown, shown_list};

/// It is not clear which choice the labels mean.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The labels can be read in two ways that differ.
    #[error("the labels in {column} can be read in two ways{}", differing(readings, examples))]
    Ambiguous {
        /// The column or the SQL expression.
        column: String,
        /// The two possible readings.
        readings: [LabelReading; 2],
        /// Some of the rows that the readings read differently.
        examples: Vec<Example>,
    },
    /// No label is 0, and some labels equal the number of texts.
    #[error(
        "the labels in {column} seem to count from 1: none is 0, and {} the number of texts{}",
        if *reaching == 1 { "one is".to_owned() } else { format!("{} are", format::count(*reaching)) },
        reached(examples)
    )]
    FromOne {
        /// The column or the SQL expression.
        column: String,
        /// The number of labels that equal the number of texts.
        reaching: u64,
        /// Some of the rows whose label is the number of texts.
        examples: Vec<Example>,
    },
}

/// Lists the rows that two readings read differently, one per line.
fn differing(readings: &[LabelReading; 2], examples: &[Example]) -> String {
    let meaning = |(reading, meaning): (&LabelReading, &Option<String>)| {
        let meaning = meaning.as_deref().map_or("none of them".to_owned(), shown);
        format!("as {} {meaning}", words(*reading))
    };
    let line = |example: &Example| {
        let meanings: Vec<String> = readings.iter().zip(&example.meanings).map(meaning).collect();
        format!("\n{}: {}", labelled(example), meanings.join(", "))
    };
    examples.iter().map(line).collect()
}

fn reached(examples: &[Example]) -> String {
    examples.iter().map(|example| format!("\n{}", labelled(example))).collect()
}

fn labelled(example: &Example) -> String {
    let texts: Vec<Option<&str>> = example.texts.iter().map(|text| Some(text.as_str())).collect();
    format!("row {}: label {} of {}", example.row, example.label, shown_list(&texts))
}

/// Writes a label with its reading the way an experiment declares it.
fn declared(column: &str, reading: LabelReading) -> String {
    format!("label: {{ column: {}, is: {} }}", scalar(column), reading.as_str())
}

impl Diagnostic for LabelError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Ambiguous { column, readings: [one, other], .. } => {
                format!(
                    "say which in data.columns: {} or {}",
                    declared(column, *one),
                    declared(column, *other)
                )
            }
            Self::FromOne { column, .. } => format!(
                "say so in data.columns: {}; or that they count from 0: {}",
                declared(column, LabelReading::Position),
                declared(column, LabelReading::Index)
            ),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
