//! Why a question has no answer.

use std::io;
use std::path::PathBuf;

use cliptune_durable::DurableError;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit, format};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A table is written in a way that only DuckDB understands.
    #[error("a table is written in a way that only DuckDB understands")]
    Unfamiliar,
    /// The tables could not be made.
    #[error("the runs cannot be put into tables: {0}")]
    Database(String),
    /// The SQL cannot be read or carried out.
    #[error("{said}")]
    Sql {
        /// What is wrong.
        said: String,
        /// The column that may have been meant, or how it gets more time.
        hint: Option<String>,
    },
    /// Something other than one question was asked.
    #[error("{0}")]
    NotOneSelect(&'static str),
    /// Something other than one condition was asked for.
    #[error("a filter is one condition on a run, such as test.accuracy > 0.8")]
    NotOneCondition,
    /// The SQL names a table that does not exist.
    #[error("there is no view {}", format::visible(name))]
    NoView {
        /// The name.
        name: String,
        /// The view that may have been meant.
        similar: Option<&'static str>,
    },
    /// The SQL calls a function that could reach beyond the views.
    #[error("{}() is not for queries: they see the views and nothing else", format::visible(name))]
    Function {
        /// The name of the function.
        name: String,
    },
    /// There is no column of that name.
    #[error("there is no column {}", format::visible(name))]
    NoColumn {
        /// The name.
        name: String,
        /// The column that may have been meant.
        similar: Option<String>,
    },
    /// It is asked which runs the present YAML stands for, and nobody has looked.
    #[error("which runs the YAML stands for is known only where experiment files are named")]
    PresentUnknown,
    /// Something that is no metric was asked for as one.
    #[error("{} is no metric", format::visible(name))]
    NoMetric {
        /// The name.
        name: String,
        /// The metric that may have been meant.
        similar: Option<String>,
    },
    /// The file to write to would lie in a folder that is none.
    #[error("there is no folder {}", path.display())]
    NoFolder {
        /// The path of the folder.
        path: PathBuf,
    },
    /// The file to write to holds something else.
    #[error("{} exists, and is no {kind} file", path.display())]
    Occupied {
        /// The path of the file.
        path: PathBuf,
        /// What the file would be.
        kind: &'static str,
    },
}

impl Diagnostic for QueryError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Durable(error) => error.hint().map(str::to_owned),
            Self::Sql { hint, .. } => hint.clone(),
            Self::NoView { similar: Some(similar), .. } => Some(format!("did you mean {similar}?")),
            Self::NoView { .. } | Self::NotOneSelect(_) => Some(
                "the views are runs, settings, metrics, events, predictions, items, rejects and system"
                    .to_owned(),
            ),
            Self::NoColumn { similar: Some(similar), .. } | Self::NoMetric { similar: Some(similar), .. } => {
                Some(format!("did you mean {similar}?"))
            }
            Self::NoColumn { .. } => Some(
                "a column is one of `runs`, a setting such as train.tune, or a metric such as test.accuracy"
                    .to_owned(),
            ),
            Self::PresentUnknown => {
                Some("name experiment files or folders of them, such as experiments/".to_owned())
            }
            Self::NoMetric { .. } => {
                Some("a metric is named with its split, as in validation.accuracy".to_owned())
            }
            Self::NoFolder { .. } => Some("make it first, or write the file elsewhere".to_owned()),
            Self::Occupied { .. } => Some("name another file, or remove this one".to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Sql { .. }
            | Self::NotOneSelect(_)
            | Self::NotOneCondition
            | Self::NoView { .. }
            | Self::Function { .. }
            | Self::NoColumn { .. }
            | Self::PresentUnknown
            | Self::NoMetric { .. }
            | Self::NoFolder { .. }
            | Self::Occupied { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
