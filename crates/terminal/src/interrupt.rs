//! Ctrl-C, SIGTERM and SIGHUP: the first signal asks a tool to stop, a later one ends it at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::exit::Exit;
use crate::printer::Printer;

/// The message after the first signal, for a tool that saves its work.
const FINISHING: &str = "finishing this step, then saving (press Ctrl-C again to stop at once)";
/// A signal that follows the first one within this time is the same request: `timeout`, systemd and Slurm signal every
/// process of a group, and a parent passes on the signal that it received itself.
const GRACE: Duration = Duration::from_secs(1);

/// The flag of this process. The signal handlers are installed once, together with it.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// How a process deals with the signals that ask it to stop.
#[derive(Clone, Copy, Debug)]
pub struct Stopping {
    /// The message after the first signal, or `None` where another program reports what happens.
    pub announcement: Option<&'static str>,
    /// How long a further signal counts as the same request. After that time, a signal ends the process at once. `None`
    /// is for a process that no signal ends, because it waits for another one.
    pub grace: Option<Duration>,
}

/// Returns the flag that Ctrl-C, SIGTERM and SIGHUP set, for work that can stop between two steps and be resumed.
///
/// The first signal sets the flag and prints what happens next. A second one, a second or more later, ends the process
/// at once with 130. Signals are caught from the first call on; every call returns the same flag.
pub fn interrupt_flag() -> Arc<AtomicBool> {
    Stopping { announcement: Some(FINISHING), grace: Some(GRACE) }.flag()
}

/// Returns the same flag as [`interrupt_flag`], without an announcement.
pub fn silent_interrupt_flag() -> Arc<AtomicBool> {
    Stopping { announcement: None, grace: Some(GRACE) }.flag()
}

/// Checks whether one of these signals has asked this process to stop. A process that does not catch them is ended by them instead.
pub fn is_asked_to_stop() -> bool {
    FLAG.get().is_some_and(|asked| asked.load(Ordering::Relaxed))
}

/// Asks this process to stop, as such a signal does, but without an announcement: another process has received it. Has no effect on
/// a process that does not catch signals.
pub fn ask_to_stop() {
    if let Some(asked) = FLAG.get() {
        asked.store(true, Ordering::Relaxed);
    }
}

impl Stopping {
    /// Returns the flag that the signals set. The first call in a process decides how it deals with them.
    pub fn flag(self) -> Arc<AtomicBool> {
        Arc::clone(FLAG.get_or_init(|| {
            let asked = Arc::new(AtomicBool::new(false));
            // A signal that is not caught still ends the process. Work is lost but nothing is damaged, so this is not
            // worth failing for.
            let _ = self.catch(&asked);
            asked
        }))
    }

    fn catch(self, asked: &Arc<AtomicBool>) -> io::Result<()> {
        let armed = Arc::new(AtomicBool::new(false));
        let signals = stop_signals();
        for &signal in &signals {
            // This ends the process from within the signal handler, so that nothing that hangs can hold it up, and no
            // destructor of libtorch runs while threads are alive.
            flag::register_conditional_shutdown(
                signal,
                i32::from(Exit::Interrupted.code()),
                Arc::clone(&armed),
            )?;
            flag::register(signal, Arc::clone(asked))?;
        }
        let mut received = Signals::new(&signals)?;
        let follow = move || {
            if received.forever().next().is_some() {
                self.after_the_first(&armed);
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(follow).map(drop)
    }

    fn after_the_first(self, armed: &AtomicBool) {
        if let Some(text) = self.announcement {
            // The message is written on a thread of its own: a terminal that blocks must not keep the second signal
            // from ending the process.
            let say = move || Printer::new(false, false).notice(text);
            let _ = thread::Builder::new().name("announcement".to_owned()).spawn(say);
        }
        if let Some(grace) = self.grace {
            thread::sleep(grace);
            armed.store(true, Ordering::SeqCst);
        }
    }
}

/// Returns the signals that ask a process to stop. SIGHUP is left out where it is ignored, as under `nohup`.
pub fn stop_signals() -> Vec<i32> {
    let mut signals = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    signals
}

/// Checks whether this process was started with a signal ignored. Where that cannot be determined, the signal counts as
/// ignored, so that `nohup` works everywhere.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (signal - 1)) != 0)
}
