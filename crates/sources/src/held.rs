//! Which version of each file a copy has.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cliptune_durable::write_atomic;
use fs_err::{File, OpenOptions};
use serde::{Deserialize, Serialize};

use crate::error::{Result, SourceError};
use crate::listing::Object;
use crate::ranges::Ranges;

/// One line of the list. The last line about a file counts, and a line that was cut short counts for nothing.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    #[serde(flatten)]
    mark: Mark,
}

/// What a file in the cache was made from, and by what it is recognised on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    version: String,
    size: u64,
    /// The time of the last modification, in nanoseconds since the Unix epoch. It is absent while more parts are written:
    /// those that are there stay as they are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    modified: Option<i64>,
    /// The ranges that are there, if not all of the file is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    parts: Option<Ranges>,
}

/// How much of a file is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Whole,
    Parts(Ranges),
}

/// The list of what is there, which grows by a line with each file.
pub(crate) struct Held {
    path: PathBuf,
    known: HashMap<String, Mark>,
    lines: usize,
    file: Mutex<Option<File>>,
}

impl Held {
    /// Reads the list; a missing one is empty.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = match fs_err::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let mut known = HashMap::new();
        let mut lines = 0;
        for line in bytes.split(|byte| *byte == b'\n') {
            lines += 1;
            if let Ok(Line { name, mark }) = serde_json::from_slice(line) {
                known.insert(name, mark);
            }
        }
        Ok(Self { path: path.to_owned(), known, lines, file: Mutex::new(None) })
    }

    /// Returns how much of a file is there in the version of the object, if it is as it was written.
    pub(crate) fn present(&self, name: &str, object: &Object, path: &Path) -> Option<Present> {
        let mark = self.known.get(name)?;
        let is_same = mark.version == version(object, mark.parts.is_some()) && mark.size == object.size;
        let is_known = |time| mark.modified.map_or(mark.parts.is_some(), |known| known == time);
        let is_untouched = || stamp(path).is_some_and(|(size, time)| size == mark.size && is_known(time));
        (is_same && is_untouched()).then(|| mark.parts.clone().map_or(Present::Whole, Present::Parts))
    }

    /// Notes that a file is there, or some parts of it.
    pub(crate) fn note(&self, name: &str, object: &Object, path: &Path, parts: Option<Ranges>) -> Result<()> {
        let (size, modified) = stamp(path).ok_or_else(|| SourceError::Record { path: path.to_owned() })?;
        let modified = Some(modified);
        self.write(name, Mark { version: version(object, parts.is_some()), size, modified, parts })
    }

    /// Notes that more is about to be written into a file that has some parts.
    pub(crate) fn note_growing(&self, name: &str, object: &Object, parts: Ranges) -> Result<()> {
        let version = version(object, true);
        self.write(name, Mark { version, size: object.size, modified: None, parts: Some(parts) })
    }

    fn write(&self, name: &str, mark: Mark) -> Result<()> {
        let line = self.line(&Line { name: name.to_owned(), mark })?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            None => file.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),
        };
        // The line break stands first as well: what a crash has cut short does not spoil this line.
        Ok(file.write_all(format!("\n{line}").as_bytes())?)
    }

    /// Drops lines about former versions once they are most of the list.
    pub(crate) fn tidy(&self) -> Result<()> {
        let now = Self::read(&self.path)?;
        if now.lines < 2 * now.known.len() + 1_000 {
            return Ok(());
        }
        let lines = now.known.into_iter().map(|(name, mark)| self.line(&Line { name, mark }));
        let lines: Vec<String> = lines.collect::<Result<_>>()?;
        Ok(write_atomic(&self.path, lines.join("\n").as_bytes())?)
    }

    fn line(&self, line: &Line) -> Result<String> {
        serde_json::to_string(line).map_err(|_| SourceError::Record { path: self.path.clone() })
    }
}

/// Returns the version that a mark has. A program that knows no parts takes those for another version.
fn version(object: &Object, is_in_parts: bool) -> String {
    if is_in_parts { format!("parts of {}", object.version) } else { object.version.clone() }
}

/// Returns the size and the time of a regular file.
fn stamp(path: &Path) -> Option<(u64, i64)> {
    let metadata = fs_err::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    Some((metadata.len(), modified))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksums::Checksums;

    fn object(version: &str) -> Object {
        let (name, version) = ("a".to_owned(), version.to_owned());
        Object { name, size: 3, version, modified: None, checksums: Checksums::default() }
    }

    #[test]
    fn a_file_is_held_in_one_version_until_it_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (list, path) = (folder.path().join("held.jsonl"), folder.path().join("a"));
        fs_err::write(&path, "one").unwrap();
        Held::read(&list).unwrap().note("a", &object("1"), &path, None).unwrap();
        let held = Held::read(&list).unwrap();
        assert_eq!(held.present("a", &object("1"), &path), Some(Present::Whole));
        assert!(
            held.present("a", &object("2"), &path).is_none()
                && held.present("b", &object("1"), &path).is_none()
        );
        fs_err::write(&path, "on").unwrap();
        assert!(held.present("a", &object("1"), &path).is_none());
    }

    #[test]
    fn a_line_that_was_cut_short_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (list, path) = (folder.path().join("held.jsonl"), folder.path().join("a"));
        fs_err::write(&path, "one").unwrap();
        fs_err::write(&list, "{\"name\":\"a\",\"version\":\"1\"").unwrap();
        let held = Held::read(&list).unwrap();
        assert!(held.present("a", &object("1"), &path).is_none());
        held.note("a", &object("1"), &path, None).unwrap();
        assert_eq!(Held::read(&list).unwrap().present("a", &object("1"), &path), Some(Present::Whole));
    }

    #[test]
    fn the_list_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (list, path) = (folder.path().join("held.jsonl"), folder.path().join("a"));
        fs_err::write(&path, "one").unwrap();
        let held = Held::read(&list).unwrap();
        (0..1_100).for_each(|version| held.note("a", &object(&version.to_string()), &path, None).unwrap());
        held.tidy().unwrap();
        assert_eq!(fs_err::read_to_string(&list).unwrap().lines().count(), 1);
        assert_eq!(Held::read(&list).unwrap().present("a", &object("1099"), &path), Some(Present::Whole));
    }

    #[test]
    fn parts_are_never_taken_for_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let (list, path) = (folder.path().join("held.jsonl"), folder.path().join("a"));
        fs_err::write(&path, "o\0e").unwrap();
        let parts: Ranges = [0..1, 2..3].into_iter().collect();
        Held::read(&list).unwrap().note("a", &object("1"), &path, Some(parts.clone())).unwrap();
        let held = Held::read(&list).unwrap();
        assert_eq!(held.present("a", &object("1"), &path), Some(Present::Parts(parts)));
        assert_eq!(held.present("a", &object("parts of 1"), &path), None);
        // While more is written into the file, its time is another one.
        held.note_growing("a", &object("1"), (0..1).into()).unwrap();
        fs_err::write(&path, "o\0\0").unwrap();
        let growing = Held::read(&list).unwrap().present("a", &object("1"), &path);
        assert_eq!(growing, Some(Present::Parts((0..1).into())));
        // A program that knows no parts reads the version and finds another one.
        let line = fs_err::read_to_string(&list).unwrap();
        assert!(line.contains("\"version\":\"parts of 1\""), "{line}");
        held.note("a", &object("1"), &path, None).unwrap();
        assert_eq!(Held::read(&list).unwrap().present("a", &object("1"), &path), Some(Present::Whole));
    }
}
