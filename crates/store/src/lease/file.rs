//! The file of a claim, which its holder writes and nobody else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cliptune_durable::{parent, unfinished_prefix};
use fs_err as fs;
use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use super::note::{Note, Read};
use super::process::{Machine, token};
use crate::error::StoreError;

/// A file that says who this process is.
#[derive(Debug)]
pub(super) struct Own {
    file: File,
    note: Note,
    beats: AtomicU64,
    /// The name that it has until it has that of a claim.
    staged: Option<Staged>,
}

#[derive(Debug)]
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Own {
    /// Writes a file beside a claim, under a name that no reader looks for.
    pub(super) fn beside(path: &Path, machine: &dyn Machine) -> Result<Self, StoreError> {
        let token = token();
        let staged = parent(path).join(format!("{}{token}", unfinished_prefix()));
        let (file, is_locked) = made(&staged)?;
        // Through a file system that passes no locks on, others see none of this one.
        let is_locked = is_locked && machine.is_local(&staged);
        let note = Note::new(machine.worker(), machine.process(), token, is_locked);
        let own = Self { file, note, beats: AtomicU64::new(0), staged: Some(Staged(staged)) };
        own.file.write_all_at(&own.content(), 0)?;
        flushed(&own.file)?;
        Ok(own)
    }

    /// Takes away the name that the file had before.
    pub(super) fn settled(mut self) -> Self {
        self.staged = None;
        self
    }

    /// Returns what the file says now.
    pub(super) fn content(&self) -> Vec<u8> {
        self.note.after(self.beats.load(Ordering::Relaxed))
    }

    /// Checks whether a claim that has this content is this file.
    pub(super) fn is_in(&self, content: &[u8]) -> bool {
        Read::from(content).token() == Some(self.note.token())
    }

    /// Gives the file another name, and returns whether it could: nobody has that name yet.
    pub(super) fn link_to(&mut self, path: &Path) -> Result<bool, StoreError> {
        let Some(Staged(staged)) = &self.staged else { return Ok(false) };
        match fs::hard_link(staged, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) if has_no_links(&error) => self.write_to(path),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the file under another name where a file cannot have two. For a moment, it says nothing there.
    fn write_to(&mut self, path: &Path) -> Result<bool, StoreError> {
        let (file, _) = match made(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            made => made?,
        };
        self.note.is_locked = false;
        if let Err(error) = file.write_all_at(&self.content(), 0).and_then(|()| flushed(&file)) {
            let _ = fs::remove_file(path);
            return Err(error.into());
        }
        self.file = file;
        Ok(true)
    }

    /// Makes the gate of a claim that this process holds. There is one already where somebody is taking the claim over.
    pub(super) fn passes(&self, path: &Path, gate: &Path) -> io::Result<()> {
        match fs::hard_link(path, gate) {
            Err(error) if has_no_links(&error) => {
                // Whoever cannot read it, waits longer.
                made(gate).map(|(file, _)| drop(file.write_all_at(&self.content(), 0)))
            }
            linked => linked,
        }
    }

    /// Renews the claim, in its place. After somebody has taken it over, the file has no name any more, and nobody sees it. What
    /// cannot be written is seen by nobody either, and is tried again.
    pub(super) fn beat(&self) {
        let beats = self.beats.fetch_add(1, Ordering::Relaxed) + 1;
        let _ = self.file.write_all_at(&self.note.after(beats), 0).and_then(|()| flushed(&self.file));
    }
}

/// Makes a file that nobody else has made, locks it, and returns whether it could. Earlier versions know nothing but the lock; where the
/// file system has no locks, or somebody looks just then whether it is locked, it goes without.
fn made(path: &Path) -> io::Result<(File, bool)> {
    let file = fs::OpenOptions::new().create_new(true).read(true).write(true).open(path)?;
    let is_locked = file.file().try_lock().is_ok();
    Ok((file, is_locked))
}

/// Hands to the file server what was written. Clients of NFS do so whenever a file is closed, be it a copy of the handle; the disk
/// need not be waited for.
fn flushed(file: &File) -> io::Result<()> {
    file.try_clone().map(drop)
}

/// Checks whether an error of `link` means that a file cannot have two names here.
fn has_no_links(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), PermissionDenied | TooManyLinks | Unsupported)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::super::simulated::Hosts;
    use super::*;

    #[test]
    fn where_a_file_cannot_have_two_names_one_gets_the_claim_all_the_same() {
        let (folder, hosts) = (tempfile::tempdir().unwrap(), Hosts::default());
        let path = folder.path().join("claim");
        let own = |name: &str| Own::beside(&path, hosts.host(name).machine()).unwrap();
        let (mut one, mut other) = (own("one"), own("other"));
        assert!(one.write_to(&path).unwrap());
        assert!(!other.write_to(&path).unwrap());
        let content = fs::read(&path).unwrap();
        assert!(one.is_in(&content) && !other.is_in(&content));
        one.beat();
        assert_ne!(fs::read(&path).unwrap(), content, "what has the name is renewed");
        drop((one.settled(), other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the claim is left");
    }

    #[test]
    fn that_a_file_cannot_have_two_names_is_told_from_other_trouble() {
        for number in [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK] {
            assert!(has_no_links(&io::Error::from(number)), "{number:?}");
        }
        for number in [Errno::EXIST, Errno::IO, Errno::NOSPC, Errno::NOENT] {
            assert!(!has_no_links(&io::Error::from(number)), "{number:?}");
        }
    }
}
