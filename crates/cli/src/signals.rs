//! Signals while another program does the work.
//!
//! Ctrl-C reaches every process of the terminal, so this one only has to stay until the other is done. SIGTERM is sent
//! to one process, by `kill` or by a container's host: it has to be passed on.

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use cliptune_terminal::interrupt_flag_saying;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::signal_name;

use crate::error::CliError;

/// The flag that Ctrl-C and SIGTERM set. Silent: the program that does the work says what happens.
pub(crate) fn catch() -> Arc<AtomicBool> {
    interrupt_flag_saying(None)
}

/// The name of a signal; its number when it has none.
pub(crate) fn name(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// Passes SIGTERM on to a child process until it is dropped.
pub(crate) struct Forwarding {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Forwarding {
    /// Starts to pass the signal on.
    pub(crate) fn to(child: &Child) -> Result<Self, CliError> {
        let child = Pid::from_child(child);
        let mut signals = Signals::new([SIGTERM])?;
        let handle = signals.handle();
        let forward = move || {
            for _ in signals.forever() {
                // A child that has just ended cannot be told and need not be.
                let _ = kill_process(child, Signal::TERM);
            }
        };
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(forward)?;
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
