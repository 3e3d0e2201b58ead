//! Files of the cache with the rows of several runs. They only save time.
//!
//! Runs of one experiment share a file, a few hundred of them each. A file is named after the stamps of the files that it was
//! made from and after the BLAKE3 of its content; one that is not what its name says is made again. One that was made from
//! damaged files is made again each time, so that the damage is named each time.

use std::collections::HashMap;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cliptune_durable::{discard, sweep, unfinished_prefix};
use cliptune_store::{Stamp, Store, StoreError, file_hash};
use fs_err as fs;
use tempfile::NamedTempFile;

use crate::error::QueryError;
use crate::index::Runs;
use crate::summary::Summary;
use crate::tables::Made;
use crate::views::View;

/// The version of the files. It has to change whenever a column does.
const FORMAT: u32 = 3;
/// The number of runs that share a file.
const RUNS: usize = 200;
/// The time that a file is kept for which nobody asks any more: another process may be reading it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The files of a view.
pub(crate) struct Kept {
    folder: PathBuf,
    /// The files, by the first part of their names.
    there: HashMap<String, PathBuf>,
}

/// What stands for files as they are now.
pub(crate) struct Key(String);

/// A file that was written.
pub(crate) struct Written {
    pub(crate) file: NamedTempFile,
    /// The BLAKE3 of its content.
    pub(crate) hash: String,
    /// Whether nothing is missing in it.
    pub(crate) is_whole: bool,
    /// The errors about what is missing.
    pub(crate) damage: Vec<StoreError>,
}

impl Kept {
    /// Looks at what is there. A cache that cannot be read or written counts as empty.
    pub(crate) fn open(store: &Store, view: View) -> Self {
        let folder = store.cache_folder().join(view.name());
        if fs::create_dir_all(&folder).is_ok() {
            sweep(&folder);
        }
        let there = files_of(&folder).unwrap_or_default();
        Self { folder, there }
    }

    /// Returns the file that was made from files as they are now.
    pub(crate) fn find(&self, key: &Key) -> Option<PathBuf> {
        self.there.get(&key.0).filter(|path| is_intact(path)).cloned()
    }

    /// Makes a file with what a function writes. Where it cannot be kept, it lies among the temporary files of the system for
    /// as long as it is needed.
    pub(crate) fn make(
        &self,
        key: &Key,
        write: impl Fn(NamedTempFile) -> Result<Written, QueryError>,
    ) -> Result<Made, QueryError> {
        let kept = staged(&self.folder).and_then(&write).and_then(|written| self.keep(key, written));
        kept.or_else(|error| {
            if matches!(error, QueryError::Unfamiliar) {
                return Err(error);
            }
            let Written { file, damage, .. } = write(staged(&std::env::temp_dir())?)?;
            let path = file.into_temp_path();
            Ok(Made { files: vec![path.to_path_buf()], damage, temporary: vec![path] })
        })
    }

    fn keep(&self, key: &Key, written: Written) -> Result<Made, QueryError> {
        let Written { file, hash, is_whole, damage } = written;
        // Nobody looks for a file by the second of these names.
        let name = if is_whole { key.0.clone() } else { format!("{}d", key.0) };
        let path = self.folder.join(format!("{name}-{hash}.parquet"));
        if path.is_dir() {
            discard(&path)?;
        }
        file.persist(&path).map_err(|failed| failed.error)?;
        Ok(Made { files: vec![path], damage, ..Made::default() })
    }

    /// Removes what has not been asked for in a long time. What cannot be removed stays.
    pub(crate) fn forget(&self, used: &[PathBuf]) {
        let is_old = |path: &Path| {
            let modified = fs::metadata(path).ok().and_then(|file| file.modified().ok());
            modified.is_some_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > KEPT))
        };
        self.there.values().filter(|path| !used.contains(path) && is_old(path)).for_each(|path| {
            let _ = fs::remove_file(path);
        });
    }
}

/// A file whose content is hashed as it is written.
pub(crate) struct Hashed {
    file: NamedTempFile,
    hasher: blake3::Hasher,
}

impl Hashed {
    pub(crate) fn new(file: NamedTempFile) -> Self {
        Self { file, hasher: blake3::Hasher::new() }
    }

    /// Returns the file, from which nothing is missing but what the errors are about.
    pub(crate) fn written(self, damage: Vec<StoreError>) -> Written {
        let Self { file, hasher } = self;
        let hash = hasher.finalize().to_hex().to_string();
        Written { file, hash, is_whole: damage.is_empty(), damage }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes an empty file in a folder. It is there for all who may read the folder, and locked by this process.
fn staged(folder: &Path) -> Result<NamedTempFile, QueryError> {
    let mut named = tempfile::Builder::new();
    let named =
        named.prefix(unfinished_prefix()).suffix(".parquet").permissions(Permissions::from_mode(0o666));
    let file = named.tempfile_in(folder)?;
    // File systems without locks go without.
    let _ = file.as_file().try_lock_shared();
    Ok(file)
}

/// Returns the runs that share files.
pub(crate) fn parts(runs: &Runs) -> Vec<&[Summary]> {
    let of_experiments = runs.summaries.chunk_by(|one, other| one.experiment == other.experiment);
    of_experiments.flat_map(|runs| runs.chunks(RUNS)).collect()
}

/// Returns what stands for files as they are now, each with the name of its run.
pub(crate) fn key<'f>(files: impl Iterator<Item = (&'f str, Option<Stamp>)>) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&FORMAT.to_le_bytes());
    for (run, stamp) in files {
        hasher.update(format!("{run}\0{stamp:?}\n").as_bytes());
    }
    Key(hasher.finalize().to_hex()[..32].to_owned())
}

/// Returns the files of the cache that are not what their names say.
///
/// # Errors
/// Returns an error when the cache cannot be listed.
pub fn damaged_tables(store: &Store) -> Result<Vec<PathBuf>, QueryError> {
    let mut damaged = Vec::new();
    for view in [View::Events, View::System, View::Predictions] {
        let folder = store.cache_folder().join(view.name());
        let there = if folder.is_dir() { files_of(&folder)? } else { HashMap::new() };
        damaged.extend(there.into_values().filter(|path| !is_intact(path)));
    }
    damaged.sort_unstable();
    Ok(damaged)
}

fn files_of(folder: &Path) -> Result<HashMap<String, PathBuf>, QueryError> {
    let mut files = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if let Some((key, _)) = stem.split_once('-') {
            files.insert(key.to_owned(), path.clone());
        }
    }
    Ok(files)
}

/// Checks whether a file's content is what its name says.
fn is_intact(path: &Path) -> bool {
    let hash = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.split_once('-'));
    hash.is_some_and(|(_, hash)| file_hash(path).is_ok_and(|found| found == hash))
}
