//! Why something cannot be imported.

use std::io;
use std::path::PathBuf;

use cliptune_compare::CompareError;
use cliptune_durable::{DurableError, advice};
use cliptune_experiment::Split;
use cliptune_statistics::Unusable;
use cliptune_store::{StoreError, Tool};
use cliptune_terminal::format::first_few;
use cliptune_terminal::{Diagnostic, Exit};

/// What brings the files of a project.
pub const PULL: &str = "`dvc pull` brings what DVC keeps, and `dvc repro` makes it";

/// Why a run of another tool, or somebody's predictions, cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file operation failed; its message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something cannot be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The predictions cannot be used.
    #[error(transparent)]
    Predictions(#[from] CompareError),
    /// No interval can be computed.
    #[error(transparent)]
    Statistics(#[from] Unusable),
    /// There is nothing at the path.
    #[error("there is nothing at {}", path.display())]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// What is at the path is nothing that can be imported.
    #[error("{} is neither a table of predictions, nor a run of MLflow, nor a project of DVC", path.display())]
    Unknown {
        /// The path.
        path: PathBuf,
    },
    /// What is at the path is not what somebody says that it is.
    #[error("{} is not what --from {tool} reads", path.display())]
    NotOf {
        /// The path.
        path: PathBuf,
        /// What it was said to be of.
        tool: Tool,
    },
    /// There is nothing in a file.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Nothing of what a project lists can be read.
    #[error("nothing of what {} lists can be read: {}", path.display(), first_few(left_out))]
    NothingThere {
        /// The file with the lists.
        path: PathBuf,
        /// What is wrong with each of them, as a phrase with its name.
        left_out: Vec<String>,
    },
    /// A run is named where there are none to choose from.
    #[error("--run names a run of MLflow, and {} has none", path.display())]
    NoChoice {
        /// The path.
        path: PathBuf,
    },
    /// What is at the path can be read in two ways.
    #[error("{} holds a run of MLflow and a project of DVC", path.display())]
    Ambiguous {
        /// The path.
        path: PathBuf,
    },
    /// Nobody says which items predictions are about.
    #[error("which items the predictions in {} are about is not said", path.display())]
    NoItems {
        /// The file.
        path: PathBuf,
    },
    /// Predictions of pairs cannot be imported.
    #[error("{} cannot say what pairs are scored by, which is ranks among all items", path.display())]
    Pairs {
        /// The file.
        path: PathBuf,
    },
    /// The split has no items.
    #[error("the {split} split of the dataset has no items")]
    EmptySplit {
        /// The split.
        split: Split,
    },
    /// A file cannot be made sense of.
    #[error("cannot read {}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as a phrase.
        problem: String,
    },
    /// There is more in a run than a record can hold.
    #[error("{} has more than {limit} {what}", path.display())]
    TooMany {
        /// The folder or file.
        path: PathBuf,
        /// What there is too much of, as a plural.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Another version of the tool has written it in a way that is not known here.
    #[error("{} was written by another version of {tool} than those that are known here: {found}", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The tool.
        tool: Tool,
        /// What was found, and what is known.
        found: String,
    },
    /// It is not said which of several runs is meant.
    #[error("{} has {} runs: {}", path.display(), runs.len(), first_few(runs))]
    SeveralRuns {
        /// The folder or the database.
        path: PathBuf,
        /// The identities of the runs.
        runs: Vec<String>,
    },
    /// There is no such run.
    #[error("{} has no run {run}", path.display())]
    NoRun {
        /// The folder or the database.
        path: PathBuf,
        /// The identity that was asked for.
        run: String,
        /// The identities of the runs that there are.
        known: Vec<String>,
    },
    /// A run was deleted there.
    #[error("the run {run} in {} was deleted there", path.display())]
    Deleted {
        /// The folder or the database.
        path: PathBuf,
        /// The run.
        run: String,
    },
}

impl Diagnostic for ImportError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Io(error) => return advice(error).map(str::to_owned),
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::Predictions(CompareError::Foreign { .. }) => {
                "a row has id, label, and predicted or probabilities, in parquet, as JSON lines or as CSV; docs/importing.md says more"
                    .to_owned()
            }
            Self::Predictions(error) => return error.hint(),
            Self::Unknown { .. } => {
                "predictions are parquet, JSON lines or CSV; name the folder of a run of MLflow, its database with --run, or the folder \
                 of a project of DVC"
                    .to_owned()
            }
            Self::NotOf { .. } => "without --from, the content says what it is".to_owned(),
            Self::NothingThere { .. } => PULL.to_owned(),
            Self::Ambiguous { .. } => "--from mlflow or --from dvc says which is meant".to_owned(),
            Self::NoItems { .. } => {
                "--experiment names the experiment, or its file, whose items they answer; `cliptune compare --predictions` compares \
                 two files that stand alone"
                    .to_owned()
            }
            Self::SeveralRuns { .. } => "--run names one of them".to_owned(),
            Self::NoRun { known, .. } if !known.is_empty() => format!("it has {}", first_few(known)),
            Self::EmptySplit { .. } => "--split names another one".to_owned(),
            Self::OtherVersion { .. } => {
                "write the run's predictions as parquet, JSON lines or CSV, which can be imported whatever made them".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Io(_) | Self::Durable(_) | Self::Statistics(_) => Exit::Failed,
            _ => Exit::Usage,
        }
    }
}
