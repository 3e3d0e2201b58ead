//! Whether the holder of a claim lives, as one process sees it.
//!
//! Clocks of two hosts are never compared, nor is the time of a file. A process that cannot ask the kernel about a holder remembers
//! what the claim said when it saw it first, and when that was by its own clock.

use std::collections::{HashMap, HashSet};
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::note::Read;
use super::process::{Linux, Machine, Process};
use crate::error::StoreError;
use crate::regular::open;
use crate::worker::Worker;

/// The time between two renewals of a claim.
pub(super) const BEAT: Duration = Duration::from_secs(10);
/// The time without a renewal after which the holder of a claim counts as dead. A file server that has to be started again keeps its
/// clients waiting for a minute and a half.
pub(super) const LEASE: Duration = Duration::from_secs(120);

/// What a process knows of the holder of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It lives.
    Alive,
    /// Nothing has been seen of it, but not for long enough either.
    Unsure,
    /// It is gone.
    Dead,
}

/// A process that looks at the claims of others.
#[derive(Debug)]
pub(crate) struct Observer {
    machine: Box<dyn Machine>,
    seen: Mutex<HashMap<PathBuf, Sight>>,
    /// Those that were shown to be dead, so that none of their claims is watched again.
    dead: Mutex<HashSet<Process>>,
}

/// What a claim said, and since when by the observer's clock.
#[derive(Debug)]
struct Sight {
    content: Vec<u8>,
    since: Duration,
}

impl Observer {
    pub(super) fn new(machine: impl Machine + 'static) -> Self {
        Self { machine: Box::new(machine), seen: Mutex::default(), dead: Mutex::default() }
    }

    /// Returns this process as an observer.
    pub(crate) fn this() -> Arc<Self> {
        static THIS: OnceLock<Arc<Observer>> = OnceLock::new();
        Arc::clone(THIS.get_or_init(|| Arc::new(Self::new(Linux::new()))))
    }

    pub(super) fn machine(&self) -> &dyn Machine {
        &*self.machine
    }

    /// Waits for a moment before another look.
    pub(crate) fn pause(&self, time: Duration) {
        self.machine.pause(time);
    }

    /// Waits for a moment before another look at what a process has.
    ///
    /// # Errors
    /// Returns an error when a person has asked this process to stop.
    pub(crate) fn wait_for(&self, worker: &Worker, time: Duration) -> Result<(), StoreError> {
        if self.machine.is_asked_to_stop() {
            return Err(StoreError::Interrupted { worker: worker.clone() });
        }
        self.machine.pause(time);
        Ok(())
    }

    /// Judges the holder of a claim that has this content now.
    pub(super) fn judge(&self, path: &Path, content: &[u8]) -> Life {
        let read = Read::from(content);
        match (read.process(), read) {
            (Some(process), _) => self.judge_process(path, content, &process),
            (None, Read::Early(worker)) if !worker.is_elsewhere() => locked(path).unwrap_or(Life::Dead),
            _ => locked(path).unwrap_or_else(|| self.watch(path, content)),
        }
    }

    fn judge_process(&self, path: &Path, content: &[u8], process: &Process) -> Life {
        if process.is_beside(&self.machine.process()) {
            return if self.machine.runs(process) { Life::Alive } else { Life::Dead };
        }
        let was_shown = known(&self.dead).contains(process);
        let life = if was_shown { Life::Dead } else { self.watch(path, content) };
        if life == Life::Dead {
            known(&self.dead).insert(process.clone());
        }
        life
    }

    /// Judges a holder by whether its claim changes.
    fn watch(&self, path: &Path, content: &[u8]) -> Life {
        let now = self.machine.now();
        let mut seen = known(&self.seen);
        match seen.get_mut(path) {
            Some(sight) if sight.content == content => match now.saturating_sub(sight.since) >= LEASE {
                true => Life::Dead,
                false => Life::Unsure,
            },
            Some(sight) => {
                *sight = Sight { content: content.to_vec(), since: now };
                Life::Alive
            }
            None => {
                seen.insert(path.to_path_buf(), Sight { content: content.to_vec(), since: now });
                Life::Unsure
            }
        }
    }

    /// Forgets what a claim said that is there no more. Somebody else's at the same place would look like a change of it.
    pub(super) fn forget(&self, path: &Path) {
        known(&self.seen).remove(path);
    }
}

fn known<T>(what: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns that a holder lives where its lock on the file reaches this process. That there is none proves nothing.
fn locked(path: &Path) -> Option<Life> {
    let file = open(path).ok()?;
    matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock)).then_some(Life::Alive)
}
