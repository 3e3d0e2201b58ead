//! What a fetch reports while it runs.

use std::time::Duration;

/// An observer of a fetch: a progress bar, a log or a test. Its methods are called from several threads.
pub trait Observer: Sync {
    /// Receives an event.
    fn report(&self, event: Event<'_>);

    /// Checks whether the fetch should stop. What has arrived by then is kept.
    fn is_interrupted(&self) -> bool {
        false
    }
}

impl<F: Fn(Event<'_>) + Sync> Observer for F {
    fn report(&self, event: Event<'_>) {
        self(event);
    }
}

/// One step of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Another process is fetching from the same bucket or host.
    Waiting {
        /// The address that is waited for.
        address: &'a str,
    },
    /// An address has been listed, and these files are missing from the cache.
    Missing {
        /// The address.
        address: &'a str,
        /// The number of files.
        files: u64,
        /// Their size in bytes.
        bytes: u64,
    },
    /// This much of what was missing is there.
    Received {
        /// The number of complete files.
        files: u64,
        /// The number of bytes, which falls when a file is begun anew.
        bytes: u64,
    },
    /// Everything that was missing is there.
    Complete,
    /// Something failed and will be tried again.
    Retrying {
        /// The error of the last try.
        reason: &'a str,
        /// The pause before the next try.
        pause: Duration,
    },
}
