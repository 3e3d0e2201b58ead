//! What has become of a group, as far as a process knows.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::fault::Fault;

/// What has become of a group. The lookout decides it, and the training asks about it when it has lost the others.
#[derive(Debug, Default)]
pub(super) struct Fate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Why the training ends, once somebody knows.
    fault: Option<Fault>,
    /// Whether the training has noticed that it ends, or has come to its end, and needs nobody to end it.
    is_ending: bool,
}

impl Fate {
    /// Decides that the training ends. The first reason counts.
    pub(super) fn decide(&self, fault: Fault) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fault.get_or_insert(fault);
        self.changed.notify_all();
    }

    /// Notes that the training ends by itself.
    pub(super) fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_ending = true;
        self.changed.notify_all();
    }

    /// Waits until somebody knows why the training ends.
    pub(super) fn reason(&self, within: Duration) -> Option<Fault> {
        self.wait(within, |state| state.fault.is_some()).fault.clone()
    }

    /// Waits until the training has noticed that it ends, and returns whether it has.
    pub(super) fn is_noticed(&self, within: Duration) -> bool {
        self.wait(within, |state| state.is_ending).is_ending
    }

    fn wait(&self, within: Duration, is_there: impl Fn(&State) -> bool) -> std::sync::MutexGuard<'_, State> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, within, |state| !is_there(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts_and_whoever_waits_learns_it() {
        let fate = Fate::default();
        assert_eq!(fate.reason(Duration::ZERO), None);
        let (first, second) = (Fault::lost("a:1"), Fault::lost("b:2"));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| fate.reason(Duration::from_secs(600)));
            fate.decide(first.clone());
            fate.decide(second);
            assert_eq!(waits.join().unwrap(), Some(first));
        });
    }

    #[test]
    fn whether_the_training_ends_by_itself_is_known() {
        let fate = Fate::default();
        assert!(!fate.is_noticed(Duration::ZERO));
        fate.end();
        assert!(fate.is_noticed(Duration::ZERO));
    }
}
