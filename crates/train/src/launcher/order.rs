//! What the leader tells the others to do next.

use cliptune_store::{Standing, run_label};
use serde::{Deserialize, Serialize};

use super::error::JoinError;

/// What the leader tells the others to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Next {
    /// They help to train a run.
    Train(Order),
    /// They end with this exit code.
    End {
        /// The exit code of the leader.
        exit: u8,
    },
}

/// The run to train, with what tells whether a process has the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The experiment.
    experiment: String,
    /// What people call the run: its experiment, the settings that vary, and its seed.
    label: String,
    /// The run's key.
    key: String,
    /// The hash of its dataset.
    dataset: String,
    /// The identity of its starting weights.
    base: String,
}

/// What a process finds of the run that the leader trains.
pub(crate) enum Found {
    /// The same run.
    Same(Box<Standing>),
    /// The run of the same name, from starting weights that this process does not see yet, or not as the leader does.
    OtherBase(JoinError),
    /// Something else.
    Other(JoinError),
}

impl Order {
    /// Describes the run that a standing is missing.
    pub(crate) fn of(standing: &Standing) -> Self {
        Self {
            experiment: standing.plan.experiment.to_string(),
            label: run_label(&standing.plan),
            key: standing.key.clone(),
            dataset: standing.dataset_hash.clone(),
            base: standing.base.key(),
        }
    }

    /// Finds the same run among the standings of this process.
    pub(crate) fn find(&self, standings: Vec<Standing>) -> Found {
        let is_of_name = |one: &Standing| {
            one.plan.experiment.as_str() == self.experiment && run_label(&one.plan) == self.label
        };
        let mut own: Vec<Standing> = standings.into_iter().filter(is_of_name).collect();
        if let Some(place) = own.iter().position(|one| one.key == self.key && one.base.record().is_some()) {
            return Found::Same(Box::new(own.swap_remove(place)));
        }
        match own.first().map(Self::of) {
            None => Found::Other(self.disagreement("", "has no such run in its experiments".to_owned())),
            Some(own) if own.dataset != self.dataset => Found::Other(self.disagreement(
                &format!(" on the dataset {}", short(&self.dataset)),
                format!("has {} for it", short(&own.dataset)),
            )),
            Some(own) if own.base != self.base => Found::OtherBase(
                self.disagreement(&format!(" from {}", self.base), format!("would start from {}", own.base)),
            ),
            Some(own) if own.key == self.key => Found::OtherBase(
                self.disagreement(&format!(" from {}", self.base), "does not see that model".to_owned()),
            ),
            Some(own) => Found::Other(self.disagreement(
                &format!(" with the key {}", short(&self.key)),
                format!("comes to {}: its settings differ", short(&own.key)),
            )),
        }
    }

    fn disagreement(&self, has: &str, instead: String) -> JoinError {
        JoinError::Disagreement { label: self.label.clone(), has: has.to_owned(), instead }
    }
}

/// Returns the first characters of a hash, which are enough to tell two apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
