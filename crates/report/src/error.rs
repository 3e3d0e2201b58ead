//! What can go wrong while making a report.

use std::fmt::Display;
use std::path::PathBuf;

use cliptune_terminal::{Diagnostic, Exit};

/// What can go wrong while making a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// An experiment file is wrong.
    #[error(transparent)]
    Experiments(#[from] cliptune_experiment::LoadError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] cliptune_store::StoreError),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] cliptune_durable::DurableError),
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Predictions that no interval can be made of.
    #[error("cannot compare the scores of {entry}")]
    Statistics {
        /// The experiment.
        entry: String,
        /// Why.
        source: cliptune_statistics::Unusable,
    },
    /// A chart could not be drawn.
    #[error("cannot draw a chart: {0}")]
    Chart(String),
    /// A report's results could not be written as JSON.
    #[error("cannot write the results as JSON")]
    Json(#[from] serde_json::Error),
    /// The name that several arguments agree on cannot name a folder.
    #[error("cannot name a report after {}", .0.display())]
    Name(PathBuf),
}

impl ReportError {
    /// Returns a drawing library's error; none of them has a source.
    pub(crate) fn chart(error: impl Display) -> Self {
        Self::Chart(error.to_string())
    }
}

impl Diagnostic for ReportError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Durable(error) => error.hint().map(str::to_owned),
            Self::Statistics { .. } => Some("score it again: cliptune score EXPERIMENT".to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_) | Self::Name(_) => Exit::Usage,
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
