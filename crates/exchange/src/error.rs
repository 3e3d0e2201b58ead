//! Why a run cannot be exchanged with another tool.

use std::io;
use std::path::PathBuf;

use cliptune_clip::ConfigError;
use cliptune_durable::DurableError;
use cliptune_experiment::WriteError;
use cliptune_query::QueryError;
use cliptune_store::StoreError;
use cliptune_terminal::format::first_few;
use cliptune_terminal::{Diagnostic, Exit};

/// Why a run cannot be written for another tool, or one of another tool be read.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The store or a run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runs cannot be put into tables.
    #[error(transparent)]
    Query(Box<QueryError>),
    /// Something cannot be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A plan cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] WriteError),
    /// A document cannot be written as YAML.
    #[error("cannot write a document as YAML")]
    Document(#[from] serde_yaml::Error),
    /// What is exported would lie among the runs of the store.
    #[error("{} is in the store", path.display())]
    InStore {
        /// The folder that was to be made.
        path: PathBuf,
    },
    /// The format is for runs of cliptune's, and a run was imported.
    #[error("{run} was imported, and this format is for runs that cliptune has made")]
    Foreign {
        /// The name of the run.
        run: String,
    },
    /// A model card is about a model, and a run has none.
    #[error("{run} has no model that a card could be about")]
    NoModel {
        /// The name of the run.
        run: String,
    },
    /// The configuration of a run's model is damaged.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TensorBoard has nothing to show of any run.
    #[error("TensorBoard has nothing to show of {}", first_few(runs))]
    NoEvents {
        /// The names of the runs.
        runs: Vec<String>,
    },
    /// The tracking database of MLflow cannot be written.
    #[error("cannot write the tracking database of MLflow")]
    Tracking(#[from] rusqlite::Error),
}

impl From<QueryError> for ExchangeError {
    fn from(error: QueryError) -> Self {
        Self::Query(Box::new(error))
    }
}

impl Diagnostic for ExchangeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Query(error) => error.hint(),
            Self::Durable(error) => error.hint().map(str::to_owned),
            Self::InStore { .. } => {
                Some("the store takes the folders in it for runs: choose a place beside it".to_owned())
            }
            Self::Foreign { .. } => {
                Some("--as mlflow, csv, parquet and json write imported runs, too".to_owned())
            }
            Self::NoModel { .. } => {
                Some("a run that is done has one, as long as its weights are not removed".to_owned())
            }
            Self::NoEvents { .. } => Some(
                "runs that trained nothing have no curves; --as csv has their settings and scores".to_owned(),
            ),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Query(error) => error.exit(),
            Self::Durable(DurableError::Occupied { .. })
            | Self::InStore { .. }
            | Self::Foreign { .. }
            | Self::NoModel { .. }
            | Self::NoEvents { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
