//! A lock that lets only one process at a time do something.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// A held lock; dropping it lets the next process in. The lock file stays, as Python's does, because removing it would
/// let two waiting processes hold different files of the same name.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// Takes the lock, or returns `None` while another process holds it. It uses `flock`, as Python's `filelock` does.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be made; the message names it.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        path.parent().map_or(Ok(()), fs_err::create_dir_all)?;
        let file = open(path).map_err(|error| named(path, &error))?;
        match file.try_lock() {
            Ok(()) if is_removed(&file)? => Ok(None),
            Ok(()) => Ok(Some(Self { _file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network file systems have no locks. Without one, the worst case is that a download is made twice: a
            // file that two processes have mixed up does not pass the hash check.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Some(Self { _file: None }))
            }
            Err(TryLockError::Error(error)) => Err(named(path, &error)),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    share(&file);
    Ok(file)
}

/// Lets other users who share the cache wait as well. This fails if the file has another owner, who has already done
/// it.
#[cfg(unix)]
fn share(file: &File) {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    let _ = file.set_permissions(Permissions::from_mode(0o664));
}

#[cfg(not(unix))]
fn share(_file: &File) {}

/// Checks whether the file has been deleted since it was opened: such a lock keeps nobody out.
#[cfg(unix)]
fn is_removed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// Adds the path to an error. The standard library's file does not name it, and fs-err's file has no locks.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot lock {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/x.lock");
        let held = Lock::try_take(&path).unwrap();
        assert!(held.is_some());
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_take(&path).unwrap().is_some());
        assert!(path.exists());
    }
}
