//! Whether a training heeds its launcher.

use std::env;
use std::time::Duration;

use clap::ValueEnum;
use cliptune_launcher::{Launch, Placement};

use super::error::JoinError;
use crate::error::TrainError;

/// The variable with the number of seconds that processes wait for each other.
pub(super) const JOIN_SECONDS: &str = "CLIPTUNE_JOIN_SECONDS";
/// That number when the variable is not set: five minutes, in which a cluster has started a job on all of its hosts.
const DEFAULT_SECONDS: u64 = 300;
/// The largest number that the variable may have: a day.
const MOST_SECONDS: u64 = 86_400;

/// Whether a training heeds its launcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Distributed {
    /// One training on all processes that torchrun or srun has started, if there are several
    #[default]
    Auto,
    /// Train in this process alone, whatever has started it
    Off,
}

impl Distributed {
    /// Returns where this process stands among others, or `None` when it trains alone.
    ///
    /// # Errors
    ///
    /// Returns an error when the launcher's variables make no sense.
    pub(crate) fn placement(self) -> Result<Option<Placement>, TrainError> {
        match self {
            Self::Off => Ok(None),
            Self::Auto => Ok(match Launch::of_this_process()? {
                Launch::Alone => None,
                Launch::Among(placement) => Some(placement),
            }),
        }
    }
}

/// Returns how long the processes wait for each other.
pub(super) fn patience() -> Result<Duration, JoinError> {
    let Some(value) = env::var_os(JOIN_SECONDS) else { return Ok(Duration::from_secs(DEFAULT_SECONDS)) };
    let value = value.to_string_lossy().into_owned();
    let seconds = value.trim().parse::<u64>().ok().filter(|seconds| (1..=MOST_SECONDS).contains(seconds));
    seconds.map(Duration::from_secs).ok_or(JoinError::Patience { value })
}
