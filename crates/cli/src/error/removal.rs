//! What is not removed, and why.

use cliptune_terminal::{Diagnostic, Exit, format};

/// Nothing is removed: others need it, or nobody has said that exactly this may go.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// Something is not removed, because others need it or a person wants it kept.
    #[error("{name} is kept: {}", reasons.join(", and "))]
    Needed {
        /// The name of the run or the dataset.
        name: String,
        /// The reasons, in words.
        reasons: Vec<String>,
    },
    /// Nobody has said that the runs that a condition is true of are to be removed.
    #[error("nothing was removed, because nobody confirmed that {} may go", format::counted(*runs as u64, "run"))]
    Unconfirmed {
        /// The number of runs.
        runs: usize,
    },
    /// Other runs were found after the question than before it.
    #[error("nothing was removed, because other runs are like that now than those that were listed")]
    ChosenAnew,
    /// It is not known of every experiment which runs its file stands for, so that none of them can be called stale.
    #[error("which runs are stale cannot be said, because the standing of an experiment is not known")]
    UnknownStanding,
}

impl Diagnostic for RemovalError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Needed { .. } => "--force removes it all the same, into the trash",
            Self::Unconfirmed { .. } => {
                "`cliptune ls` lists them with the same options; --yes moves them to the trash"
            }
            Self::ChosenAnew => "the same command lists those of now",
            Self::UnknownStanding => {
                "the warnings say what is unknown; without --stale, --filter alone asks no experiment file"
            }
        };
        Some(hint.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
