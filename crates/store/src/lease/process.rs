//! What is known of a process: who it is, and whether it runs, as far as this machine can tell.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cliptune_terminal::is_asked_to_stop;
use fs_err as fs;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::worker::Worker;

/// What tells a process from every other one, wherever and whenever it runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The boot of the kernel that it runs on, which has an identity of its own. A host's name is none: many are called
    /// `localhost`.
    pub(super) boot: String,
    /// The namespace that its number is of. Each container counts its processes from 1.
    pub(super) space: String,
    /// Its number there.
    pub(super) pid: u32,
    /// When it was started, in ticks since the boot: numbers are given again.
    pub(super) start: u64,
}

impl Process {
    /// Checks whether this process can see the other one: it runs on the same kernel and counts in the same namespace.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        !self.boot.is_empty() && (&self.boot, &self.space) == (&other.boot, &other.space)
    }
}

/// The machine that claims are made on and judged from. Tests put hosts and clocks of their own in its place.
pub(crate) trait Machine: std::fmt::Debug + Send + Sync {
    /// Describes this process for people.
    fn worker(&self) -> Worker;
    /// Returns the identity of this process.
    fn process(&self) -> Process;
    /// Checks whether a process that [is beside](Process::is_beside) this one still runs.
    fn runs(&self, process: &Process) -> bool;
    /// Returns the time that has passed since some moment, by a clock that nobody can set. It is compared with nothing but itself.
    fn now(&self) -> Duration;
    /// Does nothing for some time.
    fn pause(&self, time: Duration);
    /// Checks whether a person has asked this process to stop, and it is still to do so.
    fn is_asked_to_stop(&self) -> bool;
    /// Checks whether claims are renewed from time to time. Where they are not, whoever made them does it.
    fn beats(&self) -> bool;
}

/// The machine that this process runs on, as its kernel tells.
#[derive(Debug)]
pub(super) struct Linux {
    begun: Instant,
    process: Process,
}

impl Linux {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), process: this_process() }
    }
}

impl Machine for Linux {
    fn worker(&self) -> Worker {
        Worker::this()
    }

    fn process(&self) -> Process {
        self.process.clone()
    }

    fn runs(&self, process: &Process) -> bool {
        match stat(&process.pid.to_string()) {
            Some(stat) => !stat.has_ended && stat.start == process.start,
            // Some kernels hide the processes of other people, but not that there are some.
            None => is_there(process.pid),
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn is_asked_to_stop(&self) -> bool {
        is_asked_to_stop()
    }

    fn beats(&self) -> bool {
        true
    }
}

/// Where the kernel does not tell its boot, it is empty, and nobody is beside anybody.
fn this_process() -> Process {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let start = stat("self").map(|stat| stat.start);
    Process {
        // Without its start, a process cannot be told from a later one of its number.
        boot: start.map_or_else(String::new, |_| boot.trim().to_owned()),
        space: space.to_string_lossy().into_owned(),
        pid: std::process::id(),
        start: start.unwrap_or_default(),
    }
}

/// Returns a text that nobody else has, not even the same process another time.
pub(super) fn token() -> String {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    static PROCESS: OnceLock<Process> = OnceLock::new();
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let all = format!("{random} {time:?} {count} {:?}", PROCESS.get_or_init(this_process));
    blake3::hash(all.as_bytes()).to_hex()[..32].to_owned()
}

/// What the kernel tells of a process.
struct Stat {
    start: u64,
    /// Whether it has ended, and only its parent has not asked how.
    has_ended: bool,
}

fn stat(process: &str) -> Option<Stat> {
    parsed(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn parsed(stat: &str) -> Option<Stat> {
    // The name of the program, in brackets, may contain spaces and brackets.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some(Stat { start, has_ended: matches!(state, "Z" | "X" | "x") })
}

fn is_there(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_confuses_nothing() {
        let stat = |state: &str| {
            format!("7 (a) R 1 (b) c) {state} 1 7 7 0 -1 0 10 0 0 0 250 50 0 0 20 0 4 0 99 0 0")
        };
        let seen = |state: &str| parsed(&stat(state)).map(|stat| (stat.start, stat.has_ended));
        assert_eq!(seen("R"), Some((99, false)));
        assert_eq!(seen("Z"), Some((99, true)), "a process that only waits to be buried has ended");
        assert!(parsed("7 (a").is_none() && parsed("7 (a) R 1 7").is_none());
    }

    #[test]
    fn a_process_runs_until_it_ends_and_a_later_one_of_its_number_is_another() {
        let machine = Linux::new();
        let this = machine.process();
        assert!(this.is_beside(&machine.process()) && machine.runs(&this));
        assert!(!machine.runs(&Process { start: this.start + 1, ..this.clone() }));
        // No process has a number that is as large.
        assert!(!machine.runs(&Process { pid: i32::MAX as u32, ..this.clone() }));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let stat = stat(&child.id().to_string()).unwrap();
        let process = Process { pid: child.id(), start: stat.start, ..this };
        child.wait().unwrap();
        assert!(!machine.runs(&process));
    }

    #[test]
    fn nobody_is_beside_a_process_of_an_unknown_kernel() {
        let unknown = Process { boot: String::new(), space: "pid:[1]".to_owned(), pid: 7, start: 9 };
        assert!(!unknown.is_beside(&unknown));
        let far = Process { boot: "far".to_owned(), ..unknown.clone() };
        assert!(!far.is_beside(&unknown) && far.is_beside(&far.clone()));
        assert!(!far.is_beside(&Process { space: "pid:[2]".to_owned(), ..far.clone() }), "a container");
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let tokens: std::collections::BTreeSet<String> = (0..1000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1000);
    }
}
