//! Content hashes of files, remembered between calls.
//!
//! A file counts as unchanged while its size, its times and its inode stay the same. make, git and rsync rely on
//! this, too. As in git, the hash of a file that changed a moment ago is not remembered, because the file could
//! change again within the same tick of the file system's clock.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fs_err::File;
use rayon::prelude::*;
use rustix::fs::{AtFlags, Stat, statat};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::compact::{read_compact, write_compact};
use crate::error::StoreError;
use crate::image_files::FileNames;
use crate::image_identity::{modification_time, nanoseconds};
use crate::packed::Place;
use crate::reading::ReadFile;
use crate::unread::{ContentHash, Unread};

/// The largest number of files that one thread reads while others may have nothing left to do.
const TOGETHER: usize = 32;

/// The longest tick that a file system's clock is assumed to have.
const TICK: Duration = Duration::from_millis(20);

/// The size and the BLAKE3 of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) size: u64,
    pub(crate) hash: [u8; HASH],
}

impl Digest {
    /// Returns the hash in 64 hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }
}

/// The properties of a file that tell, without reading it, whether it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub(crate) size: u64,
    /// The time of the last modification, in nanoseconds since the Unix epoch.
    pub(crate) modified: i64,
    /// The time of the inode's last change, in the same unit. It moves even when a file is given an old `modified`.
    changed: i64,
    inode: u64,
}

impl Stamp {
    /// Returns the stamp of a file of the store, or `None` where there is none.
    pub fn of_file(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|file| Self::from_metadata(&file, file.len()))
    }

    /// Returns the stamp of an image, with its own size where it lies within another file, or `None` where there is none.
    pub fn of_image(path: &Path) -> Option<Self> {
        Self::of(path).ok()
    }

    /// Returns the stamps of files below a folder, each `None` where there is none. They are asked for relative to the open
    /// folder, because the way to the folder is most of a path.
    pub fn of_files<'n>(folder: &Path, names: impl Iterator<Item = &'n str>) -> Vec<Option<Self>> {
        names.map(Self::below(folder)).collect()
    }

    /// Returns the stamps of files directly in a folder, by paths that end with their names, or `None` where one of them
    /// cannot be asked for any more.
    pub(crate) fn of_all(folder: &Path, paths: &[String]) -> Option<Vec<Self>> {
        let below = Self::below(folder);
        let stamp = |path: &String| below(path.rsplit('/').next()?);
        paths.par_iter().with_min_len(64).map(stamp).collect()
    }

    /// Opens a folder to ask for the stamps of files by their paths below it.
    fn below(folder: &Path) -> impl Fn(&str) -> Option<Self> {
        let opened = File::open(folder).ok();
        move |name| statat(opened.as_ref()?, name, AtFlags::empty()).ok().map(|file| Self::from_stat(&file))
    }

    /// Returns bytes that no other stamp has.
    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let Self { size, modified, changed, inode } = self;
        let mut bytes = [0; 32];
        let numbers =
            [size.to_le_bytes(), modified.to_le_bytes(), changed.to_le_bytes(), inode.to_le_bytes()];
        bytes.copy_from_slice(numbers.as_flattened());
        bytes
    }

    /// Returns the number of bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns whether the file had settled at a moment that [`settled`] gave: what was read of it since then is its content
    /// for as long as its stamp stays.
    pub fn is_settled(&self, before: i64) -> bool {
        self.latest() < before
    }

    /// Returns the time of the last change of any kind, in nanoseconds since the Unix epoch.
    pub(crate) fn latest(&self) -> i64 {
        self.changed.max(self.modified)
    }

    fn of(path: &Path) -> Result<Self, StoreError> {
        let (file, size) = Place::of(path).measure()?;
        Ok(Self::from_metadata(&file, size))
    }

    #[allow(clippy::unnecessary_cast, reason = "the types of these fields differ between systems")]
    fn from_stat(file: &Stat) -> Self {
        Self {
            size: file.st_size as u64,
            modified: nanoseconds(file.st_mtime as i64, file.st_mtime_nsec as i64),
            changed: nanoseconds(file.st_ctime as i64, file.st_ctime_nsec as i64),
            inode: file.st_ino as u64,
        }
    }

    fn from_metadata(file: &std::fs::Metadata, size: u64) -> Self {
        Self {
            size,
            modified: modification_time(file),
            changed: nanoseconds(file.ctime(), file.ctime_nsec()),
            inode: file.ino(),
        }
    }
}

/// Returns the stamps of files, in their order: those that their listing has, or else those of now.
pub(crate) fn stamps(files: &FileNames) -> Result<Cow<'_, [Stamp]>, StoreError> {
    if let Some(stamps) = &files.stamps {
        return Ok(Cow::Borrowed(stamps));
    }
    let is_within = matches!(Place::of(&files.folder.join("file")), Place::Within { .. });
    let below = Stamp::below(&files.folder);
    let stamp = |name: &String| {
        let stamp = (!is_within && Place::is_plainly_a_file(name)).then(|| below(name)).flatten();
        // What cannot be asked for is an error that names the whole path.
        stamp.map_or_else(|| Stamp::of(&files.folder.join(name)), Ok)
    };
    files.relative.par_iter().map(stamp).collect::<Result<_, _>>().map(Cow::Owned)
}

/// Returns the time before which a file must have changed for its content to be remembered.
pub fn settled() -> i64 {
    let before = SystemTime::now().checked_sub(TICK);
    let before = before.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    before.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(i64::MIN)
}

/// The version of the cache's files.
const FORMAT: u32 = 4;

/// What ends a name among other names. No name has it.
const END: char = '\0';

/// The content of `cache/digests-<hash>.bin`: columns with an entry for each file. Where nothing has changed they are as they
/// are now, in the same order, which is found out without looking any file up.
#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    /// The names of the files, each with its [`END`].
    names: String,
    stamps: Vec<Stamp>,
    hashes: Hashes,
}

/// The hashes of files, which are stored as one run of bytes.
#[derive(Default)]
struct Hashes(Vec<[u8; HASH]>);

/// The number of bytes of a hash.
const HASH: usize = 32;

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_flattened())
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Run;
        impl Visitor<'_> for Run {
            type Value = Hashes;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("whole hashes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Hashes, E> {
                match bytes.as_chunks() {
                    (hashes, []) => Ok(Hashes(hashes.to_vec())),
                    _ => Err(E::invalid_length(bytes.len(), &self)),
                }
            }
        }
        deserializer.deserialize_bytes(Run)
    }
}

impl Remembered {
    /// Checks whether these files are the remembered ones, none of which has changed.
    fn is_of(&self, files: &FileNames, stamps: &[Stamp]) -> bool {
        let mut rest = self.names.as_str();
        let mut is_next = |name: &String| {
            let after = rest.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix(END));
            after.inspect(|after| rest = after).is_some()
        };
        self.stamps == stamps
            && self.hashes.0.len() == stamps.len()
            && files.relative.iter().all(&mut is_next)
            && rest.is_empty()
    }

    /// Returns the remembered hash of each file that has not changed.
    fn kept(&self, files: &FileNames, stamps: &[Stamp]) -> Vec<Option<[u8; HASH]>> {
        let known = self.names.split_terminator(END).zip(self.stamps.iter().zip(&self.hashes.0));
        let known: HashMap<&str, (&Stamp, &[u8; HASH])> = known.collect();
        let hash = |(name, stamp): (&String, &Stamp)| {
            known.get(name.as_str()).filter(|(known, _)| *known == stamp).map(|(_, hash)| **hash)
        };
        files.relative.iter().zip(stamps).map(hash).collect()
    }

    fn push(&mut self, name: &str, stamp: Stamp, hash: [u8; HASH]) {
        self.names.push_str(name);
        self.names.push(END);
        self.stamps.push(stamp);
        self.hashes.0.push(hash);
    }
}

/// Returns the file of a cache about a subject.
pub(crate) fn cache_file(cache: &Path, kind: &str, subject: &str) -> PathBuf {
    cache.join(format!("{kind}-{}.bin", &blake3::hash(subject.as_bytes()).to_hex()[..16]))
}

/// What is remembered of the files of a subject.
pub(crate) struct Memory {
    file: PathBuf,
    remembered: Remembered,
}

impl Memory {
    /// Recalls what was remembered when the files of the subject were last hashed.
    pub(crate) fn recall(cache: &Path, subject: &str) -> Self {
        let file = cache_file(cache, "digests", subject);
        let remembered = read_compact(&file, FORMAT).unwrap_or_default();
        Self { file, remembered }
    }

    /// Hashes files in parallel. Only those that have changed since the last time are given to `read`.
    ///
    /// Progress is in bytes, and is only reported when there is something to read.
    pub(crate) fn digests(
        self,
        files: &FileNames,
        read: &ReadFile<'_>,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<Digest>, StoreError> {
        self.digests_before(settled(), files, read, on_progress)
    }

    /// Does the same, and remembers the hashes of files that changed before `settled`.
    fn digests_before(
        self,
        settled: i64,
        files: &FileNames,
        read: &ReadFile<'_>,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<Digest>, StoreError> {
        let Self { file, remembered } = self;
        let stamps = stamps(files)?;
        let digests = |hashes: Vec<[u8; HASH]>| {
            stamps.iter().zip(hashes).map(|(stamp, hash)| Digest { size: stamp.size, hash }).collect()
        };
        if remembered.is_of(files, &stamps) {
            return Ok(digests(remembered.hashes.0));
        }
        let hashes = hashes(&remembered.kept(files, &stamps), files, &stamps, read, on_progress)?;
        let mut now = Remembered::default();
        for ((name, stamp), hash) in files.relative.iter().zip(&*stamps).zip(&hashes) {
            if stamp.is_settled(settled) {
                now.push(name, *stamp, *hash);
            }
        }
        write_compact(&file, FORMAT, &now);
        Ok(digests(hashes))
    }
}

/// Returns the hashes of files: those that are known, and of the rest what `read` says.
fn hashes(
    known: &[Option<[u8; HASH]>],
    files: &FileNames,
    stamps: &[Stamp],
    read: &ReadFile<'_>,
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<[u8; HASH]>, StoreError> {
    let unknown = known.iter().zip(stamps).filter(|(known, _)| known.is_none());
    let (done, total) = (AtomicU64::new(0), unknown.map(|(_, stamp)| stamp.size).sum());
    let hash = |at: usize| match known[at] {
        Some(hash) => Ok(hash),
        None => {
            let (path, size) = (files.folder.join(&files.relative[at]), stamps[at].size);
            let ContentHash(hash) = read(Unread::new(path, size))?;
            on_progress(done.fetch_add(size, Ordering::Relaxed) + size, total);
            Ok(hash)
        }
    };
    (0..known.len()).into_par_iter().with_max_len(TOGETHER).map(hash).collect()
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    /// What settled files changed before.
    const LONG_AGO: i64 = i64::MAX;

    fn read_before(settled: i64, cache: &Path, path: &Path) -> ([u8; 32], u64) {
        let bytes = AtomicU64::new(0);
        let count = |done: u64, _| bytes.store(done, Ordering::Relaxed);
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = FileNames::new(path.parent().unwrap().to_owned(), vec![name]);
        let memory = Memory::recall(cache, "images");
        let digests = memory.digests_before(settled, &files, &Unread::hash, &count).unwrap();
        (digests[0].hash, bytes.load(Ordering::Relaxed))
    }

    fn read(cache: &Path, path: &Path) -> ([u8; 32], u64) {
        read_before(LONG_AGO, cache, path)
    }

    #[test]
    fn a_file_is_read_once_and_again_after_any_change() {
        let root = tempfile::tempdir().unwrap();
        let (cache, path) = (root.path().join("cache"), root.path().join("1.png"));
        fs::write(&path, "one").unwrap();
        let (one, bytes) = read(&cache, &path);
        assert_eq!(bytes, 3);
        assert_eq!(read(&cache, &path), (one, 0));

        // Another file takes its place, with the same size and modification time, as after `cp -p`.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let other = root.path().join("2.png");
        fs::write(&other, "two").unwrap();
        fs::File::options().write(true).open(&other).unwrap().file().set_modified(modified).unwrap();
        fs::rename(&other, &path).unwrap();
        let (two, bytes) = read(&cache, &path);
        assert_eq!(bytes, 3);
        assert_ne!(one, two);
    }

    #[test]
    fn only_the_files_that_are_new_or_have_changed_are_read() {
        let root = tempfile::tempdir().unwrap();
        let names = |numbers: &[usize]| {
            let names = numbers.iter().map(|number| format!("{number}.png"));
            FileNames::new(root.path().to_owned(), names.collect())
        };
        let read = |numbers: &[usize]| {
            let total = AtomicU64::new(0);
            let count = |_, of| total.store(of, Ordering::Relaxed);
            let cache = root.path().join("cache");
            let memory = Memory::recall(&cache, "images");
            memory.digests_before(LONG_AGO, &names(numbers), &Unread::hash, &count).unwrap();
            total.into_inner()
        };
        for number in 1..=4 {
            fs::write(root.path().join(format!("{number}.png")), "x".repeat(number)).unwrap();
        }
        assert_eq!(read(&[1, 2, 3]), 1 + 2 + 3);
        fs::write(root.path().join("2.png"), "changed").unwrap();
        assert_eq!(read(&[1, 2, 3, 4]), 7 + 4);
        assert_eq!(read(&[1, 2, 4]), 0);
    }

    #[test]
    fn a_file_that_changed_a_moment_ago_is_not_remembered() {
        let root = tempfile::tempdir().unwrap();
        let (cache, path) = (root.path().join("cache"), root.path().join("1.png"));
        fs::write(&path, "one").unwrap();
        let changed_now = Stamp::of(&path).unwrap().changed;
        read_before(changed_now, &cache, &path);
        assert_eq!(read_before(changed_now, &cache, &path).1, 3);
    }

    #[test]
    fn a_damaged_cache_costs_time_only() {
        let root = tempfile::tempdir().unwrap();
        let (cache, path) = (root.path().join("cache"), root.path().join("1.png"));
        fs::write(&path, "one").unwrap();
        let (one, _) = read(&cache, &path);
        for entry in fs::read_dir(&cache).unwrap() {
            fs::write(entry.unwrap().path(), "{\"half").unwrap();
        }
        assert_eq!(read(&cache, &path), (one, 3));
    }
}
