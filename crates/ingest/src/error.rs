//! The reasons why a dataset cannot be made.
//!
//! What one step may fail with has a type of its own, with its messages, advice and exit codes together: [`JoinError`],
//! [`LabelError`] and [`SplitError`], and beside datasets [`SampleError`] and [`GuessError`].

mod guess;
mod join;
mod label;
mod sample;
mod split;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_durable::DurableError;
use cliptune_experiment::LoadError;
use cliptune_propose::scalar;
use cliptune_store::{JoinCounts, SourceNotes, StoreError, as_named, more_time_for_sql};
use cliptune_terminal::format::{self, counted};
use cliptune_terminal::{Diagnostic, Exit};

pub use guess::GuessError;
pub use join::JoinError;
pub use label::LabelError;
pub use sample::SampleError;
pub use split::SplitError;

use crate::problem::Problem;
use crate::shown::{named_few, shown};
use crate::summary::{sample_keys, such_as};

/// The reason why a dataset could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The join cannot be found.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// It is not clear what the labels mean.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The items cannot be split as the plan asks.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// There is nothing to show.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// No experiment can be proposed.
    #[error(transparent)]
    Guess(#[from] GuessError),
    /// A signal asked to stop.
    #[error("interrupted; the same command makes what is missing")]
    Interrupted,
    /// The experiments contain errors.
    #[error(transparent)]
    Experiments(Box<LoadError>),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The table is damaged, or is not what its name says.
    #[error("cannot read the table {}: {problem}", as_named(path))]
    Table {
        /// The path of the table.
        path: PathBuf,
        /// What is wrong with the table.
        problem: Problem,
    },
    /// It is not clear which table of a database is meant.
    #[error("{} {}", as_named(path), choice_of_tables(named.as_deref(), tables))]
    WhichTable {
        /// The path of the database.
        path: PathBuf,
        /// The name of the table that the experiment names.
        named: Option<String>,
        /// The tables that the database has.
        tables: Vec<String>,
    },
    /// A column that the experiment names does not exist in the table.
    #[error("{} has no column \"{column}\", which {key} names", as_named(path))]
    NoColumn {
        /// The path of the table.
        path: PathBuf,
        /// The name of the column.
        column: String,
        /// The key in the experiment that names the column.
        key: &'static str,
        /// The columns that the table has.
        columns: Vec<String>,
    },
    /// The type of a column cannot be read as what the column should be.
    #[error("{key} has to be {wanted}, and {column} is {sql_type}")]
    ColumnType {
        /// The key in the experiment that names the column.
        key: &'static str,
        /// The column or the SQL expression.
        column: String,
        /// The SQL type of the column.
        sql_type: String,
        /// A description of what the column should be.
        wanted: &'static str,
        /// An SQL expression that gives what is wanted, if there is one.
        expression: Option<String>,
    },
    /// DuckDB refuses the SQL of the experiment.
    #[error("{key} is not usable SQL: {sql}\n{problem}")]
    Sql {
        /// The key in the experiment that holds the SQL.
        key: &'static str,
        /// The SQL as it was written.
        sql: String,
        /// DuckDB's message.
        problem: Problem,
    },
    /// DuckDB failed at a statement of our own.
    #[error("the join failed: {0}")]
    Database(Problem),
    /// DuckDB gave an answer that cannot be read.
    #[error("the join gave a row that cannot be read")]
    Row(#[from] serde_json::Error),
    /// No item is left.
    #[error("no item is left of {} and {}{}", counted(join.images, "image"), counted(join.rows, "row"), listed(reasons, notes))]
    NoItems {
        /// The counts of both sides of the join.
        join: Box<JoinCounts>,
        /// The reasons for rejects, with their counts.
        reasons: BTreeMap<String, u64>,
        /// The notes on how the sources were read.
        notes: Box<SourceNotes>,
    },
    /// Less of the sources arrives in the dataset than the plan asks for.
    #[error("`data.require` is not met: {}", unmet.join("; "))]
    Coverage {
        /// What is not met, each with its numbers.
        unmet: Vec<String>,
    },
    /// All items are of one class.
    #[error("all items are of one class, {}: there is nothing to tell it from", shown(class))]
    OneClass {
        /// The name of the class.
        class: String,
    },
    /// The sources changed while they were being read.
    #[error("the images or the table changed while they were read")]
    Changed,
    /// The dataset existed a moment ago, but does not any more.
    #[error("the dataset {} was removed while it was made", path.display())]
    Removed {
        /// The path of the dataset's folder.
        path: PathBuf,
    },
    /// Several datasets cannot be packed into one folder.
    #[error("one folder holds one dataset, not {}", counted(*datasets, "dataset"))]
    SeveralDatasets {
        /// The number of datasets.
        datasets: u64,
    },
    /// The folder to pack into holds something else.
    #[error("{} holds something else, or an older or a damaged packing", path.display())]
    Occupied {
        /// The path of the folder.
        path: PathBuf,
    },
    /// A folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A source could not be read. fs-err has put the path into the message.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

// The conversion boxes the error by hand, because it carries the files that it is about and would make every result
// as large as itself.
impl From<LoadError> for IngestError {
    fn from(error: LoadError) -> Self {
        Self::Experiments(Box::new(error))
    }
}

impl Diagnostic for IngestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Join(error) => error.hint(),
            Self::Label(error) => error.hint(),
            Self::Split(error) => error.hint(),
            Self::Sample(error) => error.hint(),
            Self::Guess(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Table { problem: Problem::Stopped(after), .. }
            | Self::Sql { problem: Problem::Stopped(after), .. }
            | Self::Database(Problem::Stopped(after)) => Some(more_time_for_sql(*after)),
            Self::WhichTable { tables, .. } => tables.first().map(|first| {
                format!("name one of them: `metadata: {{ file: FILE, table: {} }}`", scalar(first))
            }),
            Self::NoColumn { column, columns, .. } => Some(column_hint(column, columns)),
            Self::ColumnType { key, expression: Some(expression), .. } => {
                Some(format!("name an SQL expression: {}: {}", last_part(key), scalar(expression)))
            }
            Self::ColumnType { wanted: "a list of texts", .. } => {
                Some("give a column of lists, or of JSON arrays such as [\"one\", \"two\"]".to_owned())
            }
            Self::ColumnType { .. } => Some("name an SQL expression that gives it".to_owned()),
            Self::Sql { key, .. } => Some(format!("it can name {}; unusual names need \"double quotes\"", nameable(key))),
            Self::NoItems { join, .. } if join.rows == 0 => Some("the table has no rows".to_owned()),
            Self::NoItems { join, .. } if join.rows_filtered > 0 && join.rows_filtered == join.rows_matched => {
                Some("`data.where` leaves out every row".to_owned())
            }
            Self::NoItems { join, .. } if join.rows_matched > 0 => {
                Some("look at the reasons: every row that has an image was refused".to_owned())
            }
            Self::NoItems { notes, .. } => Some(match sample_keys(notes).as_slice() {
                [] => "let `data.join` tell the images apart, by their path or by an SQL expression: what a row looks for has to \
                       be the key of one image"
                    .to_owned(),
                keys => {
                    format!("check `data.join`: both sides must give the same keys; {}", keys.join(", "))
                }
            }),
            Self::Coverage { .. } => {
                Some("without `data.require` the dataset is made, and its rejects say why each one is missing".to_owned())
            }
            Self::OneClass { .. } => {
                Some("name a column or an SQL expression with at least two values in `data.columns.classes`".to_owned())
            }
            Self::SeveralDatasets { .. } => {
                Some("name one experiment, and fix the point of its matrix with --set".to_owned())
            }
            Self::Occupied { .. } => Some("name another folder, or remove this one".to_owned()),
            Self::Durable(error) => error.hint().map(str::to_owned),
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
            | Self::WhichTable { .. }
            | Self::NoColumn { .. }
            | Self::ColumnType { .. }
            | Self::SeveralDatasets { .. }
            | Self::Sql { .. } => Exit::Usage,
            Self::Join(error) => error.exit(),
            Self::Label(error) => error.exit(),
            Self::Split(error) => error.exit(),
            Self::Sample(error) => error.exit(),
            Self::Guess(error) => error.exit(),
            Self::Interrupted => Exit::Interrupted,
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

/// Says which tables there are, and which of them is missed.
fn choice_of_tables(named: Option<&str>, tables: &[String]) -> String {
    let there_are = match tables {
        [] => "has no tables".to_owned(),
        [only] => format!("has one table, {only}"),
        several => format!("has {} tables: {}", several.len(), named_few(several)),
    };
    match named {
        Some(named) => format!("has no table {}; it {there_are}", shown(named)),
        None => there_are,
    }
}

fn column_hint(column: &str, columns: &[String]) -> String {
    let listed = format!("its columns are {}", columns.join(", "));
    match cliptune_terminal::did_you_mean(column, columns) {
        Some(similar) => format!("did you mean \"{similar}\"? {listed}"),
        None => listed,
    }
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Says what the SQL of a key can name.
fn nameable(key: &str) -> &'static str {
    match key {
        "data.join.image" => "path, name, stem, extension and size",
        "data.where" | "--where" => {
            "the table's columns and file.path, file.name, file.stem, file.extension, file.size"
        }
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
        _ => "its format is taken from its name, such as .parquet, .csv, .jsonl, .arrow or .sqlite",
    }
}
