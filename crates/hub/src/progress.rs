//! What a fetch tells while it goes on.

use std::fmt;
use std::time::Duration;

use crate::commit::Commit;
use crate::file_name::FileName;

/// Somebody who watches a fetch: a progress bar, a log, a test. Any `Fn(Event<'_>)` is one.
pub trait Observer {
    /// Something has happened.
    fn report(&self, event: Event<'_>);

    /// Whether the fetch should stop. It is asked several times a second; what is downloaded by then is kept.
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
    /// The hub has said what there is; so many files are needed, cached ones included. The shards of a sharded model
    /// are known, and reported again, once their index is there.
    Resolved {
        /// The commit that the revision stands for.
        commit: &'a Commit,
        /// Files needed.
        files: usize,
    },
    /// A file was in the cache already.
    Cached {
        /// The file.
        file: &'a FileName,
    },
    /// A download has come so far: first where it starts, which is above 0 when it continues, then after every piece.
    /// It falls back to 0 when the server cannot continue.
    Downloading {
        /// The file.
        file: &'a FileName,
        /// Bytes on disk.
        done: u64,
        /// How many bytes the whole file has.
        total: u64,
    },
    /// A download is complete and its hash is right.
    Downloaded {
        /// The file.
        file: &'a FileName,
    },
    /// Something the person may want to read.
    Notice(Notice<'a>),
}

/// A message for a person; `Display` has its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Something failed and is tried again.
    Retrying {
        /// What failed: a file, or the address of the listing.
        what: &'a str,
        /// Why.
        reason: &'a str,
        /// The pause before the next try.
        pause: Duration,
    },
    /// Another process downloads the same content.
    Waiting {
        /// The file.
        file: &'a FileName,
    },
    /// The hub does not answer; what is in the cache is used.
    Unreachable {
        /// Why.
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
