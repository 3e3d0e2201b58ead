//! What a claim says: who has made it, and how often it was renewed.

use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::worker::Worker;

/// The content of a claim. Earlier versions wrote, and read, the fields of the worker alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(flatten)]
    worker: Worker,
    pub(super) process: Process,
    /// What tells the claim from every other one.
    token: String,
    /// Whether its holder has locked the file, on a local disk, for as long as it lives.
    pub(super) is_locked: bool,
    /// How often it was renewed. It always has the same number of digits, so that a claim is renewed in its place.
    beat: String,
}

impl Note {
    pub(super) fn new(worker: Worker, process: Process, token: String, is_locked: bool) -> Self {
        Self { worker, process, token, is_locked, beat: digits(0) }
    }

    /// Returns the content that a claim has after it was renewed some times.
    pub(super) fn after(&self, beats: u64) -> Vec<u8> {
        // Texts and numbers alone cannot fail to become JSON.
        serde_json::to_vec(&Self { beat: digits(beats), ..self.clone() }).unwrap_or_default()
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

fn digits(beats: u64) -> String {
    format!("{beats:020}")
}

/// What can be read of a claim.
#[derive(Debug)]
pub(super) enum Read {
    /// It is as this version writes it.
    Note(Box<Note>),
    /// It was written by an earlier version, which renews nothing.
    Early(Worker),
    /// It is empty or damaged: whoever wrote it may have been killed meanwhile.
    Nothing,
}

impl Read {
    pub(super) fn from(content: &[u8]) -> Self {
        let note = serde_json::from_slice(content).map(|note| Self::Note(Box::new(note)));
        let early = || serde_json::from_slice(content).map(Self::Early);
        note.or_else(|_| early()).unwrap_or(Self::Nothing)
    }

    pub(super) fn worker(self) -> Worker {
        match self {
            Self::Note(note) => note.worker,
            Self::Early(worker) => worker,
            Self::Nothing => Worker::unknown(),
        }
    }

    pub(super) fn process(&self) -> Option<Process> {
        match self {
            Self::Note(note) => Some(note.process.clone()),
            _ => None,
        }
    }

    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Note(note) => Some(&note.token),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        let (boot, space, machine) = ("b".to_owned(), "s".to_owned(), "m".to_owned());
        let process = Process { boot, space, pid: 7, start: 9, machine };
        Note::new(Worker::this(), process, "token".to_owned(), true)
    }

    #[test]
    fn a_claim_keeps_its_length_however_often_it_is_renewed() {
        let lengths = [0, 9, 10, u64::MAX].map(|beats| note().after(beats).len());
        assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
    }

    #[test]
    fn versions_read_each_other() {
        let content = note().after(3);
        let early: Worker = serde_json::from_slice(&content).unwrap();
        assert_eq!(early, Read::from(&content).worker());
        let read = Read::from(&early.note());
        assert!(matches!(read, Read::Early(_)) && read.process().is_none());
        assert_eq!(read.worker(), early);
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let content = note().after(3);
        for torn in [&b""[..], b"garbage", &content[..20]] {
            assert!(matches!(Read::from(torn), Read::Nothing));
        }
        assert_eq!(Read::from(&content).token(), Some("token"));
    }
}
