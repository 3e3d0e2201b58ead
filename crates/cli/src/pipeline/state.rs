//! The state of each stage of a plan.

use cliptune_store::Standing;
use serde::Serialize;

use crate::tool::Tool;

/// The state of one stage of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StageState {
    /// There is nothing to do.
    Fresh,
    /// The result is missing, or something that it depends on has changed.
    Stale,
    /// The state cannot be determined.
    Unknown,
}

impl StageState {
    /// Returns the state of what is fresh, or is not.
    pub(crate) fn of(fresh: bool) -> Self {
        if fresh { Self::Fresh } else { Self::Stale }
    }

    /// Returns the state as one word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

/// The state of each stage of one plan.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Stages {
    dataset: StageState,
    training: StageState,
    scores: StageState,
}

impl Stages {
    /// Returns the stages of a plan with this standing.
    pub(crate) fn of(standing: &Standing) -> Self {
        Self {
            dataset: StageState::of(standing.dataset.is_some()),
            training: StageState::of(standing.is_trained()),
            scores: StageState::of(standing.run.is_some() && standing.is_scored()),
        }
    }

    /// The stages of a plan whose standing is unknown.
    pub(crate) const UNKNOWN: Self =
        Self { dataset: StageState::Unknown, training: StageState::Unknown, scores: StageState::Unknown };

    /// Returns all states, in the order of the stages.
    pub(crate) fn all(self) -> [StageState; 3] {
        [self.dataset, self.training, self.scores]
    }

    /// Checks whether the tool has something to do.
    pub(crate) fn needs(self, tool: Tool) -> bool {
        let state = match tool {
            Tool::Ingest => self.dataset,
            Tool::Train => self.training,
            Tool::Score => self.scores,
            Tool::Report => StageState::Fresh,
        };
        state == StageState::Stale
    }
}
