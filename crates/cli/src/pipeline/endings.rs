//! What became of the experiments of a run.

use std::time::Duration;

use cliptune_experiment::ExperimentName;
use cliptune_terminal::format;

use crate::tool::Tool;

/// What became of one experiment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// There was nothing to do.
    Fresh,
    /// It is up to date.
    Done {
        /// How long that took.
        time: Duration,
    },
    /// A tool failed and has said why.
    Failed {
        /// The tool.
        tool: Tool,
    },
    /// An experiment that it starts from has no weights.
    Skipped,
    /// Where it stands cannot be told, as where its table is missing.
    Unknown,
    /// Somebody stopped it.
    Interrupted,
}

impl Ending {
    /// Returns the ending in a word, for machines.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the ending as the summary shows it: how long it took, or what else there is to say.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Done { time } => format::duration(time),
            Self::Failed { tool } => format!("{tool} failed"),
            other => other.as_str().to_owned(),
        }
    }

    /// How long the work took, where there was any.
    pub(crate) fn seconds(self) -> Option<f64> {
        match self {
            Self::Done { time } => Some(time.as_secs_f64()),
            _ => None,
        }
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Fresh | Self::Done { .. })
    }
}

/// What became of each experiment, in order.
#[derive(Debug, Default)]
pub(crate) struct Endings(Vec<(ExperimentName, Ending)>);

impl Endings {
    /// Adds one.
    pub(crate) fn push(&mut self, experiment: ExperimentName, outcome: Ending) {
        self.0.push((experiment, outcome));
    }

    /// What became of an experiment; one that was not reached has nothing to do.
    pub(crate) fn of(&self, experiment: &ExperimentName) -> Ending {
        self.0.iter().find(|(name, _)| name == experiment).map_or(Ending::Fresh, |(_, outcome)| *outcome)
    }

    /// Whether everything that was to be made was.
    pub(crate) fn all_good(&self) -> bool {
        self.0.iter().all(|(_, outcome)| outcome.is_good())
    }

    /// Whether somebody stopped the work.
    pub(crate) fn interrupted(&self) -> bool {
        self.0.iter().any(|(_, outcome)| matches!(outcome, Ending::Interrupted))
    }
}
