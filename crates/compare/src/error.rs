//! Why answers cannot be compared.

use std::path::PathBuf;

use cliptune_statistics::Unusable;
use cliptune_terminal::did_you_mean;

use crate::same::Unlike;

/// Why answers cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// They are not about the same items.
    #[error(transparent)]
    Unlike(#[from] Unlike),
    /// No interval can be computed.
    #[error(transparent)]
    Statistics(#[from] Unusable),
    /// The predictions of somebody else cannot be used.
    #[error("cannot use the predictions in {}: {problem}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The reason, as a phrase.
        problem: String,
    },
    /// There is no such metric.
    #[error("there is no metric {name} to compare")]
    NoMetric {
        /// The name that was given.
        name: String,
        /// The metrics that there are.
        known: Vec<&'static str>,
    },
    /// The predictions do not hold what the metric is made of.
    #[error("the predictions of both sides do not tell {metric}")]
    Untold {
        /// The metric.
        metric: &'static str,
    },
}

impl CompareError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoMetric { name, known } => {
                let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
                let similar = did_you_mean(name, &known).map(|similar| format!("did you mean {similar}?"));
                similar.or_else(|| Some(format!("there are {}", known.join(", "))))
            }
            Self::Unlike(Unlike::Items { .. }) => Some(
                "only answers to the same items can be compared: those of one dataset and split".to_owned(),
            ),
            Self::Foreign { .. } => Some(
                "--predictions takes files of rows with id, label, and predicted or probabilities; write names of runs before it"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
