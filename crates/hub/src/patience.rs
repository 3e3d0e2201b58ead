//! How often something is tried again, and how long is waited in between.

use std::fmt;
use std::thread;
use std::time::Duration;

use crate::error::{HubError, Result};
use crate::progress::Observer;

/// How a pause is made: by [`std::thread::sleep`], except in tests.
pub type Pause = Box<dyn Fn(Duration) + Send + Sync>;

/// Tries before giving up, the first one included.
const TRIES: u32 = 5;
/// The longest pause between two tries, whatever a server asks for.
const LONGEST: Duration = Duration::from_secs(30);
/// How often a waiting program looks whether it should stop.
const SLICE: Duration = Duration::from_millis(200);

/// The pauses between tries: one second, two, four, eight.
pub(crate) struct Patience {
    pause: Pause,
}

impl Patience {
    pub(crate) fn new(pause: Pause) -> Self {
        Self { pause }
    }

    /// The pause after so many failures in a row, or none if that is enough.
    ///
    /// `asked` is what the server would like (`Retry-After`).
    pub(crate) fn after(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        let own = Duration::from_secs(1 << failures.saturating_sub(1).min(5));
        (failures < TRIES).then(|| asked.unwrap_or(own).max(own).min(LONGEST))
    }

    /// Waits, in slices, so that Ctrl-C does not wait as long.
    pub(crate) fn wait(&self, mut left: Duration, observer: &dyn Observer) -> Result<()> {
        while !left.is_zero() {
            stop_if_asked(observer)?;
            let slice = left.min(SLICE);
            (self.pause)(slice);
            left -= slice;
        }
        stop_if_asked(observer)
    }

    /// Waits a moment for something that another process does.
    pub(crate) fn moment(&self, observer: &dyn Observer) -> Result<()> {
        self.wait(SLICE, observer)
    }
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

/// Ends the work if the person has asked for it.
pub(crate) fn stop_if_asked(observer: &dyn Observer) -> Result<()> {
    match observer.is_interrupted() {
        true => Err(HubError::Interrupted),
        false => Ok(()),
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
