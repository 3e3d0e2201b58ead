//! Content hashes of files, remembered between calls.
//!
//! A file counts as unchanged while its size, its times and its inode stay the same. make, git and rsync rely on
//! this, too. As in git, the hash of a file that changed a moment ago is not remembered, because the file could
//! change again within the same tick of the file system's clock.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::record::{read_record, write_record};
use crate::regular::file_hash;

/// The longest tick that a file system's clock is assumed to have.
const TICK: Duration = Duration::from_millis(20);

/// The size and content hash of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) size: u64,
    pub(crate) hash: String,
}

/// The properties of a file that tell, without reading it, whether it has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    /// The time of the last modification, in nanoseconds since the Unix epoch.
    modified: i64,
    /// The time of the inode's last change, in the same unit. It moves even when a file is given an old `modified`.
    changed: i64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let file = fs::metadata(path)?;
        Ok(Self {
            size: file.len(),
            modified: nanoseconds(file.mtime(), file.mtime_nsec()),
            changed: nanoseconds(file.ctime(), file.ctime_nsec()),
            inode: file.ino(),
        })
    }

    fn is_settled(&self) -> bool {
        let before = SystemTime::now().checked_sub(TICK);
        let before = before.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let before = before.and_then(|since| i64::try_from(since.as_nanos()).ok());
        before.is_some_and(|before| self.changed.max(self.modified) < before)
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// The version of the cache's files.
const FORMAT: u32 = 2;

/// The remembered digests of one set of files.
type Known = HashMap<PathBuf, (Stamp, String)>;

/// The content of `cache/digests-<hash>.json`.
#[derive(Serialize, Deserialize)]
struct Remembered {
    format_version: u32,
    files: Known,
}

/// Hashes files in parallel, reading only those that have changed since the last call for the same `subject` (a
/// folder or a file).
///
/// Progress is in bytes, and is only reported when there is something to read.
pub(crate) fn digests(
    cache: &Path,
    subject: &Path,
    paths: &[PathBuf],
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Digest>, StoreError> {
    let name = blake3::hash(subject.as_os_str().as_encoded_bytes()).to_hex();
    let file = cache.join(format!("digests-{}.json", &name[..16]));
    // A missing or damaged cache only costs time.
    let known = read_record(&file, FORMAT).map(|read: Remembered| read.files).unwrap_or_default();
    let stamps = paths.par_iter().map(|path| Stamp::of(path)).collect::<Result<Vec<_>, _>>()?;
    let remembered = |path: &PathBuf, stamp: &Stamp| known.get(path).filter(|(known, _)| known == stamp);
    let files: Vec<_> = paths.iter().zip(&stamps).collect();
    let total = files
        .iter()
        .filter(|(path, stamp)| remembered(path, stamp).is_none())
        .map(|(_, stamp)| stamp.size)
        .sum();
    let done = AtomicU64::new(0);
    let hashes = files.par_iter().map(|(path, stamp)| match remembered(path, stamp) {
        Some((_, hash)) => Ok(hash.clone()),
        None => file_hash(path)
            .inspect(|_| on_progress(done.fetch_add(stamp.size, Ordering::Relaxed) + stamp.size, total)),
    });
    let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
    remember(&file, &known, paths, &stamps, &hashes);
    let digest = |(stamp, hash): (Stamp, String)| Digest { size: stamp.size, hash };
    Ok(stamps.into_iter().zip(hashes).map(digest).collect())
}

fn remember(file: &Path, known: &Known, paths: &[PathBuf], stamps: &[Stamp], hashes: &[String]) {
    let now: Known = paths
        .iter()
        .zip(stamps.iter().zip(hashes))
        .filter(|(_, (stamp, _))| stamp.is_settled())
        .map(|(path, (stamp, hash))| (path.clone(), (stamp.clone(), hash.clone())))
        .collect();
    if now != *known {
        // A store that cannot be written to can still be read, just more slowly.
        let remembered = Remembered { format_version: FORMAT, files: now };
        let _ = fs::create_dir_all(cliptune_durable::parent(file)).map(|()| write_record(file, &remembered));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cache: &Path, path: &Path) -> (String, u64) {
        let bytes = AtomicU64::new(0);
        let count = |done: u64, _| bytes.store(done, Ordering::Relaxed);
        let digests = digests(cache, path, &[path.to_path_buf()], &count).unwrap();
        (digests[0].hash.clone(), bytes.load(Ordering::Relaxed))
    }

    #[test]
    fn a_file_is_read_once_and_again_after_any_change() {
        let root = tempfile::tempdir().unwrap();
        let (cache, path) = (root.path().join("cache"), root.path().join("1.png"));
        fs::write(&path, "one").unwrap();
        std::thread::sleep(2 * TICK);
        let (one, bytes) = read(&cache, &path);
        assert_eq!(bytes, 3);
        assert_eq!(read(&cache, &path), (one.clone(), 0));

        // The content changes while the size and the modification time stay the same, as after `cp -p`.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        fs::File::options().write(true).open(&path).unwrap().file().set_modified(modified).unwrap();
        let (two, bytes) = read(&cache, &path);
        assert_eq!(bytes, 3);
        assert_ne!(one, two);
    }

    #[test]
    fn a_file_that_changed_a_moment_ago_is_not_remembered() {
        let root = tempfile::tempdir().unwrap();
        let (cache, path) = (root.path().join("cache"), root.path().join("1.png"));
        fs::write(&path, "one").unwrap();
        read(&cache, &path);
        assert_eq!(read(&cache, &path).1, 3);
    }

    #[test]
    fn a_damaged_cache_costs_time_only() {
        let root = tempfile::tempdir().unwrap();
        let (cache, path) = (root.path().join("cache"), root.path().join("1.png"));
        fs::write(&path, "one").unwrap();
        std::thread::sleep(2 * TICK);
        let (one, _) = read(&cache, &path);
        for entry in fs::read_dir(&cache).unwrap() {
            fs::write(entry.unwrap().path(), "{\"half").unwrap();
        }
        assert_eq!(read(&cache, &path), (one, 3));
    }
}
