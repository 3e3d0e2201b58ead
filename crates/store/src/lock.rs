//! The lock of the store, which whoever labels, removes, restores or renames runs holds meanwhile.
//!
//! It is a [claim](crate::lease), which holds among all hosts, and beside it the lock on a file that earlier versions know.

use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fs_err as fs;
use fs_err::File;
use rustix::io::Errno;

use crate::error::StoreError;
use crate::lease::{self, Attempt, Lease, Observer, beside, is_full};
use crate::regular::{check, is_absent};
use crate::store::Store;
use crate::worker::Worker;

/// The name of the locked file. Readers of the store skip names with a leading dot.
pub(crate) const FILE: &str = ".lock";
/// What stands behind the name of a locked file in that of its claim.
const HOLDER: &str = ".holder";
/// The time between two attempts of a process that waits.
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps other processes from changing labels or moving runs for as long as it lives. A crash releases the lock.
#[derive(Debug)]
pub struct StoreLock {
    /// It is released before the lock, which others wait for only once they have the claim.
    _lease: Option<Lease>,
    _file: File,
}

impl Store {
    /// Waits until no other process changes labels or moves runs, and keeps others from doing so.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no store, when nothing can be written into it, or when a person has ended the wait.
    pub fn lock(&self) -> Result<StoreLock, StoreError> {
        lock(&self.root().join(FILE))
    }
}

/// Waits until no other process holds the lock on a file, and keeps others from it. The file is made if it does not exist.
///
/// # Errors
/// Returns an error when something that is not a regular file has its name, when it cannot be opened, or when a person has ended the wait.
pub(crate) fn lock(path: &Path) -> Result<StoreLock, StoreError> {
    lock_as(path, &Observer::this())
}

fn lock_as(path: &Path, observer: &Arc<Observer>) -> Result<StoreLock, StoreError> {
    let file = open_lock(path)?;
    let (lease, is_ghost) = loop {
        match lease::attempt(&beside(path, HOLDER), observer) {
            Ok(Attempt::Mine(lease, left)) => {
                break (Some(lease), left.is_some_and(|left| left.worker.is_elsewhere()));
            }
            Ok(Attempt::Taken(worker, _)) => observer.wait_for(&worker, PAUSE)?,
            // Whoever makes room has nothing to write.
            Err(error) if is_full(&error) => break (None, false),
            Err(error) => return Err(error),
        }
    };
    // A file server may keep the lock of a host that has died for as long as that is not started again.
    if !is_ghost {
        wait_for_lock(&file, observer)?;
    }
    Ok(StoreLock { _lease: lease, _file: file })
}

/// Waits until the lock on a file is had, where the file system has locks. Whoever has it without the claim is of an earlier version, or
/// found no room for one.
fn wait_for_lock(file: &File, observer: &Observer) -> Result<(), StoreError> {
    loop {
        match file.file().try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => observer.wait_for(&Worker::unknown(), PAUSE)?,
            Err(TryLockError::Error(error)) if has_no_locks(&error) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Checks whether an error means that a file system has no locks.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    let none = [Errno::NOSYS, Errno::NOLCK, Errno::OPNOTSUPP];
    Errno::from_io_error(error).is_some_and(|number| none.contains(&number))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::simulated::Hosts;

    #[test]
    fn what_a_dead_host_has_locked_is_had_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let hosts = Hosts::default();
        // Its claim alone is left: the lock of its file system does not reach this host.
        let StoreLock { _lease, _file } = lock_as(&path, &hosts.host("far")).unwrap();
        std::mem::forget(_lease);
        drop(_file);
        let held = lock_as(&path, &hosts.host("near")).unwrap();
        drop(held);
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE], "nothing but the file that is locked stays");
    }

    #[test]
    fn a_file_system_without_locks_is_no_error_and_any_other_trouble_is() {
        for number in [Errno::NOSYS, Errno::NOLCK, Errno::OPNOTSUPP] {
            assert!(has_no_locks(&io::Error::from(number)), "{number:?}");
        }
        assert!(!has_no_locks(&io::Error::from(Errno::IO)));
    }

    #[test]
    fn whoever_waits_for_the_lock_stops_when_asked_to_be_it_a_claim_or_an_earlier_version_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let hosts = Hosts::default();
        let one = lock_as(&path, &hosts.host("one")).unwrap();
        hosts.ask_to_stop();
        let error = lock_as(&path, &hosts.host("other")).unwrap_err();
        assert!(error.to_string().contains(" on one "), "{error}");
        drop(one);
        let early = open_lock(&path).unwrap();
        early.file().try_lock().unwrap();
        let error = lock_as(&path, &hosts.host("other")).unwrap_err();
        assert!(matches!(error, StoreError::Interrupted { .. }), "{error}");
        drop(early);
        drop(lock_as(&path, &hosts.host("other")).unwrap());
    }
}
