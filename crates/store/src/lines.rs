//! Files of lines that are only ever appended to. Each line is written with one call and has its own checksum.
//!
//! A line is `{"crc32c":"xxxxxxxx","event":{…}}`, where the checksum covers the exact bytes of the event. Whatever a
//! crash, a full disk or a bad sector does to one line, the others can still be read.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;

use cliptune_durable::write_atomic;
use fs_err as fs;
use fs_err::File;
use memchr::memchr_iter;
use serde::Serialize;

use crate::error::StoreError;
use crate::guard::Guard;
use crate::regular::{check, is_absent, read_file};

const HEAD: &[u8] = b"{\"crc32c\":\"";
const MIDDLE: &[u8] = b"\",\"event\":";
/// The number of hexadecimal digits of a checksum.
const DIGITS: usize = 8;

/// A file of lines, open for appending.
///
/// A line that cannot be written, for example on a full disk, is kept and written before the next one.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) file: File,
    /// Whether the file ends in the middle of a line.
    torn: bool,
    /// The lines that are still to be written.
    unwritten: VecDeque<Vec<u8>>,
    /// Says whether they may be.
    guard: Option<Guard>,
}

impl Lines {
    /// Starts a file where none exists yet.
    pub(crate) fn create(path: &Path) -> Result<Self, StoreError> {
        let file = fs::OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Self { file, torn: false, unwritten: VecDeque::new(), guard: None })
    }

    /// Continues a file after whatever is in it, or starts one if none exists. Returns its content, too.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<u8>), StoreError> {
        if !is_absent(path) {
            check(path)?;
        }
        let file = fs::OpenOptions::new().append(true).create(true).open(path)?;
        let mut bytes = read_file(path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut torn = whole < bytes.len();
        // The line that a killed process did not finish is lost, and would be a damaged one in the middle from now on.
        if torn && checked(&bytes[whole..]).is_none() {
            file.set_len(whole as u64)?;
            bytes.truncate(whole);
            torn = false;
        }
        Ok((Self { file, torn, unwritten: VecDeque::new(), guard: None }, bytes))
    }

    /// Writes nothing any more once another process has taken the run over.
    pub(crate) fn guarded_by(self, guard: Option<Guard>) -> Self {
        Self { guard, ..self }
    }

    /// Appends a line with a single write, after the lines that could not be written before.
    ///
    /// # Errors
    /// Returns an error when the file cannot be written. The line is not lost: it is written with the next one, or by
    /// [`sync`](Self::sync).
    pub(crate) fn append(&mut self, content: &impl Serialize) -> Result<(), StoreError> {
        let line = line(content)
            .map_err(|source| StoreError::Json { path: self.file.path().to_path_buf(), source })?;
        self.unwritten.push_back(line);
        self.write()
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.guard.as_ref().map_or(Ok(()), Guard::require)?;
        while let Some(line) = self.unwritten.front() {
            // The next line must not become part of a torn one.
            let start: &[u8] = if self.torn { b"\n" } else { b"" };
            self.torn = true;
            self.file.write_all(&[start, line].concat())?;
            self.torn = false;
            self.unwritten.pop_front();
        }
        Ok(())
    }

    /// Makes all appended lines durable.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.write()?;
        Ok(self.file.sync_data()?)
    }
}

fn line(content: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let content = serde_json::to_vec(content)?;
    let checksum = format!("{:08x}", crc32c::crc32c(&content));
    Ok([HEAD, checksum.as_bytes(), MIDDLE, &content, b"}\n"].concat())
}

/// Returns the lines of a file, without those that are empty.
pub(crate) fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// Gives the content of every line with the right checksum to a function, which tells whether it could read it, and returns the
/// number of lines that cannot be read. A last line without an end is none of them: somebody is writing it, or was killed
/// while doing so.
pub(crate) fn for_each(bytes: &[u8], mut is_read: impl FnMut(&[u8]) -> bool) -> usize {
    let (mut damaged, mut start) = (0, 0);
    for end in memchr_iter(b'\n', bytes) {
        let line = &bytes[start..end];
        start = end + 1;
        let is_intact = line.is_empty() || checked(line).is_some_and(&mut is_read);
        damaged += usize::from(!is_intact);
    }
    checked(&bytes[start..]).map(is_read);
    damaged
}

/// Takes the lines out of a file whose checksums are wrong, and adds them to another one beside it, from which somebody may yet
/// guess what they were. Returns whether there were any.
///
/// # Errors
/// Returns an error when the file cannot be read, or when one of the two cannot be written. No line is lost then.
pub(crate) fn set_damage_aside(path: &Path) -> Result<bool, StoreError> {
    let bytes = read_file(path)?;
    let (whole, damaged): (Vec<&[u8]>, Vec<&[u8]>) = split(&bytes).partition(|line| checked(line).is_some());
    if damaged.is_empty() {
        return Ok(false);
    }
    let joined = |lines: &[&[u8]]| lines.iter().flat_map(|line| [line, b"\n".as_slice()].concat()).collect();
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    let aside = Path::new(&name);
    let before = if is_absent(aside) { Vec::new() } else { read_file(aside)? };
    write_atomic(aside, &[before, joined(&damaged)].concat())?;
    write_atomic(path, &joined(&whole))?;
    Ok(true)
}

/// Returns the content of a line if its checksum is right.
pub(crate) fn checked(line: &[u8]) -> Option<&[u8]> {
    let (checksum, rest) = line.strip_prefix(HEAD)?.split_at_checked(DIGITS)?;
    let content = rest.strip_prefix(MIDDLE)?.strip_suffix(b"}")?;
    let digit = |sum: u32, digit: &u8| Some(sum << 4 | char::from(*digit).to_digit(16)?);
    let expected = checksum.iter().try_fold(0, digit)?;
    (crc32c::crc32c(content) == expected).then_some(content)
}
