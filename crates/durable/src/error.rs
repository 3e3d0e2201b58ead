//! The errors that can occur while a file or folder is put in place.

use std::io;
use std::path::{Path, PathBuf};

/// The reason why a file or a folder could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// A file operation failed; the message names the operation and the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something exists already where a folder was to be made.
    #[error("{} is there already", path.display())]
    Occupied {
        /// The path of the folder that was to be made.
        path: PathBuf,
    },
    /// Something has been moved, but may be where it was again after a crash of the machine.
    #[error("it lies in {} now, but the disk has not confirmed that", path.display())]
    Unconfirmed {
        /// The path that it has now.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl DurableError {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(error) => advice(error),
            Self::Unconfirmed { source, .. } => advice(source),
            Self::Occupied { .. } => Some("nothing is ever overwritten: choose another place"),
        }
    }
}

/// Allows crates whose errors contain an I/O error to hold this error, too.
impl From<DurableError> for io::Error {
    fn from(error: DurableError) -> Self {
        match error {
            DurableError::Io(error) => error,
            DurableError::Unconfirmed { ref source, .. } => Self::new(source.kind(), error),
            DurableError::Occupied { .. } => Self::new(io::ErrorKind::AlreadyExists, error),
        }
    }
}

/// Returns what the user can do about a file operation that failed.
pub fn advice(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("the disk is full: free some space, or choose another --store")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("choose another --store"),
        _ => None,
    }
}

/// Puts the path into the error of a failed write, worded like the errors of fs-err.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("failed to write file `{}`: {error}", path.display()))
}
