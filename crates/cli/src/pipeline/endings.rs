//! How each experiment of a `cliptune run` ended.

use std::time::Duration;

use cliptune_experiment::ExperimentName;
use cliptune_terminal::{Exit, format};

use crate::tool::Tool;

/// How one experiment ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// There was nothing to do.
    Fresh,
    /// The experiment was brought up to date.
    Done {
        /// The time that the work took.
        time: Duration,
    },
    /// A tool failed and has said why.
    Failed {
        /// The tool that failed.
        tool: Tool,
        /// The exit code that it ended with.
        exit: Exit,
    },
    /// An experiment that this one starts from has no weights.
    Skipped,
    /// The state of the experiment cannot be determined, for example because its table is missing.
    Unknown,
    /// A signal stopped the work.
    Interrupted,
}

impl Ending {
    /// Returns the ending as one word, for JSON output.
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

    /// Returns the ending as the summary shows it: the time that the work took, or a word when there is no time to
    /// show.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Done { time } => format::duration(time),
            Self::Failed { tool, .. } => format!("{tool} failed"),
            other => other.as_str().to_owned(),
        }
    }

    /// Returns the time that the work took in seconds, if there was any work.
    pub(crate) fn seconds(self) -> Option<f64> {
        match self {
            Self::Done { time } => Some(time.as_secs_f64()),
            _ => None,
        }
    }

    /// Combines the endings of two rounds. The second round takes place only if the first one ended well.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Done { time: first }, Self::Done { time: second }) => Self::Done { time: first + second },
            (Self::Done { time }, Self::Fresh) => Self::Done { time },
            (_, next) => next,
        }
    }

    /// Returns the exit code of the tool that failed, if one did.
    fn exit(self) -> Option<Exit> {
        match self {
            Self::Failed { exit, .. } => Some(exit),
            _ => None,
        }
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Fresh | Self::Done { .. })
    }
}

/// The ending of each experiment, in order.
#[derive(Debug, Default)]
pub(crate) struct Endings(Vec<(ExperimentName, Ending)>);

impl Endings {
    /// Adds the ending of an experiment in one round.
    pub(crate) fn add(&mut self, experiment: &ExperimentName, ending: Ending) {
        match self.0.iter_mut().find(|(name, _)| name == experiment) {
            Some((_, known)) => *known = known.then(ending),
            None => self.0.push((experiment.clone(), ending)),
        }
    }

    /// Returns the ending of an experiment. One that was never reached counts as having had nothing to do.
    pub(crate) fn of(&self, experiment: &ExperimentName) -> Ending {
        self.0.iter().find(|(name, _)| name == experiment).map_or(Ending::Fresh, |(_, outcome)| *outcome)
    }

    /// Checks whether an experiment has had no problem so far.
    pub(crate) fn is_good(&self, experiment: &ExperimentName) -> bool {
        self.of(experiment).is_good()
    }

    /// Returns the exit code of the whole command: 0 when every experiment ended well, and 2 when none did because what
    /// was asked for is wrong, as each tool says it alone. What went well for some and failed for others is a failure.
    pub(crate) fn exit(&self) -> Exit {
        let mut exits = self.0.iter().filter_map(|(_, ending)| ending.exit());
        if self.0.iter().all(|(_, ending)| ending.is_good()) {
            return Exit::Done;
        }
        let none_is_good = !self.0.iter().any(|(_, ending)| ending.is_good());
        match none_is_good && exits.all(|exit| exit == Exit::Usage) {
            true => Exit::Usage,
            false => Exit::Failed,
        }
    }

    /// Checks whether a signal stopped the work.
    pub(crate) fn interrupted(&self) -> bool {
        self.0.iter().any(|(_, outcome)| matches!(outcome, Ending::Interrupted))
    }
}
