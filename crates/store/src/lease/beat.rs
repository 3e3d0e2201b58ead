//! The thread that shows, from time to time, that the holder of a claim lives.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use super::file::Own;
use super::observer::BEAT;

/// Renews a claim for as long as it lives.
#[derive(Debug)]
pub(super) struct Beat {
    /// The thread ends as soon as this is dropped.
    _alive: SyncSender<()>,
}

impl Beat {
    /// Starts the thread. On a machine that gives none, other hosts will take the holder for dead.
    pub(super) fn begin(own: &Arc<Own>) -> Option<Self> {
        let (alive, end) = sync_channel(0);
        let own = Arc::clone(own);
        thread::Builder::new().name("claim".to_owned()).spawn(move || renew(&own, &end)).ok()?;
        Some(Self { _alive: alive })
    }
}

fn renew(own: &Own, end: &Receiver<()>) {
    while end.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
        own.beat();
    }
}
