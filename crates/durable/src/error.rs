//! What can go wrong while a file gets its name.

use std::io;
use std::path::{Path, PathBuf};

/// A file or a folder that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// A file operation failed; the message names the operation and the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is something where a folder was to be made.
    #[error("{} is there already", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

impl DurableError {
    /// Says what the person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(error) => advice(error),
            Self::Occupied { .. } => Some("nothing is ever overwritten: choose another folder"),
        }
    }
}

/// For crates whose errors hold what the file system said.
impl From<DurableError> for io::Error {
    fn from(error: DurableError) -> Self {
        match error {
            DurableError::Io(error) => error,
            DurableError::Occupied { .. } => Self::new(io::ErrorKind::AlreadyExists, error),
        }
    }
}

/// Says what the person can do about a file operation that failed.
pub fn advice(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("the disk is full: free some space, or choose another --store")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("choose another --store"),
        _ => None,
    }
}

/// Puts the path into the error of a failed write, in fs-err's words.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("failed to write file `{}`: {error}", path.display()))
}
