//! The lock of the store, which whoever labels, removes, restores or renames runs holds meanwhile.

use std::path::Path;

use fs_err as fs;
use fs_err::File;

use crate::error::StoreError;
use crate::regular::{check, is_absent};
use crate::store::Store;

/// The name of the locked file. Readers of the store skip names with a leading dot.
pub(crate) const FILE: &str = ".lock";

/// Keeps other processes from changing labels or moving runs for as long as it lives. A crash releases the lock.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl Store {
    /// Waits until no other process changes labels or moves runs, and keeps others from doing so.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no store, or nothing can be written into it.
    pub fn lock(&self) -> Result<StoreLock, StoreError> {
        lock(&self.root().join(FILE))
    }
}

/// Waits until no other process holds the lock on a file, and keeps others from it. The file is made if it does not exist.
///
/// # Errors
/// Returns an error when something that is not a regular file has its name, or when it cannot be opened.
pub(crate) fn lock(path: &Path) -> Result<StoreLock, StoreError> {
    let file = open_lock(path)?;
    file.file().lock()?;
    Ok(StoreLock { _file: file })
}

/// Opens a file that is only ever locked, and makes it if it does not exist.
///
/// # Errors
/// Returns an error when something that is not a regular file has its name, or when it cannot be opened.
pub(crate) fn open_lock(path: &Path) -> Result<File, StoreError> {
    if !is_absent(path) {
        check(path)?;
    }
    Ok(fs::OpenOptions::new().create(true).read(true).append(true).open(path)?)
}
