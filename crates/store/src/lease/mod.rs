//! Claims that hold on a file system that several hosts share, whether or not its locks reach them all.
//!
//! A claim is a file. Whoever wants it writes a file of its own beside it and gives that the claim's name with `link`, which a file
//! server does for one of many at once. The file says who its holder is, and the holder changes a number in it every few seconds.
//!
//! Whoever finds the name taken judges the holder ([`observer`]): by the kernel where both run on the same one, by whether the number
//! changes otherwise. A dead holder's claim is taken over in two steps. The first is a claim of its own, the gate: there is one for
//! each claim that was ever made, so that one alone of those who have seen the same holder die has the right to go on. The second
//! makes sure that the claim is still that of the dead one, takes it away, and makes one like everybody else. Who releases a claim
//! passes through its gate as well. A holder of a gate that dies in between is taken over in the same way, through the gate's own gate.
//!
//! A process that stood still for longer than a holder may be silent, and lives after all, finds another claim in the place of its
//! own: [`Lease::is_mine`] tells it before it writes anything more.

mod beat;
mod file;
mod note;
mod observer;
mod process;
#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cliptune_durable::parent;
use fs_err as fs;

pub(crate) use observer::{Life, Observer};

use crate::error::StoreError;
use crate::regular::{is_absent, is_nothing, read_file};
use crate::worker::Worker;
use beat::Beat;
use file::Own;
use note::Read;

/// What stands between the name of a claim and what its gate is called by.
const GATE: &str = ".after-";

/// A claim that this process holds for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lease {
    path: PathBuf,
    own: Arc<Own>,
    /// Renews the claim; `None` where nobody does but whoever made it.
    _beat: Option<Beat>,
    observer: Arc<Observer>,
}

/// The result of an attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The claim is this process's, which has taken it over from one that is dead, if there is one.
    Mine(Lease, Option<Left>),
    /// Somebody else has it, of whom it may not be known whether it lives.
    Taken(Worker, Life),
}

/// A holder that has died.
#[derive(Debug)]
pub(crate) struct Left {
    /// Who it was.
    pub(crate) worker: Worker,
    /// What says so.
    pub(crate) evidence: Evidence,
}

/// What says that a holder has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// It has ended, for certain.
    End,
    /// It has given no sign of life for as long as a holder may be silent.
    Silence,
    /// Nothing that counts for much: it is of an earlier version, which could give no sign.
    Nothing,
}

impl Left {
    /// Reads who it was; `None` where nobody can tell.
    fn of(content: &[u8], is_certain: bool) -> Option<Self> {
        let read = Read::from(content);
        let evidence = match &read {
            Read::Nothing => return None,
            _ if is_certain => Evidence::End,
            Read::Note(_) => Evidence::Silence,
            Read::Early(_) => Evidence::Nothing,
        };
        Some(Self { worker: read.worker(), evidence })
    }
}

/// Who has a name, after an attempt to get it.
enum Place {
    Mine(Option<Left>),
    Taken(Worker, Life),
}

/// Tries to get a claim, without waiting for anybody.
///
/// # Errors
/// Returns an error when the claim cannot be read or written.
pub(crate) fn attempt(path: &Path, observer: &Arc<Observer>) -> Result<Attempt, StoreError> {
    // Nothing is written where there is nothing to get.
    if let Some((worker, life)) = look(path, observer)?.filter(|(_, life)| *life != Life::Dead) {
        return Ok(Attempt::Taken(worker, life));
    }
    let mut own = Own::beside(path, observer.machine())?;
    Ok(match place(&mut own, path, observer)? {
        Place::Mine(left) => {
            forget_gates(path, &own);
            Attempt::Mine(Lease::new(path.to_path_buf(), own, observer), left)
        }
        Place::Taken(worker, life) => Attempt::Taken(worker, life),
    })
}

/// Says who has a claim, and whether they live; `None` where nobody has it.
///
/// # Errors
/// Returns an error when the claim cannot be read.
pub(crate) fn look(path: &Path, observer: &Observer) -> Result<Option<(Worker, Life)>, StoreError> {
    let content = content(path)?;
    if content.is_none() {
        observer.forget(path);
    }
    Ok(content.map(|content| (Read::from(&content).worker(), observer.judge(path, &content))))
}

/// Gives a file of this process the name of a claim, unless that is the claim of somebody who may live.
fn place(own: &mut Own, path: &Path, observer: &Observer) -> Result<Place, StoreError> {
    loop {
        if own.link_to(path)? {
            return Ok(Place::Mine(None));
        }
        let Some(there) = content(path)? else { continue };
        if own.is_in(&there) {
            // It got the name, and the answer of the file server was lost.
            return Ok(Place::Mine(None));
        }
        let proof = observer.proof(path, &there);
        match proof.unwrap_or_else(|| observer.watch_process(path, &there)) {
            Life::Dead => {}
            life => return Ok(Place::Taken(Read::from(&there).worker(), life)),
        }
        let gate = gate(path, &there);
        if let taken @ Place::Taken(..) = place(own, &gate, observer)? {
            return Ok(taken);
        }
        if replaced(path, &there, &gate, own)? {
            observer.forget(path);
            return Ok(Place::Mine(Left::of(&there, proof.is_some())));
        }
    }
}

/// Puts the file in the place of a dead claim, if that is there still, and lets go of the gate. Nobody else can have taken the dead
/// claim away who has not held the gate, and nobody has the name after that but by `link`: a rename onto it would replace whoever is
/// faster, because NFS moves away a file that somebody has open before it gives its name to another one.
fn replaced(path: &Path, dead: &[u8], gate: &Path, own: &mut Own) -> Result<bool, StoreError> {
    let is_there = content(path).map(|there| there.as_deref() == Some(dead));
    let replaced = match is_there {
        Ok(true) => remove(path).and_then(|()| own.link_to(path)),
        other => other,
    };
    let _ = fs::remove_file(gate);
    replaced
}

/// Returns the gate of the claim that has this content.
fn gate(path: &Path, content: &[u8]) -> PathBuf {
    let read = Read::from(content);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let claim = name_of_claim(&name);
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes()).update(b"\n").update(read.token().map_or(content, str::as_bytes));
    path.with_file_name(format!("{claim}{GATE}{}", &hasher.finalize().to_hex()[..32]))
}

/// Returns what a claim says; `None` where there is none.
fn content(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match read_file(path) {
        Ok(content) => Ok(Some(content)),
        // It was replaced on another host while it was read here: what has its name now is another one.
        Err(StoreError::Io(error)) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => {
            read_file(path).map(Some).or_else(|error| if is_absent(path) { Ok(None) } else { Err(error) })
        }
        Err(StoreError::Io(error)) if is_nothing(&error) => Ok(None),
        Err(_) if is_absent(path) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the name of the claim that a gate is of, or that of the claim itself.
fn name_of_claim(name: &str) -> &str {
    name.split(GATE).next().unwrap_or_default()
}

/// Removes the gates of earlier claims of a name that this process has now. They were left by processes that were killed at the very
/// end of a takeover or a release. Whoever passes through one of them just now finds this claim, and goes back.
fn forget_gates(path: &Path, own: &Own) {
    let (beginning, kept) = (beside(path, GATE), gate(path, &own.content()));
    let beginning = beginning.file_name().unwrap_or_default().as_encoded_bytes();
    let entries = fs::read_dir(parent(path)).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(beginning)) {
        if entry.file_name() != kept.file_name().unwrap_or_default() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes a gate if the claim that it is of is there no more, for claims of names that nobody has again.
pub(crate) fn forget_gate_without_claim(gate: &Path) {
    let name = gate.file_name().unwrap_or_default().to_string_lossy();
    if is_absent(&gate.with_file_name(name_of_claim(&name))) {
        let _ = fs::remove_file(gate);
    }
}

/// Checks whether a name is that of a gate.
pub(crate) fn is_gate(name: &OsStr) -> bool {
    name.to_string_lossy().contains(GATE)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Checks whether an error means that nothing more can be written. Then no claim can be made, and whoever makes room needs none.
pub(crate) fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Io(error) if has_no_room(error))
}

fn has_no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
}

/// Returns the name of a file with something behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

impl Lease {
    fn new(path: PathBuf, own: Own, observer: &Arc<Observer>) -> Self {
        let own = Arc::new(own.settled());
        let beat = observer.machine().beats().then(|| Beat::begin(&own)).flatten();
        Self { path, own, _beat: beat, observer: Arc::clone(observer) }
    }

    /// Makes a claim of a name that nobody else can have: it holds nothing but the evidence that this process lives.
    ///
    /// # Errors
    /// Returns an error when nothing can be written into the folder.
    pub(crate) fn of_its_own(
        folder: &Path,
        prefix: &str,
        observer: &Arc<Observer>,
    ) -> Result<Self, StoreError> {
        let path = folder.join(format!("{prefix}{}", process::token()));
        let mut own = Own::beside(&path, observer.machine())?;
        // What has the name of a random token can only be this file.
        own.link_to(&path)?;
        Ok(Self::new(path, own, observer))
    }

    /// Returns the claim as that of another path, where its file has been moved to, or is about to be.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Says that the file has been moved by the folder that it lies in.
    pub(crate) fn moved_to(&mut self, path: &Path) {
        path.clone_into(&mut self.path);
    }

    /// Checks whether nobody has taken the claim over. Returns who has it otherwise, as far as it is known. A file system that does
    /// not answer for a moment is no evidence.
    pub(crate) fn is_mine(&self) -> Result<(), Worker> {
        match content(&self.path) {
            Ok(Some(there)) if self.own.is_in(&there) => Ok(()),
            Ok(Some(there)) => Err(Read::from(&there).worker()),
            Ok(None) => Err(Worker::unknown()),
            Err(_) => Ok(()),
        }
    }

    /// Shows that this process lives.
    #[cfg(test)]
    fn beat(&self) {
        self.own.beat();
    }

    /// Gives the claim back, unless somebody has taken it over or is about to. Whoever holds the gate decides.
    fn release(&self) {
        let gate = gate(&self.path, &self.own.content());
        if self.is_mine().is_err() {
            return;
        }
        // The answer of the file server may have been lost.
        let is_through = || matches!(content(&gate), Ok(Some(there)) if self.own.is_in(&there));
        let passed = self.own.passes(&self.path, &gate);
        let passed = passed.or_else(|error| if is_through() { Ok(()) } else { Err(error) });
        // Where there is no room for a gate, nobody else has made one either, and the claim is not to stay for as long as this process
        // lives.
        if passed.as_ref().is_err_and(|error| !has_no_room(error)) {
            return;
        }
        // Between the look and the gate, somebody may have been through it.
        if self.is_mine().is_ok() {
            let _ = fs::remove_file(&self.path);
        }
        if passed.is_ok() {
            let _ = fs::remove_file(&gate);
        }
        self.observer.forget(&self.path);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
    }
}
