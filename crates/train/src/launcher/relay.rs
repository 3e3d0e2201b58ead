//! Passes on to the leader that another process was told to stop.
//!
//! In a step, all processes learn that from each other. But the leader may be at something else, for as long as it takes, while the
//! others wait for it: it waits for another training, or fetches or exports a model.

use std::sync::OnceLock;
use std::time::Duration;

use cliptune_terminal::{ask_to_stop, is_asked_to_stop};
use cliptune_torch_bridge::{KeyStore, TorchError};

/// The number of processes, other than the leader, that were told to stop.
const STOPS: &str = "stops";
/// The rank of the first of them.
const STOP: &str = "stop";
/// The time within which the first one writes down its rank.
const MOMENT: Duration = Duration::from_secs(5);

/// What a process has passed on to the leader, or what has been passed on to it.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// The process that was told to stop.
    rank: OnceLock<usize>,
}

impl Relay {
    /// Tells the leader that this process was told to stop, or learns as the leader that another one was.
    pub(super) fn look(&self, store: &KeyStore, rank: usize) -> Result<(), TorchError> {
        match (rank, is_asked_to_stop()) {
            (0, false) => self.listen(store),
            (0, true) | (_, false) => Ok(()),
            (_, true) => self.tell(store, rank),
        }
    }

    /// Returns the other process whose request this one, as the leader, heeds.
    pub(super) fn heeded(&self) -> Option<usize> {
        self.rank.get().copied()
    }

    fn tell(&self, store: &KeyStore, rank: usize) -> Result<(), TorchError> {
        if self.rank.set(rank).is_ok() && store.add(STOPS, 1)? == 1 {
            store.set(STOP, rank.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// Asks this process to stop, once it heeds such requests at all: until then, it is asked again and again.
    fn listen(&self, store: &KeyStore) -> Result<(), TorchError> {
        if let Some(rank) = heard(store)? {
            // Whoever finds that it was asked knows by whom.
            let _ = self.rank.set(rank);
            ask_to_stop();
        }
        Ok(())
    }
}

/// Returns the first process that has passed on that it was told to stop.
fn heard(store: &KeyStore) -> Result<Option<usize>, TorchError> {
    if store.add(STOPS, 0)? == 0 {
        return Ok(None);
    }
    let text = store.get(STOP, MOMENT)?;
    Ok(text.and_then(|text| String::from_utf8(text).ok()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_that_was_told_to_stop_is_known_to_the_leader() {
        let store = KeyStore::within_process(MOMENT).unwrap();
        assert_eq!(heard(&store).unwrap(), None);
        for rank in [2, 1] {
            let relay = Relay::default();
            relay.tell(&store, rank).unwrap();
            relay.tell(&store, rank).unwrap();
            assert_eq!(heard(&store).unwrap(), Some(2));
        }
        assert_eq!(store.add(STOPS, 0).unwrap(), 2, "each tells it once");
    }

    #[test]
    fn nobody_is_heeded_before_anybody_has_said_anything() {
        let (store, relay) = (KeyStore::within_process(MOMENT).unwrap(), Relay::default());
        relay.look(&store, 0).unwrap();
        assert_eq!(relay.heeded(), None);
    }
}
