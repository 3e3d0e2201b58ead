//! Where a process stands among those of its launcher.

use std::env;

use crate::error::{LauncherError, SeveralProcesses};
use crate::variables::Variables;
use crate::{slurm, torchrun};

/// The largest number of processes. It is far beyond what a batch can be shared out to.
pub(crate) const MOST_PROCESSES: usize = 1 << 16;

/// How a process was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// It is the only one.
    Alone,
    /// It is one of several.
    Among(Placement),
}

/// Who holds the key-value store in which the processes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// torchrun itself, whose store is there before the processes are and after them.
    Agent,
    /// The process of rank 0.
    FirstRank,
}

/// The place of a process among several. Its numbers fit together: ranks are below the numbers of processes, and there are at least
/// two of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub(crate) rank: usize,
    pub(crate) world: usize,
    pub(crate) local_rank: Option<usize>,
    pub(crate) local_world: Option<usize>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) keeper: Keeper,
    pub(crate) job: String,
    pub(crate) attempt: u32,
}

impl Launch {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Returns an error that names the variable when one is missing, is no number, or contradicts another one.
    pub fn of_this_process() -> Result<Self, LauncherError> {
        Self::of(Variables::new(&|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned())))
    }

    /// Reads these variables.
    ///
    /// # Errors
    /// Returns an error that names the variable when one is missing, is no number, or contradicts another one.
    pub fn of(variables: Variables<'_>) -> Result<Self, LauncherError> {
        // torchrun may itself have been started by srun, so that its variables come first.
        let placement = match torchrun::placement(variables)? {
            Some(placement) => Some(placement),
            None => slurm::placement(variables)?,
        };
        Ok(placement.filter(|placement| placement.world > 1).map_or(Self::Alone, Self::Among))
    }
}

impl Placement {
    /// Returns the number of the process, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the number of processes.
    pub fn world(&self) -> usize {
        self.world
    }

    /// Returns the number of the process among those of its host, from 0, where it is known.
    pub fn local_rank(&self) -> Option<usize> {
        self.local_rank
    }

    /// Returns the number of processes on this host, where it is known.
    pub fn local_world(&self) -> Option<usize> {
        self.local_world
    }

    /// Returns the host of the store in which the processes meet.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port of that store.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns who holds that store.
    pub fn keeper(&self) -> Keeper {
        self.keeper
    }

    /// Checks whether this process has to hold the store.
    pub fn holds_store(&self) -> bool {
        self.keeper == Keeper::FirstRank && self.rank == 0
    }

    /// Returns a prefix for keys in the store that no other start of a training has.
    pub fn prefix(&self) -> String {
        format!("cliptune/{}/{}", self.job, self.attempt)
    }
}

/// Checks that a rank is below the number of processes.
pub(crate) fn below(
    variable: &'static str,
    rank: usize,
    (of, world): (&'static str, usize),
) -> Result<usize, LauncherError> {
    let range = || format!("below {of}, which is {world}");
    (rank < world).then_some(rank).ok_or_else(|| LauncherError::OutOfRange {
        variable,
        value: rank,
        range: range(),
    })
}

/// Checks that a number of processes is one.
pub(crate) fn count(variable: &'static str, count: usize, most: usize) -> Result<usize, LauncherError> {
    let fits = (1..=most).contains(&count);
    let range = || format!("from 1 to {most}");
    fits.then_some(count).ok_or_else(|| LauncherError::OutOfRange { variable, value: count, range: range() })
}

/// Refuses a command that is no work for several processes. Variables that cannot be read are left to `train`.
///
/// # Errors
/// Returns an error when this process is one of several.
pub fn refuse_several(command: &'static str) -> Result<(), SeveralProcesses> {
    match Launch::of_this_process() {
        Ok(Launch::Among(placement)) => Err(SeveralProcesses { command, world: placement.world }),
        Ok(Launch::Alone) | Err(_) => Ok(()),
    }
}
