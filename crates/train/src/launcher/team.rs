//! The processes that train one model together, as one of them sees them.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use cliptune_torch_bridge::{Backend, Membership, ProcessGroup};

use super::interface::INTERFACES;
use super::line::Line;
use super::lookout::Lookout;
use super::order::Next;
use super::roll;
use crate::error::TrainError;
use crate::group::Group;

/// The time after which a collective operation fails by itself. It is for nothing that is expected: the leader may export for minutes
/// while the others wait, and whoever is gone is noticed by the lookout.
const OPERATION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The processes that train one model together, or this one alone.
#[derive(Clone)]
pub struct Team {
    group: Arc<Group>,
    others: Option<Others>,
}

/// What there is when this process is not alone.
#[derive(Clone)]
struct Others {
    line: Arc<Line>,
    backend: Backend,
    _lookout: Arc<Lookout>,
}

impl Team {
    /// Returns this process alone.
    pub fn alone() -> Self {
        Self { group: Arc::new(Group::alone()), others: None }
    }

    /// Waits for all processes and connects them.
    ///
    /// # Errors
    ///
    /// Returns an error when some do not come, or are not of this program, or cannot be reached.
    pub(crate) fn form(line: &Arc<Line>) -> Result<Self, TrainError> {
        let cards = roll::call(line)?;
        line.know(&cards);
        let placement = line.placement();
        let backend = Backend::choose(cards.iter().map(|card| card.has_nccl));
        let interface = env::var(INTERFACES).ok().filter(|name| !name.is_empty());
        let membership = Membership {
            rank: placement.rank(),
            world: placement.world(),
            backend,
            interface: interface.as_deref(),
            timeout: OPERATION,
        };
        let lookout = Arc::new(Lookout::begin(line, &cards)?);
        let members = ProcessGroup::join(line.store(), &membership);
        // While the lookout is there, which knows why somebody is gone.
        let members = members.map_err(|error| line.cause(error.into()))?;
        let group = Arc::new(Group::joined(members));
        lookout.closes(&group);
        Ok(Self { group, others: Some(Others { line: Arc::clone(line), backend, _lookout: lookout }) })
    }

    /// Returns what carries tensors to the others, if there are any.
    pub(crate) fn backend(&self) -> Option<Backend> {
        self.others.as_ref().map(|others| others.backend)
    }

    /// Returns the group that computes.
    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    /// Checks whether this is the process that writes runs and tells the person.
    pub(crate) fn is_leader(&self) -> bool {
        self.group.is_leader()
    }

    /// Tells the others what is next, or learns it from the leader, which gives it.
    pub(crate) fn next(&self, from_leader: Option<&Next>) -> Result<Next, TrainError> {
        self.group.hear(from_leader)
    }

    /// Returns the ranks of the processes that say so, the same ones in all of them.
    pub(crate) fn who_says(&self, own: bool) -> Result<Vec<usize>, TrainError> {
        let (rank, world) = (self.group.rank(), self.group.world());
        let said: Vec<f64> = (0..world).map(|one| f64::from(one == rank && own)).collect();
        let said = self.group.sums(&said)?;
        Ok(said.iter().enumerate().filter(|(_, said)| **said > 0.0).map(|(rank, _)| rank).collect())
    }

    /// Returns what a training ends with when this process cannot go on, and has the others end with the same.
    pub(crate) fn cause(&self, error: TrainError) -> TrainError {
        let Some(Others { line, .. }) = &self.others else { return error };
        let cause = line.cause(error);
        self.group.leave();
        cause
    }
}
