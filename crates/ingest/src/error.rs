//! Why a dataset could not be made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_experiment::{LabelReading, LoadError, Split};
use cliptune_store::{JoinCounts, SourceNotes, StoreError};
use cliptune_terminal::format::{self, counted};
use cliptune_terminal::{Diagnostic, Exit};

use crate::label::{Example, words};
use crate::shown::{shown, shown_list};
use crate::summary::{sample_keys, such_as};

/// Why a dataset could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The experiments are wrong.
    #[error(transparent)]
    Experiments(Box<LoadError>),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The table is not what its name says, or is damaged.
    #[error("cannot read the table {}: {problem}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A column that the experiment names is not in the table.
    #[error("{} has no column \"{column}\", which {key} names", path.display())]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// The key of the experiment.
        key: &'static str,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// A column is of a type that cannot be read as what it is to be.
    #[error("{key} has to be {wanted}, and {column} is {sql_type}")]
    ColumnType {
        /// The key of the experiment.
        key: &'static str,
        /// The column or the SQL expression.
        column: String,
        /// Its SQL type.
        sql_type: String,
        /// What it should be.
        wanted: &'static str,
        /// An SQL expression that gives it.
        expression: Option<String>,
    },
    /// Two readings of the labels are possible, and differ.
    #[error("the labels in {column} can be read in two ways{}", differing(readings, examples))]
    LabelAmbiguous {
        /// The column or the SQL expression.
        column: String,
        /// The two ways.
        readings: [LabelReading; 2],
        /// Some rows.
        examples: Vec<Example>,
    },
    /// No label is 0, and some are the number of texts.
    #[error(
        "the labels in {column} seem to count from 1: none is 0, and {} the number of texts{}",
        if *reaching == 1 { "one is".to_owned() } else { format!("{} are", format::count(*reaching)) },
        reached(examples)
    )]
    LabelsFromOne {
        /// The column or the SQL expression.
        column: String,
        /// How many labels are the number of texts.
        reaching: u64,
        /// Some rows.
        examples: Vec<Example>,
    },
    /// SQL of the experiment that DuckDB refuses.
    #[error("{key} is not usable SQL: {sql}\n{problem}")]
    Sql {
        /// The key of the experiment.
        key: &'static str,
        /// The SQL as it was written.
        sql: String,
        /// What DuckDB says.
        problem: String,
    },
    /// DuckDB failed at something of our own.
    #[error("the join failed: {0}")]
    Database(String),
    /// DuckDB answered something that cannot be read.
    #[error("the join gave a row that cannot be read")]
    Row(#[from] serde_json::Error),
    /// Nothing is left.
    #[error("no item is left of {} and {}{}", counted(join.images, "image"), counted(join.rows, "row"), listed(reasons, notes))]
    NoItems {
        /// Both sides.
        join: Box<JoinCounts>,
        /// Reasons with counts.
        reasons: BTreeMap<String, u64>,
        /// How the sources were read.
        notes: Box<SourceNotes>,
    },
    /// Fewer units than splits.
    #[error("{} cannot fill {splits} splits", counted(*units, unit))]
    TooFewUnits {
        /// Units there are.
        units: u64,
        /// What a unit is.
        unit: &'static str,
        /// Splits with a share.
        splits: usize,
    },
    /// A split that is far from its share, however the units are dealt.
    #[error("the {split} split would get {:.0} % instead of {:.0} %: {ties}", 100.0 * share, 100.0 * declared)]
    UnevenSplit {
        /// The split.
        split: Split,
        /// The share that it would get.
        share: f64,
        /// The share that it should get.
        declared: f64,
        /// What ties the largest unit together.
        ties: String,
    },
    /// The sources are not what they were a moment ago.
    #[error("the images or the table changed while they were read")]
    Changed,
    /// The dataset was there, and is not any more.
    #[error("the dataset {} was removed while it was made", path.display())]
    Removed {
        /// Its folder.
        path: PathBuf,
    },
    /// A source cannot be read; fs-err has put the path into the message.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

// Boxed by hand: it carries the files it is about, and every result would be as large.
impl From<LoadError> for IngestError {
    fn from(error: LoadError) -> Self {
        Self::Experiments(Box::new(error))
    }
}

impl Diagnostic for IngestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::NoColumn { column, columns, .. } => Some(column_hint(column, columns)),
            Self::ColumnType { key, expression: Some(expression), .. } => {
                Some(format!("name an SQL expression: {}: {}", last_part(key), yaml_text(expression)))
            }
            Self::ColumnType { wanted: "a list of texts", .. } => {
                Some("give a column of lists, or of JSON arrays such as [\"one\", \"two\"]".to_owned())
            }
            Self::ColumnType { .. } => Some("name an SQL expression that gives it".to_owned()),
            Self::LabelAmbiguous { column, readings: [one, other], .. } => {
                Some(format!("say which in data.columns: {} or {}", declared(column, *one), declared(column, *other)))
            }
            Self::LabelsFromOne { column, .. } => Some(format!(
                "say so in data.columns: {}; or that they count from 0: {}",
                declared(column, LabelReading::Position),
                declared(column, LabelReading::Index)
            )),
            Self::Sql { key, .. } => Some(format!("it can name {}; unusual names need \"double quotes\"", nameable(key))),
            Self::NoItems { join, .. } if join.rows_filtered > 0 && join.rows_filtered == join.rows_matched => {
                Some("`data.where` leaves out every row".to_owned())
            }
            Self::NoItems { join, .. } if join.rows_matched > 0 => {
                Some("look at the reasons: every row that has an image was refused".to_owned())
            }
            Self::NoItems { notes, .. } => {
                let keys = sample_keys(notes).join(", ");
                Some(format!("check `data.join`: both sides must give the same keys; {keys}"))
            }
            Self::TooFewUnits { unit: "connected component", .. } => Some(
                "shared texts connect the groups: name other columns in `split.across`, or split `by: group` and \
                 accept that texts cross the splits"
                    .to_owned(),
            ),
            Self::UnevenSplit { .. } => Some(
                "if what ties them says nothing about the answer, name other columns in `data.split.across`, or leave \
                 those rows out with `data.where`; or declare shares that can be met"
                    .to_owned(),
            ),
            Self::TooFewUnits { .. } => {
                Some("use more data, or give one of the splits the share 0".to_owned())
            }
            Self::Changed | Self::Removed { .. } => Some("run the command again".to_owned()),
            Self::Table { problem, .. } if problem.contains("UTF-8") => {
                Some("iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW does that, if that is its encoding".to_owned())
            }
            Self::Table { problem, .. } if problem.contains("nests more") || problem.contains("has more than") => {
                Some("leave out of the file what the experiment does not need".to_owned())
            }
            Self::Table { path, .. } => Some(format_hint(path).to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_)
            | Self::NoColumn { .. }
            | Self::ColumnType { .. }
            | Self::LabelAmbiguous { .. }
            | Self::LabelsFromOne { .. }
            | Self::Sql { .. } => Exit::Usage,
            Self::Store(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn rendered(&self) -> Option<String> {
        match self {
            Self::Experiments(error) => Some(error.rendered()),
            _ => None,
        }
    }
}

fn listed(reasons: &BTreeMap<String, u64>, notes: &SourceNotes) -> String {
    let line = |(reason, count): (&String, &u64)| {
        format!("\n{}: {reason}{}", format::count(*count), such_as(notes, reason))
    };
    reasons.iter().map(line).collect()
}

fn column_hint(column: &str, columns: &[String]) -> String {
    let listed = format!("its columns are {}", columns.join(", "));
    match cliptune_terminal::did_you_mean(column, columns) {
        Some(similar) => format!("did you mean \"{similar}\"? {listed}"),
        None => listed,
    }
}

/// Rows that two readings read differently, one a line.
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
    let texts: Vec<Option<String>> = example.texts.iter().cloned().map(Some).collect();
    format!("row {}: label {} of {}", example.row, example.label, shown_list(&texts))
}

/// A label with its reading, as an experiment declares it.
fn declared(column: &str, reading: LabelReading) -> String {
    format!("label: {{ column: {}, is: {} }}", yaml_text(column), reading.as_str())
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// A text as YAML has it, in quotes where it could be something else.
fn yaml_text(text: &str) -> String {
    let plain = text.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.');
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// What the SQL of a key can name.
fn nameable(key: &str) -> &'static str {
    match key {
        "data.join.image" => "path, name, stem, extension and size",
        "data.where" => "the table's columns and file.path, file.name, file.stem, file.extension, file.size",
        _ => "the table's columns",
    }
}

fn format_hint(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    match name {
        name if name.contains(".csv") || name.contains(".tsv") => {
            "values that hold the separator, a quote or a line break stand in double quotes"
        }
        name if name.contains("json") => "a table has one whole JSON object in each line",
        _ => "its format is taken from its name: .parquet, .csv, .tsv, .jsonl",
    }
}
