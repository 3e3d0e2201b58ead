//! Signal handling while another program does the work.
//!
//! Ctrl-C reaches every process of the terminal, so this process only has to wait until the other one is done. Any
//! other request to stop may have been sent to this process alone, by `kill`, by a container's host or by a terminal
//! that was closed, so it is passed on. If the other process received it as well, it takes the second signal for the
//! same request.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use cliptune_terminal::{Stopping, stop_signals};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::Cause;
use signal_hook::low_level::signal_name;

use crate::error::{CliError, ProgramError};

/// Returns the flag that the signals set. Nothing is printed and no signal ends this process, because the program that
/// does the work reports what happens and decides when to stop.
pub(crate) fn catch() -> Arc<AtomicBool> {
    Stopping { announcement: None, grace: None }.flag()
}

/// Returns the name of a signal, or its number when it has none.
pub(crate) fn name(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// The signals to be passed on that have been caught but not handled yet.
pub(crate) struct Caught(SignalsInfo<WithOrigin>);

impl Caught {
    /// Starts to catch signals.
    pub(crate) fn now() -> Result<Self, CliError> {
        Ok(Self(SignalsInfo::new(stop_signals())?))
    }

    /// Passes the signals on to child processes, including those caught earlier, until the result is dropped.
    pub(crate) fn forward_to(mut self, children: Children) -> Result<Forwarding, CliError> {
        let handle = self.0.handle();
        let forward = move || {
            for origin in self.0.forever() {
                children.pass_on(&origin);
            }
        };
        let thread = thread::Builder::new().name("forwarding".to_owned()).spawn(forward)?;
        Ok(Forwarding { handle, thread: Some(thread) })
    }
}

/// The child processes that signals are passed on to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    running: Vec<Pid>,
    /// Whether a signal has come.
    asked: bool,
}

impl Children {
    /// Starts a child process. One that starts while a signal comes receives it, too: a terminal sends its signals to the
    /// processes that there are.
    pub(crate) fn spawn(&self, mut command: Command) -> Result<Child, CliError> {
        let program = PathBuf::from(command.get_program());
        let child = command.spawn().map_err(|source| ProgramError::Start { program, source })?;
        let mut known = self.known();
        known.running.push(Pid::from_child(&child));
        if known.asked {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
        }
        Ok(child)
    }

    /// Waits for the end of a child process, and returns how it ended and whether it was asked to stop. Its number is
    /// forgotten before the system may give it to another process.
    pub(crate) fn wait(&self, child: &mut Child) -> io::Result<(ExitStatus, bool)> {
        let id = Pid::from_child(child);
        let ended = retry_on_intr(|| waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        self.known().running.retain(|pid| *pid != id);
        ended?;
        let status = child.wait()?;
        Ok((status, self.known().asked || catch().load(Ordering::SeqCst)))
    }

    fn pass_on(&self, origin: &Origin) {
        let mut known = self.known();
        known.asked = true;
        if let Some(signal) =
            Signal::from_named_raw(origin.signal).filter(|_| !came_from_the_keyboard(origin))
        {
            // A child that has just ended cannot receive the signal and does not need it.
            for child in &known.running {
                let _ = kill_process(*child, signal);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks whether the terminal sent the signal, and thus sent it to all processes in its foreground.
fn came_from_the_keyboard(origin: &Origin) -> bool {
    origin.signal == SIGINT && matches!(origin.cause, Cause::Kernel)
}

/// Passes signals on to child processes until it is dropped.
pub(crate) struct Forwarding {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
