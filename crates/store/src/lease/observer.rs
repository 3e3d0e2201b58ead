//! Whether the holder of a claim lives, as one process sees it.
//!
//! Some things are certain. A kernel knows its own processes: those of the same namespace by their numbers, and those of other
//! containers, on a local disk, by the lock on the claim. Of a local disk, too, nobody has anything who ran before the machine was started
//! again. Everybody else is watched: clocks of two hosts are never compared, nor is the time of a file, but a process remembers what
//! the claim said when it saw it first, and when that was by its own clock.

use std::collections::{HashMap, HashSet};
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::note::{Note, Read};
use super::process::{Linux, Machine, Process};
use crate::error::StoreError;
use crate::regular::open;
use crate::worker::Worker;

/// The time between two renewals of a claim.
pub(super) const BEAT: Duration = Duration::from_secs(10);
/// The time without a renewal after which the holder of a claim counts as dead. A file server that has to be started again keeps its
/// clients waiting for a minute and a half.
pub(super) const LEASE: Duration = Duration::from_secs(120);

/// Whoever waits for longer is told for whom.
const UNTOLD: Duration = Duration::from_secs(2);

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

impl Life {
    fn of(lives: bool) -> Self {
        if lives { Self::Alive } else { Self::Dead }
    }
}

/// A process that looks at the claims of others.
#[derive(Debug)]
pub(crate) struct Observer {
    machine: Box<dyn Machine>,
    seen: Mutex<HashMap<PathBuf, Sight>>,
    /// Those that were shown to be dead, so that none of their claims is watched again.
    dead: Mutex<HashSet<Process>>,
    /// How long this process has waited for others, by their descriptions.
    waits: Mutex<HashMap<String, Duration>>,
}

/// What a claim said, and since when by the observer's clock.
#[derive(Debug)]
struct Sight {
    content: Vec<u8>,
    since: Duration,
}

impl Observer {
    pub(super) fn new(machine: impl Machine + 'static) -> Self {
        Self {
            machine: Box::new(machine),
            seen: Mutex::default(),
            dead: Mutex::default(),
            waits: Mutex::default(),
        }
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

    /// Waits for a moment before another look at what a process has. Once that has taken a while, the person is told.
    ///
    /// # Errors
    /// Returns an error when a person has asked this process to stop.
    pub(crate) fn wait_for(&self, worker: &Worker, time: Duration) -> Result<(), StoreError> {
        if self.machine.is_asked_to_stop() {
            return Err(StoreError::Interrupted { worker: worker.clone() });
        }
        if self.is_a_while(worker, time) {
            self.machine
                .tell(&format!("waiting for {worker}; if it has died, two minutes pass until that is known"));
        }
        self.machine.pause(time);
        Ok(())
    }

    /// Counts some more time that is waited for a process, and returns whether it becomes a while by that.
    fn is_a_while(&self, worker: &Worker, time: Duration) -> bool {
        let mut waits = known(&self.waits);
        let waited = waits.entry(worker.to_string()).or_default();
        let before = *waited;
        *waited += time;
        before < UNTOLD && *waited >= UNTOLD
    }

    /// Judges the holder of a claim that has this content now.
    pub(super) fn judge(&self, path: &Path, content: &[u8]) -> Life {
        self.proof(path, content).unwrap_or_else(|| self.watch_process(path, content))
    }

    /// Says what is certain about the holder of a claim that has this content now; `None` where time alone will tell.
    pub(super) fn proof(&self, path: &Path, content: &[u8]) -> Option<Life> {
        match Read::from(content) {
            Read::Note(note) => self.proof_of(path, &note),
            Read::Early(worker) if !worker.is_elsewhere() => {
                Some(Life::of(is_locked(path).unwrap_or_default()))
            }
            // On a local disk, a claim is whole when it gets its name. A machine that failed has left this.
            Read::Nothing if self.machine.is_local(path) => is_locked(path).map(Life::of),
            // That there is no lock proves nothing.
            Read::Early(_) | Read::Nothing => is_locked(path).filter(|is_locked| *is_locked).map(Life::of),
        }
    }

    fn proof_of(&self, path: &Path, note: &Note) -> Option<Life> {
        let (this, process) = (self.machine.process(), &note.process);
        if process.is_beside(&this) {
            return Some(Life::of(self.machine.runs(process)));
        }
        if !self.machine.is_local(path) {
            return None;
        }
        if process.is_of_same_kernel(&this) {
            return is_locked(path).filter(|_| note.is_locked).map(Life::of);
        }
        process.is_of_other_boot(&this).then_some(Life::Dead)
    }

    /// Judges a holder by whether its claim changes, and remembers who is dead.
    pub(super) fn watch_process(&self, path: &Path, content: &[u8]) -> Life {
        let life = self.watch(path, content);
        let Some(process) = Read::from(content).process() else { return life };
        let mut dead = known(&self.dead);
        match life {
            Life::Unsure if dead.contains(&process) => return Life::Dead,
            Life::Unsure => {}
            Life::Dead => {
                dead.insert(process);
            }
            // It was silent for a while.
            Life::Alive => {
                dead.remove(&process);
            }
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

/// Checks whether somebody whose locks reach this process has locked a file; `None` where it cannot be found out.
fn is_locked(path: &Path) -> Option<bool> {
    let file = open(path).ok()?;
    match file.file().try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}
