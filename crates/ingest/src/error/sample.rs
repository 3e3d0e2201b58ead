//! Samples that cannot be shown.

use cliptune_terminal::{Diagnostic, Exit};

/// There is nothing to show of what a sample was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A sample was asked for of several experiments.
    #[error("a sample is of one experiment, not of {}", names.join(", "))]
    SeveralExperiments {
        /// The names of the experiments.
        names: Vec<String>,
    },
    /// There is no dataset that could say what was rejected.
    #[error("there is no dataset of {experiment} yet, so nothing is known of rejects")]
    NotIngested {
        /// The name of the experiment.
        experiment: String,
    },
    /// Nothing is rejected for such a reason.
    #[error("there is no reason \"{asked}\"")]
    NoReason {
        /// What was asked for.
        asked: String,
        /// The reason that may have been meant.
        similar: Option<String>,
    },
    /// What was asked for is a part of several reasons.
    #[error("\"{asked}\" can be {}", reasons.join(" or "))]
    SeveralReasons {
        /// What was asked for.
        asked: String,
        /// The reasons in quotes.
        reasons: Vec<String>,
    },
}

impl Diagnostic for SampleError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SeveralExperiments { .. } => "name the file of one of them".to_owned(),
            Self::NotIngested { .. } => "`cliptune ingest` makes it".to_owned(),
            Self::NoReason { similar: Some(similar), .. } => format!("did you mean \"{similar}\"?"),
            Self::NoReason { .. } => "--rejects alone lists the reasons".to_owned(),
            Self::SeveralReasons { .. } => "write a little more of the one that you mean".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotIngested { .. } => Exit::Failed,
            _ => Exit::Usage,
        }
    }
}
