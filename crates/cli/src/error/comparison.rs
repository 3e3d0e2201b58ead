//! Sides that cannot be compared.

use std::path::PathBuf;

use cliptune_compare::CompareError;
use cliptune_experiment::Split;
use cliptune_terminal::{Diagnostic, Exit, format};

/// Two sides cannot be compared, or one of them has no answers.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// The items of an experiment are not those of one dataset that is there.
    #[error("{name} has {}", match found { 0 => "no dataset".to_owned(), found => format!("{found} datasets") })]
    NoOneDataset {
        /// The experiment.
        name: String,
        /// The number of datasets that are there.
        found: usize,
    },
    /// Files name another number of experiments than one.
    #[error("{} names {}", path.display(), format::counted(*found as u64, "experiment"))]
    NotOneExperiment {
        /// The file or folder.
        path: PathBuf,
        /// The number of experiments.
        found: usize,
    },
    /// An imported run has no predictions of a split.
    #[error("{name} has no predictions of the {split} split")]
    NoPredictions {
        /// The name of the side.
        name: String,
        /// The split.
        split: Split,
    },
    /// A side has no answers to the items of a split.
    #[error("{name} is not scored on the {split} split")]
    NotScored {
        /// The name of the side.
        name: String,
        /// The split.
        split: Split,
    },
    /// No run stands for what experiment files say now.
    #[error("no run stands for what {} says now", path.display())]
    NotRun {
        /// The file, or the folder of files.
        path: PathBuf,
    },
    /// A baseline stands for several sets of settings.
    #[error("the baseline stands for {} settings: {}", points.len(), format::first_few(points))]
    SeveralBaselines {
        /// The names of the settings.
        points: Vec<String>,
    },
    /// A comparison needs something to compare the baseline with.
    #[error("there is nothing to compare {baseline} with")]
    NothingToCompare {
        /// The name of the baseline.
        baseline: String,
    },
    /// Two sides of a comparison have items of different kinds.
    #[error("{name} has items of another kind than {baseline}")]
    OtherTask {
        /// The name of the one side.
        name: String,
        /// The name of the baseline.
        baseline: String,
    },
    /// Two names stand for one run, which differs in nothing from itself.
    #[error("both names stand for {run}")]
    SameRun {
        /// The run's name.
        run: String,
    },
    /// Predictions of somebody else cannot be used.
    #[error(transparent)]
    Predictions(CompareError),
    /// The answers of two sides cannot be compared.
    #[error("cannot compare {side} with {baseline}")]
    Compare {
        /// The name of the one side.
        side: String,
        /// The name of the baseline.
        baseline: String,
        /// The reason.
        source: Box<CompareError>,
    },
}

impl Diagnostic for ComparisonError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoOneDataset { found: 0, .. } => {
                "`cliptune ingest` makes it of its experiment file".to_owned()
            }
            Self::NoOneDataset { .. } => {
                "predictions are of the items of one dataset; each fold of a cross-validation and each point of a matrix of data has its own"
                    .to_owned()
            }
            Self::NotOneExperiment { .. } => "name the file of one experiment, or its name".to_owned(),
            Self::NoPredictions { .. } => {
                "`cliptune import` takes predictions, with the experiment whose items they answer and --split".to_owned()
            }
            Self::NotScored { .. } => {
                "`cliptune score` with its experiment file scores the splits that `score.splits` names".to_owned()
            }
            Self::NotRun { path } => format!(
                "`cliptune run {}` makes it; runs of other settings or data have names, which `cliptune ls` lists",
                path.display()
            ),
            Self::SeveralBaselines { .. } => "name a run of one of them; `cliptune ls` lists the runs".to_owned(),
            Self::NothingToCompare { .. } => "name another experiment or run after it".to_owned(),
            Self::OtherTask { .. } => {
                "only items of one kind can be compared; name the experiments that have the same".to_owned()
            }
            Self::SameRun { .. } => "`cliptune ls` lists the runs".to_owned(),
            Self::Predictions(error) => return error.hint(),
            Self::Compare { source, .. } => return source.hint(),
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
