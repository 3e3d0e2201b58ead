//! What a plan lacks, stage by stage.

use cliptune_store::Standing;
use serde::Serialize;

use crate::tool::Tool;

/// The state of one stage of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StageState {
    /// There is nothing to do.
    Fresh,
    /// It is missing, or what it depends on has changed.
    Stale,
    /// It cannot be told.
    Unknown,
}

impl StageState {
    fn of(fresh: bool) -> Self {
        if fresh { Self::Fresh } else { Self::Stale }
    }

    /// The state in a word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

/// The stages of one plan.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Stages {
    dataset: StageState,
    training: StageState,
    scores: StageState,
}

impl Stages {
    /// The stages of a plan that stands like this.
    pub(crate) fn of(standing: &Standing) -> Self {
        Self {
            dataset: StageState::of(standing.dataset.is_some()),
            training: StageState::of(standing.is_trained()),
            scores: StageState::of(standing.run.is_some() && standing.is_scored()),
        }
    }

    /// The stages of a plan of which it cannot be told where it stands.
    pub(crate) const UNKNOWN: Self =
        Self { dataset: StageState::Unknown, training: StageState::Unknown, scores: StageState::Unknown };

    /// All, in their order.
    pub(crate) fn all(self) -> [StageState; 3] {
        [self.dataset, self.training, self.scores]
    }

    /// Whether the tool has something to do.
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
