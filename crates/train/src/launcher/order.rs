//! What the leader tells the others to do next.

use cliptune_hub::HubId;
use cliptune_store::{ResolvedBase, Standing, run_label};
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
    /// The run of the same name, whose starting weights this process has to fetch.
    Unfetched(HubId),
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
        let Some(own) = own.into_iter().next() else {
            return Found::Other(self.disagreement("", "has no such run in its experiments".to_owned()));
        };
        match &own.base {
            ResolvedBase::Hub { id, cached: None } => Found::Unfetched(id.clone()),
            _ => self.difference(&Self::of(&own)),
        }
    }

    /// Says in what the run of the same name differs.
    fn difference(&self, own: &Self) -> Found {
        let base = format!(" from {}", self.base);
        if own.dataset != self.dataset {
            let has = format!(" on the dataset {}", short(&self.dataset));
            Found::Other(self.disagreement(&has, format!("has {} for it", short(&own.dataset))))
        } else if own.base != self.base {
            Found::OtherBase(self.disagreement(&base, format!("would start from {}", own.base)))
        } else if own.key == self.key {
            Found::OtherBase(self.disagreement(&base, "does not see that model".to_owned()))
        } else {
            let has = format!(" with the key {}", short(&self.key));
            let instead = format!("comes to {}: its settings differ", short(&own.key));
            Found::Other(self.disagreement(&has, instead))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            experiment: "tuned".to_owned(),
            label: "tuned lr=1e-4 s1".to_owned(),
            key: "k".repeat(64),
            dataset: "d".repeat(64),
            base: "scratch".to_owned(),
        }
    }

    fn said(found: Found) -> String {
        match found {
            Found::Other(error) => error.to_string(),
            Found::OtherBase(error) => format!("perhaps later: {error}"),
            Found::Same(_) | Found::Unfetched(_) => panic!("it differs"),
        }
    }

    #[test]
    fn whatever_differs_is_said_with_what_each_has() {
        let leader = order();
        let differs = |own: Order| said(leader.difference(&own));
        assert_eq!(
            differs(Order { dataset: "e".repeat(64), key: "x".to_owned(), ..order() }),
            "rank 0 trains tuned lr=1e-4 s1 on the dataset dddddddddddd, and this one has eeeeeeeeeeee for it"
        );
        assert_eq!(
            differs(Order { base: "folder:ab".to_owned(), key: "x".to_owned(), ..order() }),
            "perhaps later: rank 0 trains tuned lr=1e-4 s1 from scratch, and this one would start from folder:ab"
        );
        assert_eq!(
            differs(Order { key: "x".repeat(64), ..order() }),
            "rank 0 trains tuned lr=1e-4 s1 with the key kkkkkkkkkkkk, and this one comes to xxxxxxxxxxxx: its settings differ"
        );
        assert_eq!(
            said(leader.find(Vec::new())),
            "rank 0 trains tuned lr=1e-4 s1, and this one has no such run in its experiments"
        );
    }
}
