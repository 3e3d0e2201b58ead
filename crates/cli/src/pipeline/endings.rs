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

    /// What two rounds come to, the second of which takes place only after a good one.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Done { time: first }, Self::Done { time: second }) => Self::Done { time: first + second },
            (Self::Done { time }, Self::Fresh) => Self::Done { time },
            (_, next) => next,
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
    /// Adds what became of an experiment in one round.
    pub(crate) fn add(&mut self, experiment: &ExperimentName, ending: Ending) {
        match self.0.iter_mut().find(|(name, _)| name == experiment) {
            Some((_, known)) => *known = known.then(ending),
            None => self.0.push((experiment.clone(), ending)),
        }
    }

    /// What became of an experiment; one that was not reached has nothing to do.
    pub(crate) fn of(&self, experiment: &ExperimentName) -> Ending {
        self.0.iter().find(|(name, _)| name == experiment).map_or(Ending::Fresh, |(_, outcome)| *outcome)
    }

    /// Whether nothing is wrong with an experiment so far.
    pub(crate) fn is_good(&self, experiment: &ExperimentName) -> bool {
        self.of(experiment).is_good()
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
