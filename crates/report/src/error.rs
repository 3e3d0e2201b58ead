//! The errors that can occur while making a report.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::PathBuf;

use cliptune_query::QueryError;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit, format};

/// The errors that can occur while making a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The experiments cannot be loaded.
    #[error(transparent)]
    Experiments(#[from] cliptune_experiment::LoadError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] cliptune_durable::DurableError),
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No interval can be computed from the predictions.
    #[error("cannot compare the scores of {entry}")]
    Statistics {
        /// The name of the experiment.
        entry: String,
        /// The reason why there is no interval.
        source: cliptune_statistics::Unusable,
    },
    /// A chart could not be drawn.
    #[error("cannot draw a chart: {0}")]
    Chart(String),
    /// A report's results could not be written as JSON.
    #[error("cannot write the results as JSON")]
    Json(#[from] serde_json::Error),
    /// The name cannot be that of a folder.
    #[error("cannot name a report after {}", .0.display())]
    Name(PathBuf),
    /// The folder holds a report about something else.
    #[error("{} holds another report", folder.display())]
    Another {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds something that no report wrote.
    #[error("{} holds {}, which no report wrote", folder.display(), named(names))]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// The names of what it holds.
        names: Vec<String>,
    },
    /// Something else stands where a folder is to be.
    #[error("{} is a file, and no folder", .0.display())]
    NoFolder(PathBuf),
    /// The folder is a link that leads nowhere.
    #[error("{} is a link that leads nowhere", .0.display())]
    LeadsNowhere(PathBuf),
    /// The baseline is none of the experiments, or several.
    #[error("{} is no experiment of this report", format::visible(name))]
    NoBaseline {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        similar: Option<String>,
    },
    /// The runs cannot be selected.
    #[error(transparent)]
    Query(Box<QueryError>),
    /// The query has neither a column of runs nor one of experiments.
    #[error("the query names no runs: its columns have to be `run` or `experiment`")]
    NamesNoRuns,
    /// The query selects nothing of what the report is about.
    #[error("the query selects no run of these experiments")]
    NothingSelected,
}

/// Returns the first of some names, and how many others there are.
fn named(names: &[String]) -> String {
    let first = names.first().map(|name| format::visible(name)).unwrap_or_default();
    match names.len() {
        0 | 1 => first,
        several => format!("{first} and {}", format::counted(several as u64 - 1, "other")),
    }
}

impl From<QueryError> for ReportError {
    fn from(error: QueryError) -> Self {
        Self::Query(Box::new(error))
    }
}

impl ReportError {
    /// Converts the error of a drawing library, none of which has a source.
    pub(crate) fn chart(error: impl Display) -> Self {
        Self::Chart(error.to_string())
    }

    /// Checks whether the error may be gone a moment later, because another process is replacing what was read.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Io(error) => error.kind() == ErrorKind::NotFound,
            Self::Store(StoreError::Io(error)) => error.kind() == ErrorKind::NotFound,
            Self::Store(error) => error.is_damage(),
            _ => false,
        }
    }
}

impl Diagnostic for ReportError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Durable(error) => error.hint().map(str::to_owned),
            Self::Query(error) => error.hint(),
            Self::Another { .. } => {
                Some("give it another name (--name) or folder (--to), or remove this one".to_owned())
            }
            Self::Occupied { .. } => Some(
                "move it away, or give the report a folder that is empty or does not exist yet".to_owned(),
            ),
            Self::NoFolder(_) | Self::LeadsNowhere(_) => {
                Some("name a folder, or one that does not exist yet".to_owned())
            }
            Self::NoBaseline { similar: Some(similar), .. } => Some(format!("did you mean \"{similar}\"?")),
            Self::NamesNoRuns => Some("such as \"SELECT run FROM runs WHERE seed = 0\"".to_owned()),
            Self::Statistics { .. } => Some("score it again: cliptune score EXPERIMENT".to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_)
            | Self::Name(_)
            | Self::Another { .. }
            | Self::Occupied { .. }
            | Self::NoFolder(_)
            | Self::LeadsNowhere(_)
            | Self::NoBaseline { .. }
            | Self::NamesNoRuns
            | Self::NothingSelected => Exit::Usage,
            Self::Query(error) => error.exit(),
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
