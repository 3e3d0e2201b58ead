//! The events that a fetch reports while it runs.

use std::fmt;
use std::time::Duration;

use crate::commit::Commit;
use crate::error::{HubError, Result};
use crate::file_name::FileName;

/// An observer of a fetch: a progress bar, a log or a test. Any `Fn(Event<'_>)` is one.
pub trait Observer {
    /// Receives an event.
    fn report(&self, event: Event<'_>);

    /// Checks whether the fetch should stop. It is called several times a second, and what is downloaded by then is
    /// kept.
    fn is_interrupted(&self) -> bool {
        false
    }
}

impl<F: Fn(Event<'_>)> Observer for F {
    fn report(&self, event: Event<'_>) {
        self(event);
    }
}

/// One step of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The hub has listed the files, and this many are needed, including cached ones. The shards of a sharded model are
    /// known only once their index is there, and this event is then reported again.
    Resolved {
        /// The commit that the revision stands for.
        commit: &'a Commit,
        /// The number of files that are needed.
        files: usize,
    },
    /// A file was in the cache already.
    Cached {
        /// The name of the file.
        file: &'a FileName,
    },
    /// A download has come this far. The first event reports where it starts, which is above 0 when it continues, and
    /// further events follow after every piece. `done` falls back to 0 when the server cannot continue.
    Downloading {
        /// The name of the file.
        file: &'a FileName,
        /// The number of bytes on disk.
        done: u64,
        /// The size of the whole file in bytes.
        total: u64,
    },
    /// A download is complete and its hash is right.
    Downloaded {
        /// The name of the file.
        file: &'a FileName,
    },
    /// There is something that the user may want to read.
    Notice(Notice<'a>),
}

/// A message for the user. `Display` has its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Something failed and will be tried again.
    Retrying {
        /// The thing that failed: a file, or the repository whose listing was asked for.
        what: &'a str,
        /// The error of the last try.
        reason: &'a str,
        /// The pause before the next try.
        pause: Duration,
    },
    /// Another process is downloading the same content.
    Waiting {
        /// The name of the file.
        file: &'a FileName,
    },
    /// The hub does not answer, so the snapshot in the cache is used.
    Unreachable {
        /// The error of the attempt to reach the hub.
        reason: &'a str,
        /// The commit that is in the cache.
        commit: &'a Commit,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retrying { what, reason, pause } => {
                write!(f, "{what}: {reason}; trying again in {} s", pause.as_secs())
            }
            Self::Waiting { file } => write!(f, "waiting for another process that downloads {file}"),
            Self::Unreachable { reason, commit } => {
                write!(f, "{reason}; using commit {commit} from the cache")
            }
        }
    }
}

/// Returns an error if the user has asked to stop.
pub(crate) fn stop_if_asked(observer: &dyn Observer) -> Result<()> {
    match observer.is_interrupted() {
        true => Err(HubError::Interrupted),
        false => Ok(()),
    }
}
