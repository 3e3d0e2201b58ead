//! Who is at a run. Whoever trains it holds its lock alone; whoever scores or exports what is trained, or starts from it,
//! shares the lock with others; whoever moves or removes it needs the lock alone.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use cliptune_durable::unfinished;
use fs_err::File;

use crate::error::StoreError;
use crate::lock::open_lock;
use crate::regular::{check, is_absent};
use crate::run::Run;
use crate::store::Store;
use crate::work::has_name;
use crate::worker::Worker;

/// The file that is locked. A crash releases the lock.
const LOCK: &str = "lock";
/// How often somebody tries who finds the lock taken. A reader that checks the status has it for a few microseconds.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// Keeps a run from being changed, moved or removed by others for as long as it lives.
#[derive(Debug)]
pub struct Held {
    _lock: Option<File>,
}

impl Run {
    /// Holds the run while this process works on it or reads its weights. Several processes can hold a run at once.
    ///
    /// # Errors
    ///
    /// Returns an error when another process is changing the run or has taken it away.
    pub fn hold(&self) -> Result<Held, StoreError> {
        let path = lock_file(self.folder());
        let mut lock = match open_lock(&path) {
            Ok(lock) => lock,
            // Where nothing can be written, nothing can be removed either, and nobody can have locked what is no file.
            Err(error) if error.is_damage() || is_closed(&error) => return Ok(Held { _lock: None }),
            Err(error) => return Err(error),
        };
        attempts(self.folder(), || lock.file().try_lock_shared())?;
        if !has_name(&lock, &path) {
            return Err(StoreError::Gone { path: self.folder().to_path_buf() });
        }
        sign(&mut lock);
        Ok(Held { _lock: Some(lock) })
    }
}

impl Store {
    /// Makes sure that no process works on the run in a folder.
    ///
    /// # Errors
    ///
    /// Returns an error that names the process when there is one.
    pub fn require_idle(&self, folder: &Path) -> Result<(), StoreError> {
        idle(folder).map(drop)
    }
}

fn is_closed(error: &StoreError) -> bool {
    let closed = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
    matches!(error, StoreError::Io(error) if closed.contains(&error.kind()))
}

/// Returns the file in a run's folder that is locked.
pub(crate) fn lock_file(folder: &Path) -> PathBuf {
    folder.join(LOCK)
}

/// Checks whether a process writes the run in a folder. It asks for a shared lock, so that two readers do not block each
/// other, and so that those who only hold the run do not count.
pub(crate) fn is_written(folder: &Path) -> bool {
    let path = lock_file(folder);
    check(&path).is_ok()
        && File::open(&path)
            .is_ok_and(|file| matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Writes into the lock that this process holds it. A note that cannot be written is missed only by a message.
pub(crate) fn sign(lock: &mut File) {
    let _ = lock.set_len(0).and_then(|()| lock.write_all(&Worker::this().note()));
}

/// Takes a run's lock, which keeps other processes from working on the run for as long as the result lives.
///
/// # Errors
/// Returns an error when a process works on the run, or when its lock cannot be opened.
pub(crate) fn lock(folder: &Path) -> Result<File, StoreError> {
    let file = open_lock(&lock_file(folder))?;
    attempts(folder, || file.file().try_lock())?;
    Ok(file)
}

/// Keeps the run in a folder as it is for as long as the result lives.
///
/// # Errors
/// Returns an error when a process works on the run.
pub(crate) fn idle(folder: &Path) -> Result<Option<File>, StoreError> {
    let held = match is_absent(&lock_file(folder)) {
        true => None,
        false => match lock(folder) {
            // Nobody can have locked what is no file.
            Err(error) if error.is_damage() => None,
            held => Some(held?),
        },
    };
    match unfinished(folder)?.held.is_empty() {
        true => Ok(held),
        false => Err(taken(folder)),
    }
}

fn attempts(folder: &Path, attempt: impl Fn() -> Result<(), TryLockError>) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(taken(folder))
}

/// Returns the error that names the process that has signed the lock.
fn taken(folder: &Path) -> StoreError {
    let worker = Worker::read(&lock_file(folder)).unwrap_or_else(Worker::unknown);
    StoreError::InUse { path: folder.to_path_buf(), worker }
}
