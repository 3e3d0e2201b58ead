//! Decides how often something is tried again, and how long to wait in between.

use std::fmt;
use std::thread;
use std::time::Duration;

/// The function that waits: [`std::thread::sleep`], except in tests.
pub type Pause = Box<dyn Fn(Duration) + Send + Sync>;

/// The number of tries before giving up, including the first one.
const TRIES: u32 = 5;
/// The longest pause between two tries, no matter what a server asks for.
const LONGEST: Duration = Duration::from_secs(30);
/// The interval at which a waiting program checks whether it should stop.
const SLICE: Duration = Duration::from_millis(200);

/// The pauses between tries: one, two, four and eight seconds.
///
/// Whether somebody has asked to stop is asked again and again while it waits.
pub struct Patience {
    pause: Pause,
}

impl Patience {
    /// Makes pauses with a function that waits.
    pub fn new(pause: Pause) -> Self {
        Self { pause }
    }

    /// Returns the pause after this many failures in a row, or `None` if it is time to give up.
    ///
    /// `asked` is the pause that the server asks for (`Retry-After`).
    pub fn after(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        let own = Duration::from_secs(1 << failures.saturating_sub(1).min(5));
        (failures < TRIES).then(|| asked.unwrap_or(own).max(own).min(LONGEST))
    }

    /// Waits in slices, so that Ctrl-C takes effect quickly.
    ///
    /// # Errors
    ///
    /// When somebody has asked to stop.
    pub fn wait(&self, mut left: Duration, is_stopped: &dyn Fn() -> bool) -> Result<(), Stopped> {
        while !left.is_zero() {
            stop_if(is_stopped)?;
            let slice = left.min(SLICE);
            (self.pause)(slice);
            left -= slice;
        }
        stop_if(is_stopped)
    }

    /// Waits a moment for something that another process is doing.
    ///
    /// # Errors
    ///
    /// When somebody has asked to stop.
    pub fn moment(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), Stopped> {
        self.wait(SLICE, is_stopped)
    }
}

/// Somebody has asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Stopped;

fn stop_if(is_stopped: &dyn Fn() -> bool) -> Result<(), Stopped> {
    if is_stopped() { Err(Stopped) } else { Ok(()) }
}

impl Default for Patience {
    fn default() -> Self {
        Self::new(Box::new(thread::sleep))
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patience")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let patience = Patience::new(Box::new(|_| ()));
        let pauses = (1..=5).map(|failures| patience.after(failures, None).map(|pause| pause.as_secs()));
        assert_eq!(pauses.collect::<Vec<_>>(), [Some(1), Some(2), Some(4), Some(8), None]);
    }

    #[test]
    fn a_server_can_ask_for_a_longer_pause_within_reason() {
        let patience = Patience::new(Box::new(|_| ()));
        let pause = |asked| patience.after(2, Some(Duration::from_secs(asked))).unwrap().as_secs();
        assert_eq!((pause(0), pause(7), pause(86_400)), (2, 7, 30));
    }
}
