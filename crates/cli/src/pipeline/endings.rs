//! How each experiment of a `cliptune run` ended.

use std::time::Duration;

use cliptune_experiment::ExperimentName;
use cliptune_terminal::{Exit, format};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::tool::Tool;

/// Something that could not be made.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The run, as people call it; `None` where all runs of the experiment lack it.
    pub(crate) run: Option<String>,
    /// The tool that failed; `None` where nothing was begun.
    pub(crate) tool: Option<Tool>,
    /// The exit code that it ended with.
    pub(crate) exit: Exit,
    /// The reason, in one line.
    pub(crate) why: String,
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Failure", 4)?;
        object.serialize_field("run", &self.run)?;
        object.serialize_field("step", &self.tool.map(Tool::as_str))?;
        object.serialize_field("exit_code", &self.exit.code())?;
        object.serialize_field("error", &self.why)?;
        object.end()
    }
}

/// How one experiment ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// There was nothing to do.
    Fresh,
    /// The experiment was brought up to date.
    Done {
        /// The time that the work took.
        time: Duration,
    },
    /// A tool failed, for one run or for several. It has said why.
    Failed(Vec<Failure>),
    /// An experiment that this one starts from has no weights.
    Skipped,
    /// The state of the experiment cannot be determined, for example because its table is missing.
    Unknown(Failure),
    /// A signal stopped the work.
    Interrupted,
}

impl Ending {
    /// Returns the ending as one word, for JSON output.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Done { .. } => "done",
            Self::Failed(_) => "failed",
            Self::Skipped => "skipped",
            Self::Unknown(_) => "unknown",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the ending as the summary shows it: the time that the work took, or a word when there is no time to
    /// show.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Done { time } => format::duration(*time),
            Self::Failed(failures) => match failures.iter().find_map(|failure| failure.tool) {
                Some(tool) => format!("{tool} failed"),
                None => self.as_str().to_owned(),
            },
            other => other.as_str().to_owned(),
        }
    }

    /// Returns the time that the work took in seconds, if there was any work.
    pub(crate) fn seconds(&self) -> Option<f64> {
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

    /// Returns what could not be made, and why.
    pub(crate) fn failures(&self) -> &[Failure] {
        match self {
            Self::Failed(failures) => failures,
            Self::Unknown(failure) => std::slice::from_ref(failure),
            _ => &[],
        }
    }

    fn is_good(&self) -> bool {
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
            Some((_, known)) => *known = std::mem::replace(known, Ending::Fresh).then(ending),
            None => self.0.push((experiment.clone(), ending)),
        }
    }

    /// Returns the ending of an experiment, if it was reached.
    fn get(&self, experiment: &ExperimentName) -> Option<&Ending> {
        self.0.iter().find(|(name, _)| name == experiment).map(|(_, ending)| ending)
    }

    /// Checks whether an experiment was reached.
    pub(crate) fn has(&self, experiment: &ExperimentName) -> bool {
        self.get(experiment).is_some()
    }

    /// Returns the ending of an experiment. One that was never reached counts as having had nothing to do.
    pub(crate) fn of(&self, experiment: &ExperimentName) -> &Ending {
        self.get(experiment).unwrap_or(&Ending::Fresh)
    }

    /// Checks whether an experiment has had no problem so far.
    pub(crate) fn is_good(&self, experiment: &ExperimentName) -> bool {
        self.of(experiment).is_good()
    }

    /// Returns the exit code of the whole command: 0 when every experiment ended well, 2 when all that failed did so because
    /// what was asked for is wrong, as each tool says it alone, and else 1. What else was asked for, and went well, does not
    /// matter.
    pub(crate) fn exit(&self) -> Exit {
        if self.0.iter().all(|(_, ending)| ending.is_good()) {
            return Exit::Done;
        }
        let mut failures = self.0.iter().flat_map(|(_, ending)| ending.failures()).peekable();
        match failures.peek().is_some() && failures.all(|failure| failure.exit == Exit::Usage) {
            true => Exit::Usage,
            false => Exit::Failed,
        }
    }

    /// Checks whether a signal stopped the work.
    pub(crate) fn interrupted(&self) -> bool {
        self.0.iter().any(|(_, outcome)| matches!(outcome, Ending::Interrupted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(exit: Exit) -> Ending {
        let why = "it is wrong".to_owned();
        Ending::Failed(vec![Failure { run: None, tool: Some(Tool::Ingest), exit, why }])
    }

    #[test]
    fn a_mistake_has_its_exit_code_whatever_else_is_asked_for() {
        let good = || [Ending::Fresh, Ending::Done { time: Duration::ZERO }];
        let exit = |endings: Vec<Ending>| {
            let mut all = Endings::default();
            for (number, ending) in endings.into_iter().enumerate() {
                all.add(&format!("e{number}").parse().expect("it is a name"), ending);
            }
            all.exit()
        };
        assert_eq!(exit(good().into()), Exit::Done);
        for code in [Exit::Usage, Exit::Failed] {
            assert_eq!(exit(vec![failed(code)]), code);
            assert_eq!(exit(vec![failed(code), Ending::Skipped]), code, "what starts from it adds nothing");
            assert_eq!(exit(good().into_iter().chain([failed(code)]).collect()), code);
            let Ending::Failed(mut failures) = failed(code) else { return };
            assert_eq!(exit(good().into_iter().chain(failures.pop().map(Ending::Unknown)).collect()), code);
        }
        assert_eq!(exit(vec![failed(Exit::Usage), failed(Exit::Failed)]), Exit::Failed);
    }
}
