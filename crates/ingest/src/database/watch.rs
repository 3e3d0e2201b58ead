//! Signals that ask to stop, which interrupt what a database does.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use cliptune_terminal::silent_interrupt_flag;
use duckdb::Connection;

/// A thread that interrupts a connection once a signal has asked this process to stop, for as long as this exists. One thread for
/// each statement would take as long as most statements.
pub(super) struct Watch {
    _ended: Sender<()>,
}

impl Watch {
    /// Begins to watch over a connection.
    pub(super) fn over(connection: &Connection) -> Self {
        let handle = connection.interrupt_handle();
        let (ended, end) = channel();
        std::thread::spawn(move || interrupt_on_signal(&end, || handle.interrupt()));
        Self { _ended: ended }
    }
}

/// Interrupts what a database does once a signal has asked this process to stop, until the other side of the channel is gone. What
/// is reported then is for [`command`](crate::command()) to tell from a fault.
pub(super) fn interrupt_on_signal(end: &Receiver<()>, interrupt: impl Fn()) {
    /// How long a signal waits to be seen.
    const LOOK: Duration = Duration::from_millis(100);
    let asked = silent_interrupt_flag();
    // The interrupt is repeated, because one that falls between two statements is lost.
    while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        if asked.load(Ordering::Relaxed) {
            interrupt();
        }
    }
}
