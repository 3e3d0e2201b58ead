//! Why a dataset could not be made.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cliptune_experiment::{LoadError, Split};
use cliptune_store::{JoinCounts, StoreError};
use cliptune_terminal::format::{self, counted};
use cliptune_terminal::{Diagnostic, Exit};

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
    #[error("cannot read the table {}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What DuckDB says.
        source: duckdb::Error,
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
    /// The choices are not lists.
    #[error("column \"{column}\" of {} holds {kind}, not lists of texts", path.display())]
    NotAList {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its SQL type.
        kind: String,
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
    #[error("the join failed")]
    Database(#[from] duckdb::Error),
    /// DuckDB answered something that cannot be read.
    #[error("the join gave a row that cannot be read")]
    Row(#[from] serde_json::Error),
    /// Nothing is left.
    #[error("no item is left of {} and {}{}", counted(join.images, "image"), counted(join.rows, "row"), listed(reasons))]
    NoItems {
        /// Both sides.
        join: Box<JoinCounts>,
        /// Reasons with counts.
        reasons: BTreeMap<String, u64>,
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
    /// A split that should have items has none.
    #[error("no item is in the split {split}")]
    EmptySplit {
        /// The split.
        split: Split,
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
            Self::NotAList { .. } => {
                Some("give a column of lists, or of JSON arrays such as [\"one\", \"two\"]".to_owned())
            }
            Self::Sql { .. } => Some(
                "it can name the table's columns and file.path, file.name, file.stem, file.extension, file.size; unusual \
                 names need \"double quotes\""
                    .to_owned(),
            ),
            Self::NoItems { join, .. } if join.rows_filtered > 0 && join.rows_filtered == join.rows_matched => {
                Some("`data.where` leaves out every row".to_owned())
            }
            Self::NoItems { join, .. } if join.rows_matched > 0 => None,
            Self::NoItems { .. } => {
                Some("check `data.join`: image and metadata must give the same keys, such as 371.jpeg".to_owned())
            }
            Self::TooFewUnits { unit: "connected component", .. } => Some(
                "shared texts connect the groups: name other columns in `split.across`, or split `by: group` and \
                 accept that texts cross the splits"
                    .to_owned(),
            ),
            Self::TooFewUnits { .. } | Self::EmptySplit { .. } => {
                Some("use more data, or give one of the splits the share 0".to_owned())
            }
            Self::Changed | Self::Removed { .. } => Some("run the command again".to_owned()),
            Self::Table { .. } => Some("its format is taken from its name: .parquet, .csv, .tsv, .jsonl".to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_) | Self::NoColumn { .. } | Self::Sql { .. } => Exit::Usage,
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

fn listed(reasons: &BTreeMap<String, u64>) -> String {
    reasons.iter().map(|(reason, count)| format!("\n{}: {reason}", format::count(*count))).collect()
}

fn column_hint(column: &str, columns: &[String]) -> String {
    let listed = format!("its columns are {}", columns.join(", "));
    match cliptune_terminal::did_you_mean(column, columns) {
        Some(similar) => format!("did you mean \"{similar}\"? {listed}"),
        None => listed,
    }
}
