//! Who is at a run. Whoever trains it holds it alone; whoever scores or exports what is trained, or starts from it, shares
//! it with others; whoever moves or removes it needs it alone.
//!
//! Two things say so. The lock on a file is known to earlier versions, and reaches as far as the file system's locks do.
//! [Claims](crate::lease) in the same folder hold among all hosts: one of whoever has the run alone, and one of each of those who share
//! it. Everybody makes a claim first and then looks for those of the others, so that of two who begin at once at least one sees the
//! other.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cliptune_durable::unfinished;
use fs_err as fs;
use fs_err::File;

use crate::error::StoreError;
use crate::lease::{self, Attempt, Lease, Life, Observer, is_full};
use crate::lock::{has_no_locks, open_lock};
use crate::regular::{check, is_absent};
use crate::run::Run;
use crate::store::Store;
use crate::work::has_name;
use crate::worker::Worker;

/// The file that is locked. A crash releases the lock.
const LOCK: &str = "lock";
/// The claim of whoever has the run alone.
const WRITER: &str = ".writer";
/// What the claims of those who share it begin with.
const READER: &str = ".reader-";
/// How often somebody tries who finds the run taken. A reader that checks the status has the lock for a few microseconds.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(5);
/// The time between two looks at a claim of which nothing is known yet.
const LOOK: Duration = Duration::from_millis(500);

/// Keeps a run from being changed, moved or removed by others for as long as it lives.
#[derive(Debug)]
pub struct Held {
    _lease: Option<Lease>,
    _lock: Option<File>,
}

/// A run that no other process works on for as long as this lives.
#[derive(Debug)]
pub(crate) struct Alone {
    /// `None` where the disk is full, or the run was locked by nobody ever.
    lease: Option<Lease>,
    lock: Option<File>,
}

impl Run {
    /// Holds the run while this process works on it or reads its weights. Several processes can hold a run at once.
    ///
    /// # Errors
    ///
    /// Returns an error when another process is changing the run or has taken it away.
    pub fn hold(&self) -> Result<Held, StoreError> {
        share(self.folder(), &Observer::this())
    }
}

impl Store {
    /// Makes sure that no process works on the runs in some folders. All are watched at once, so that many that hosts which have died
    /// have left take no longer than one.
    ///
    /// # Errors
    ///
    /// Returns an error that names the process when there is one.
    pub fn require_idle<'a>(&self, folders: impl IntoIterator<Item = &'a Path>) -> Result<(), StoreError> {
        let folders: Vec<&Path> = folders.into_iter().collect();
        for folder in &folders {
            // What cannot be looked at is told when its turn comes.
            let _ = watch(folder, &Observer::this());
        }
        folders.into_iter().try_for_each(|folder| idle(folder).map(drop))
    }
}

impl Alone {
    /// Writes into the lock that this process holds it.
    pub(crate) fn sign(&mut self) {
        self.lock.iter_mut().for_each(sign);
    }

    /// Checks whether the folder is still the one that was locked.
    pub(crate) fn is_in(&self, folder: &Path) -> bool {
        self.lock.as_ref().is_none_or(|lock| has_name(lock, &lock_file(folder)))
    }

    /// Makes sure that no other host has taken the run over.
    ///
    /// # Errors
    /// Returns the process that has.
    pub(crate) fn require(&self) -> Result<(), Worker> {
        self.lease.as_ref().map_or(Ok(()), Lease::is_mine)
    }

    /// Says that the run's folder has moved.
    pub(crate) fn moved_to(&mut self, folder: &Path) {
        self.lease.iter_mut().for_each(|lease| lease.moved_to(&folder.join(WRITER)));
    }
}

fn is_closed(error: &StoreError) -> bool {
    let closed = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
    matches!(error, StoreError::Io(error) if closed.contains(&error.kind()))
}

/// Holds the run in a folder together with others.
fn share(folder: &Path, observer: &Arc<Observer>) -> Result<Held, StoreError> {
    let path = lock_file(folder);
    let mut lock = match open_lock(&path) {
        Ok(lock) => lock,
        // Where nothing can be written, nothing can be removed either, and nobody can have locked what is no file.
        Err(error) if error.is_damage() || is_closed(&error) => {
            return Ok(Held { _lease: None, _lock: None });
        }
        Err(error) => return Err(error),
    };
    let lease = match Lease::of_its_own(folder, READER, observer) {
        Ok(lease) => Some(lease),
        Err(error) if is_closed(&error) || is_full(&error) => None,
        Err(error) => return Err(error),
    };
    let has_died = refuse_writer(folder, observer)?;
    attempts(folder, observer, has_died, || lock.file().try_lock_shared())?;
    if !has_name(&lock, &path) {
        return Err(StoreError::Gone { path: folder.to_path_buf() });
    }
    sign(&mut lock);
    Ok(Held { _lease: lease, _lock: Some(lock) })
}

/// Makes sure that nobody who lives has the run alone. Returns whether somebody of another host had it, and has died.
fn refuse_writer(folder: &Path, observer: &Arc<Observer>) -> Result<bool, StoreError> {
    let path = folder.join(WRITER);
    for _ in 0..ATTEMPTS {
        match settled(&path, observer)? {
            None => return Ok(false),
            Some((worker, Life::Dead)) => return Ok(worker.is_elsewhere()),
            Some((worker, _)) => observer.wait_for(&worker, PAUSE)?,
        }
    }
    Err(taken_at(folder, &path))
}

/// Waits until it is known whether the writer of the run in a folder lives.
///
/// # Errors
/// Returns an error when its claim cannot be read, or a person has ended the wait.
pub(crate) fn settle(folder: &Path) -> Result<(), StoreError> {
    settled(&folder.join(WRITER), &Observer::this()).map(drop)
}

/// Looks at all claims to the run in a folder, which are watched from now on.
fn watch(folder: &Path, observer: &Observer) -> Result<(), StoreError> {
    let claims = readers(folder)?.into_iter().chain([folder.join(WRITER)]);
    claims.map(|claim| lease::look(&claim, observer)).try_for_each(|seen| seen.map(drop))
}

/// Says who has a claim, once it is known whether they live.
fn settled(path: &Path, observer: &Observer) -> Result<Option<(Worker, Life)>, StoreError> {
    loop {
        match lease::look(path, observer)? {
            Some((worker, Life::Unsure)) => observer.wait_for(&worker, LOOK)?,
            known => return Ok(known),
        }
    }
}

/// Begins to write a run in a folder that is staged and gets another place.
///
/// # Errors
/// Returns an error when nothing can be written into the folder.
pub(crate) fn begin(staged: &Path, folder: &Path) -> Result<Alone, StoreError> {
    let mut lock = File::create(lock_file(staged))?;
    // Nobody else knows it yet.
    let _ = lock.file().try_lock();
    sign(&mut lock);
    let lease = match lease::attempt(&staged.join(WRITER), &Observer::this())? {
        Attempt::Mine(lease, _) => lease.at(&folder.join(WRITER)),
        Attempt::Taken(worker, _) => return Err(StoreError::InUse { path: folder.to_path_buf(), worker }),
    };
    Ok(Alone { lease: Some(lease), lock: Some(lock) })
}

/// Returns the process that has the run in a folder alone, as it has written there.
pub(crate) fn writer(folder: &Path) -> Option<Worker> {
    let claim = || lease::look(&folder.join(WRITER), &Observer::this()).ok().flatten();
    claim().map(|(worker, _)| worker).or_else(|| Worker::read(&lock_file(folder)))
}

/// Returns the file in a run's folder that is locked.
pub(crate) fn lock_file(folder: &Path) -> PathBuf {
    folder.join(LOCK)
}

/// Checks whether a process writes the run in a folder. It asks for a shared lock, so that two readers do not block each
/// other, and so that those who only hold the run do not count.
///
/// Nobody waits here for another host to show that it lives: whoever has a claim there counts as alive. Whoever goes on with the run
/// waits for that.
pub(crate) fn is_written(folder: &Path) -> bool {
    is_written_as(folder, &Observer::this())
}

fn is_written_as(folder: &Path, observer: &Observer) -> bool {
    match lease::look(&folder.join(WRITER), observer) {
        Ok(Some((_, Life::Alive))) => true,
        Ok(Some((_, Life::Dead))) => false,
        // What this host had begun before it was started again is not going on.
        Ok(Some((worker, Life::Unsure))) => worker.is_elsewhere() || is_locked(folder),
        Ok(None) | Err(_) => is_locked(folder),
    }
}

fn is_locked(folder: &Path) -> bool {
    let path = lock_file(folder);
    check(&path).is_ok()
        && File::open(&path)
            .is_ok_and(|file| matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Writes into the lock that this process holds it. A note that cannot be written is missed only by a message.
fn sign(lock: &mut File) {
    let _ = lock.set_len(0).and_then(|()| lock.write_all(&Worker::this().note()));
}

/// Takes a run for this process alone, which keeps other processes from working on the run for as long as the result lives.
///
/// # Errors
/// Returns an error when a process works on the run, or when its lock cannot be opened.
pub(crate) fn lock(folder: &Path) -> Result<Alone, StoreError> {
    lock_as(folder, &Observer::this())
}

fn lock_as(folder: &Path, observer: &Arc<Observer>) -> Result<Alone, StoreError> {
    let file = open_lock(&lock_file(folder))?;
    let (lease, writer_died) = claimed(folder, observer)?;
    let reader_died = refuse_readers(folder, observer)?;
    attempts(folder, observer, writer_died || reader_died, || file.file().try_lock())?;
    Ok(Alone { lease, lock: Some(file) })
}

/// Claims a run, and returns whether somebody of another host had it, and has died.
fn claimed(folder: &Path, observer: &Arc<Observer>) -> Result<(Option<Lease>, bool), StoreError> {
    let path = folder.join(WRITER);
    for _ in 0..ATTEMPTS {
        settled(&path, observer)?;
        match lease::attempt(&path, observer) {
            Ok(Attempt::Mine(lease, left)) => {
                return Ok((Some(lease), left.is_some_and(|left| left.worker.is_elsewhere())));
            }
            Ok(Attempt::Taken(worker, _)) => observer.wait_for(&worker, PAUSE)?,
            // Whoever makes room has nothing to write.
            Err(error) if is_full(&error) => {
                let has_died = refuse_writer(folder, observer)?;
                return Ok((None, has_died));
            }
            Err(error) => return Err(error),
        }
    }
    Err(taken_at(folder, &path))
}

/// Makes sure that nobody who lives shares the run, and removes the claims of those who have died. Returns whether one of them was of
/// another host.
fn refuse_readers(folder: &Path, observer: &Arc<Observer>) -> Result<bool, StoreError> {
    // Many that have died take no longer than one.
    watch(folder, observer)?;
    let mut has_died = false;
    for reader in readers(folder)? {
        match settled(&reader, observer)? {
            None => {}
            Some((worker, Life::Dead)) => {
                let _ = fs::remove_file(&reader);
                has_died |= worker.is_elsewhere();
            }
            Some((worker, _)) => return Err(StoreError::InUse { path: folder.to_path_buf(), worker }),
        }
    }
    Ok(has_died)
}

/// Returns the claims of those who share the run in a folder.
fn readers(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut readers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        match name.as_encoded_bytes().starts_with(READER.as_bytes()) {
            // Beside one that is just released, there is its gate.
            true if lease::is_gate(&name) => lease::forget_gate_without_claim(&entry.path()),
            true => readers.push(entry.path()),
            false => {}
        }
    }
    Ok(readers)
}

/// Keeps the run in a folder as it is for as long as the result lives.
///
/// # Errors
/// Returns an error when a process works on the run.
pub(crate) fn idle(folder: &Path) -> Result<Alone, StoreError> {
    let held = match is_absent(&lock_file(folder)) {
        true => Alone { lease: None, lock: None },
        false => match lock(folder) {
            // Nobody can have locked what is no file.
            Err(error) if error.is_damage() => Alone { lease: None, lock: None },
            held => held?,
        },
    };
    match unfinished(folder)?.held.is_empty() {
        true => Ok(held),
        false => Err(taken(folder)),
    }
}

/// Tries to get the lock, where the file system has locks. Where somebody who is dead had it, the file server may keep it for them.
fn attempts(
    folder: &Path,
    observer: &Observer,
    is_ghost: bool,
    attempt: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if is_ghost => return Ok(()),
            Err(TryLockError::WouldBlock) => observer.pause(PAUSE),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(taken(folder))
}

/// Returns the error that names the process that has signed the lock.
fn taken(folder: &Path) -> StoreError {
    taken_at(folder, &lock_file(folder))
}

/// Returns the error that names the process that has signed a file.
fn taken_at(folder: &Path, file: &Path) -> StoreError {
    let worker = Worker::read(file).unwrap_or_else(Worker::unknown);
    StoreError::InUse { path: folder.to_path_buf(), worker }
}

#[cfg(test)]
mod tests;
