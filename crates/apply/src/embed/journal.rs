//! What has been embedded so far, in a folder beside the file that is being made.
//!
//! Inputs are encoded in pieces, a few at a time, and every piece is appended before the next one: its entries to one file, its
//! vectors to another. A piece has the checksum of both, so that a process that is killed loses the piece that it was at. Which
//! inputs make a piece depends on the inputs alone: whoever goes on makes the same pieces, and in the end the same file.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cliptune_durable::{discard, write_atomic};
use cliptune_store::Stamp;
use fs_err as fs;
use fs_err::{File, OpenOptions};
use serde::{Deserialize, Serialize};

use crate::error::ApplyError;

/// The version of the files.
const FORMAT: u32 = 1;
/// The files of the folder.
const JOB: &str = "job.json";
const ENTRIES: &str = "entries.bin";
const VECTORS: &str = "vectors.bin";
/// The most bytes of a piece's entries that are read; more are damage.
const LONGEST: u32 = 1 << 30;
/// The bytes of a checksum.
const CHECKSUM: usize = 32;

/// What a journal's vectors depend on beside the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) kind: super::Kind,
    pub(crate) model_hash: String,
    pub(crate) precision: String,
    /// The versions of all that stands between an input and its vector.
    pub(crate) version: String,
}

/// An input and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The path of an image, or a text.
    pub(crate) name: String,
    /// What tells whether an image has changed since.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) outcome: Outcome,
}

/// What became of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// It has the next vector, and its content this BLAKE3.
    New([u8; CHECKSUM]),
    /// Its content is that of an earlier input, which has the vector of this number, and has this BLAKE3.
    Same(u64, [u8; CHECKSUM]),
    /// It cannot be embedded, for this reason.
    Problem(String),
}

/// Entries with the vectors of those that are new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    entries: Vec<Entry>,
    /// The length of a vector; 0 where there is none.
    columns: u32,
    vectors: [u8; CHECKSUM],
}

/// The folder that a journal lies in.
pub(crate) fn folder_of(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    to.with_file_name(name)
}

/// A journal that this process writes.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    entries: File,
    vectors: File,
    columns: u32,
}

impl Journal {
    /// Opens the journal beside a file, or begins one. Nobody else writes it meanwhile.
    pub(crate) fn open(to: &Path, job: &Job, restart: bool) -> Result<Self, ApplyError> {
        let folder = folder_of(to);
        fs::create_dir_all(&folder)?;
        let file = |name: &str| {
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(folder.join(name))
        };
        let (entries, vectors) = (file(ENTRIES)?, file(VECTORS)?);
        if entries.file().try_lock().is_err() {
            return Err(ApplyError::InUse { path: folder });
        }
        let record = folder.join(JOB);
        if restart {
            entries.set_len(0)?;
            vectors.set_len(0)?;
            discard(&record)?;
        }
        match fs::read(&record) {
            Ok(found) => match serde_json::from_slice::<(u32, Job)>(&found) {
                Ok((FORMAT, found)) if found == *job => {}
                _ => return Err(ApplyError::OtherJob { path: folder }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = serde_json::to_vec(&(FORMAT, job)).map_err(io::Error::from)?;
                write_atomic(&record, &text)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self { folder, entries, vectors, columns: 0 })
    }

    /// Passes the pieces that are whole to `is_still`, in order, as long as it says that their inputs are as they were. What
    /// follows is forgotten; where it cannot say it, nothing is.
    pub(crate) fn resume(
        &mut self,
        mut is_still: impl FnMut(&[Entry]) -> Result<bool, ApplyError>,
    ) -> Result<(), ApplyError> {
        let (mut end, mut vectors_end) = (0, 0);
        let mut reader = Pieces::over(&self.entries, &self.vectors)?;
        while let Some(Whole { entries, columns, vectors }) = reader.next()? {
            if !is_still(&entries)? {
                break;
            }
            self.columns = self.columns.max(columns);
            (end, vectors_end) = (reader.read, vectors_end + vectors);
        }
        self.entries.set_len(end)?;
        self.vectors.set_len(vectors_end)?;
        self.entries.seek(SeekFrom::Start(end))?;
        self.vectors.seek(SeekFrom::Start(vectors_end))?;
        Ok(())
    }

    /// Appends a piece: entries, and the vectors of those that are new.
    pub(crate) fn append(&mut self, entries: Vec<Entry>, columns: usize, values: &[f32]) -> io::Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let columns = if values.is_empty() { 0 } else { columns as u32 };
        self.columns = self.columns.max(columns);
        let piece = Piece { entries, columns, vectors: *blake3::hash(&bytes).as_bytes() };
        let body = postcard::to_allocvec(&piece).map_err(io::Error::other)?;
        let mut record = (body.len() as u32).to_le_bytes().to_vec();
        record.extend(blake3::hash(&body).as_bytes());
        record.extend(body);
        // The vectors first: a piece whose vectors are not whole is none.
        self.vectors.write_all(&bytes)?;
        self.entries.write_all(&record)
    }

    /// Returns the length of a vector; 0 where there is none yet.
    pub(crate) fn columns(&self) -> usize {
        self.columns as usize
    }

    /// Returns all entries, in order.
    pub(crate) fn entries(&self) -> Result<impl Iterator<Item = Result<Entry, ApplyError>>, ApplyError> {
        let mut reader = BufReader::new(File::open(self.folder.join(ENTRIES))?);
        let next = move || read_piece(&mut reader).transpose();
        let entries = std::iter::from_fn(next).flat_map(|piece| match piece {
            Ok((piece, _)) => piece.entries.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(ApplyError::from(error))],
        });
        Ok(entries)
    }

    /// Returns the file of the vectors, one behind the other.
    pub(crate) fn vectors(&self) -> io::Result<File> {
        File::open(self.folder.join(VECTORS))
    }

    /// Leaves the journal for a call that goes on. One without any vector would spare it nothing, and is removed.
    pub(crate) fn leave(self) -> Result<(), ApplyError> {
        match self.vectors.metadata()?.len() {
            0 => self.remove(),
            _ => Ok(()),
        }
    }

    /// Removes the journal, which has become a file.
    pub(crate) fn remove(self) -> Result<(), ApplyError> {
        Ok(discard(&self.folder)?)
    }
}

/// A piece that is as it was written.
struct Whole {
    entries: Vec<Entry>,
    columns: u32,
    /// The number of bytes of its vectors.
    vectors: u64,
}

/// Reads pieces from the beginning, with their vectors, until one is not whole.
struct Pieces {
    entries: BufReader<File>,
    vectors: BufReader<File>,
    /// The number of bytes of the pieces that were read.
    read: u64,
}

impl Pieces {
    fn over(entries: &File, vectors: &File) -> io::Result<Self> {
        let again = |file: &File| {
            let mut file = File::open(file.path())?;
            file.rewind()?;
            Ok::<_, io::Error>(BufReader::new(file))
        };
        Ok(Self { entries: again(entries)?, vectors: again(vectors)?, read: 0 })
    }

    fn next(&mut self) -> io::Result<Option<Whole>> {
        let Ok(Some((piece, length))) = read_piece(&mut self.entries) else { return Ok(None) };
        let new = piece.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::New(_))).count();
        let mut bytes = Vec::new();
        let wanted = new as u64 * u64::from(piece.columns) * size_of::<f32>() as u64;
        (&mut self.vectors).take(wanted).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != wanted || *blake3::hash(&bytes).as_bytes() != piece.vectors {
            return Ok(None);
        }
        self.read += length;
        Ok(Some(Whole { entries: piece.entries, columns: piece.columns, vectors: wanted }))
    }
}

/// Reads a piece, and returns it with its length in bytes, or `None` at the end.
fn read_piece(reader: &mut impl Read) -> io::Result<Option<(Piece, u64)>> {
    let mut head = Vec::new();
    reader.by_ref().take((size_of::<u32>() + CHECKSUM) as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(None);
    }
    let damaged = || io::Error::new(ErrorKind::InvalidData, "the journal is damaged");
    let (length, checksum) = head.split_first_chunk::<{ size_of::<u32>() }>().ok_or_else(damaged)?;
    let length = u32::from_le_bytes(*length);
    let mut body = Vec::new();
    reader.by_ref().take(u64::from(length.min(LONGEST))).read_to_end(&mut body)?;
    if blake3::hash(&body).as_bytes() != checksum || body.len() != length as usize {
        return Err(damaged());
    }
    let piece = postcard::from_bytes(&body).map_err(|_| damaged())?;
    Ok(Some((piece, (head.len() + body.len()) as u64)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embed::Kind;

    fn job(model: &str) -> Job {
        let text = |text: &str| text.to_owned();
        Job { kind: Kind::Images, model_hash: text(model), precision: text("fp32"), version: text("1") }
    }

    /// Returns piece `number`: some new contents, a copy and a problem.
    fn piece(number: usize) -> (Vec<Entry>, Vec<f32>) {
        let new = number % 3;
        let mut outcomes: Vec<Outcome> =
            (0..new).map(|at| Outcome::New([(number * 3 + at) as u8; 32])).collect();
        outcomes.push(Outcome::Same(0, [0; 32]));
        outcomes.push(Outcome::Problem(format!("broken {number}")));
        let entry = |outcome| Entry { name: format!("{number}.png"), stamp: None, outcome };
        (outcomes.into_iter().map(entry).collect(), vec![number as f32; 2 * new])
    }

    fn append(journal: &mut Journal, pieces: std::ops::Range<usize>) {
        for number in pieces {
            let (entries, values) = piece(number);
            journal.append(entries, 2, &values).unwrap();
        }
    }

    fn files(to: &Path) -> [Vec<u8>; 2] {
        [ENTRIES, VECTORS].map(|name| fs::read(folder_of(to).join(name)).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whoever_goes_on_after_a_kill_at_any_byte_makes_the_same_journal(
            pieces in 1_usize..12, entries_cut in 0.0..1.0_f64, vectors_cut in 0.0..1.0_f64,
        ) {
            let root = tempfile::tempdir().unwrap();
            let to = root.path().join("e.parquet");
            append(&mut Journal::open(&to, &job("a"), false).unwrap(), 0..pieces);
            let whole = files(&to);
            for (name, cut) in [(ENTRIES, entries_cut), (VECTORS, vectors_cut)] {
                let path = folder_of(&to).join(name);
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..(bytes.len() as f64 * cut) as usize]).unwrap();
            }
            let mut journal = Journal::open(&to, &job("a"), false).unwrap();
            let mut kept = 0;
            journal.resume(|entries| {
                assert_eq!(entries, piece(kept).0);
                kept += 1;
                Ok(true)
            }).unwrap();
            append(&mut journal, kept..pieces);
            prop_assert_eq!(files(&to), whole);
        }
    }

    #[test]
    fn what_follows_an_input_that_has_changed_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("e.parquet");
        append(&mut Journal::open(&to, &job("a"), false).unwrap(), 0..9);
        let mut journal = Journal::open(&to, &job("a"), false).unwrap();
        let mut asked = 0;
        journal
            .resume(|_| {
                asked += 1;
                Ok(asked <= 4)
            })
            .unwrap();
        let left: Vec<Entry> = journal.entries().unwrap().map(Result::unwrap).collect();
        assert_eq!(left, (0..4).flat_map(|number| piece(number).0).collect::<Vec<_>>());
    }

    #[test]
    fn inputs_that_cannot_be_read_again_cost_nothing_of_what_was_made() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("e.parquet");
        append(&mut Journal::open(&to, &job("a"), false).unwrap(), 0..6);
        let whole = files(&to);
        let mut journal = Journal::open(&to, &job("a"), false).unwrap();
        let mut asked = 0;
        let failed = journal.resume(|_| {
            asked += 1;
            if asked < 3 { Ok(true) } else { Err(io::Error::other("the disk is away").into()) }
        });
        assert!(failed.is_err());
        journal.leave().unwrap();
        assert_eq!(files(&to), whole);
    }

    #[test]
    fn a_journal_without_vectors_is_not_left() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("e.parquet");
        let mut journal = Journal::open(&to, &job("a"), false).unwrap();
        append(&mut journal, 0..1);
        journal.leave().unwrap();
        assert!(!folder_of(&to).exists());
    }

    #[test]
    fn a_journal_belongs_to_one_process_and_one_model() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("e.parquet");
        let held = Journal::open(&to, &job("a"), false).unwrap();
        assert!(matches!(Journal::open(&to, &job("a"), false), Err(ApplyError::InUse { .. })));
        drop(held);
        assert!(matches!(Journal::open(&to, &job("b"), false), Err(ApplyError::OtherJob { .. })));
        assert!(Journal::open(&to, &job("a"), false).is_ok(), "nothing was harmed");
        assert!(Journal::open(&to, &job("b"), true).is_ok());
    }

    #[test]
    fn a_changed_byte_ends_what_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("e.parquet");
        append(&mut Journal::open(&to, &job("a"), false).unwrap(), 0..6);
        let path = folder_of(&to).join(VECTORS);
        let mut bytes = fs::read(&path).unwrap();
        // The vectors of pieces 1, 2, 4 and 5 take 8, 16, 8 and 16 bytes.
        bytes[8] ^= 1;
        fs::write(&path, bytes).unwrap();
        let mut journal = Journal::open(&to, &job("a"), false).unwrap();
        let mut kept = 0;
        journal
            .resume(|_| {
                kept += 1;
                Ok(true)
            })
            .unwrap();
        assert_eq!(kept, 2);
    }
}
