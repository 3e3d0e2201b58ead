//! What is known of a process: who it is, and whether it runs, as far as this machine can tell.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cliptune_durable::{boot_id, parent};
use cliptune_terminal::{Printer, is_asked_to_stop};
use fs_err as fs;
use rustix::fs::statfs;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::worker::{Worker, host_name};

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
    /// The machine that it runs on, by what the machine is called; empty where that is unknown. It tells two boots of one machine from
    /// boots of two, and nothing else: what a copy of a machine is called may be what the first one is called.
    pub(super) machine: String,
}

/// The namespace of processes that a kernel begins with. What a container calls its machine may be what its image says.
pub(super) const OUTERMOST: &str = "pid:[4026531836]";

impl Process {
    /// Checks whether this process can see the other one: it runs on the same kernel and counts in the same namespace.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.is_of_same_kernel(other) && self.space == other.space
    }

    /// Checks whether this process and the other one run on the same kernel.
    pub(super) fn is_of_same_kernel(&self, other: &Self) -> bool {
        !self.boot.is_empty() && self.boot == other.boot
    }

    /// Checks whether this process ran on the other one's machine before that was started again.
    pub(super) fn is_of_other_boot(&self, other: &Self) -> bool {
        let is_known = ![&self.machine, &self.boot, &other.boot].iter().any(|name| name.is_empty());
        let is_outermost = [&self.space, &other.space].iter().all(|space| *space == OUTERMOST);
        is_known && is_outermost && self.machine == other.machine && self.boot != other.boot
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
    /// Checks whether the file system of a file is one that a single kernel has mounted.
    fn is_local(&self, path: &Path) -> bool;
    /// Returns the time that has passed since some moment, by a clock that nobody can set. It is compared with nothing but itself.
    fn now(&self) -> Duration;
    /// Does nothing for some time.
    fn pause(&self, time: Duration);
    /// Tells a person what they want to know at once.
    fn tell(&self, text: &str);
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

    fn is_local(&self, path: &Path) -> bool {
        let kind = statfs(parent(path)).ok().and_then(|about| u32::try_from(about.f_type).ok());
        kind.is_some_and(|kind| LOCAL.contains(&kind))
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn tell(&self, text: &str) {
        // Whoever wants to see no progress still wants to know why nothing happens.
        Printer::new(false, false).notice(text);
    }

    fn is_asked_to_stop(&self) -> bool {
        is_asked_to_stop()
    }

    fn beats(&self) -> bool {
        true
    }
}

/// What the kernel calls file systems of disks (ext, XFS, Btrfs, F2FS, bcachefs, ZFS) and of memory. One kernel alone can have such a disk
/// mounted, and the locks on its files reach all of its processes, in whichever containers. All of them let a file have two names.
const LOCAL: [u32; 7] =
    [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0xCA45_1A4E, 0x2FC1_2FC1, 0x0102_1994];

/// Where the kernel does not tell its boot, it is empty, and nobody is beside anybody.
fn this_process() -> Process {
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    // Where the processes that are shown are those of another namespace, none of this one can be found by its number.
    let shows_this = fs::read_link("/proc/self")
        .is_ok_and(|link| link.to_string_lossy() == std::process::id().to_string());
    let start = stat("self").filter(|_| shows_this).map(|stat| stat.start);
    Process {
        // Without its start, a process cannot be told from a later one of its number.
        boot: start.and_then(|_| boot_id()).unwrap_or_default().to_owned(),
        space: space.to_string_lossy().into_owned(),
        pid: std::process::id(),
        start: start.unwrap_or_default(),
        machine: machine(&fs::read_to_string("/etc/machine-id").unwrap_or_default(), &host_name()),
    }
}

/// Returns what a machine is called, by the identity that its system was given when it was installed and by the name of the host. The
/// identity itself is not to be told to others.
fn machine(id: &str, host: &str) -> String {
    let id = id.trim();
    match id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        true => blake3::hash(format!("cliptune\n{id}\n{host}").as_bytes()).to_hex()[..32].to_owned(),
        false => String::new(),
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
        let unknown = Process {
            boot: String::new(),
            space: "pid:[1]".to_owned(),
            pid: 7,
            start: 9,
            machine: "machine".to_owned(),
        };
        assert!(!unknown.is_beside(&unknown));
        let far = Process { boot: "far".to_owned(), ..unknown.clone() };
        assert!(!far.is_beside(&unknown) && far.is_beside(&far.clone()));
        assert!(!far.is_beside(&Process { space: "pid:[2]".to_owned(), ..far.clone() }), "a container");
    }

    #[test]
    fn a_machine_that_was_started_again_is_known_by_both_its_names_outside_of_containers() {
        let before = Process {
            boot: "before".to_owned(),
            space: OUTERMOST.to_owned(),
            pid: 7,
            start: 9,
            machine: machine("0123456789abcdef0123456789abcdef\n", "host"),
        };
        let now = Process { boot: "now".to_owned(), ..before.clone() };
        assert!(before.is_of_other_boot(&now) && !before.is_of_other_boot(&before));
        let unlike = [
            Process { machine: machine("0123456789abcdef0123456789abcdef", "other"), ..now.clone() },
            Process { machine: machine("1123456789abcdef0123456789abcdef", "host"), ..now.clone() },
            Process { space: "pid:[4026532500]".to_owned(), ..now.clone() },
            Process { boot: String::new(), ..now.clone() },
        ];
        assert!(unlike.iter().all(|now| !before.is_of_other_boot(now)), "{unlike:?}");
        let nameless =
            |process: &Process| Process { machine: machine("uninitialized", "host"), ..process.clone() };
        assert!(!nameless(&before).is_of_other_boot(&nameless(&now)));
    }

    #[test]
    fn what_the_kernel_makes_up_is_no_local_disk() {
        assert!(!Linux::new().is_local(Path::new("/proc/self/stat")));
        assert!(!Linux::new().is_local(Path::new("/nowhere/at/all")));
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let tokens: std::collections::BTreeSet<String> = (0..1000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1000);
    }
}
