//! Looks at what has the names of the store's own folders, of the folders of experiments, and of the lock.

use std::path::{Path, PathBuf};

use cliptune_experiment::{ExperimentName, RESERVED_NAMES};
use fs_err as fs;

use super::finding::Finding;
use crate::error::StoreError;
use crate::regular::{check, check_folder, is_absent};
use crate::store::Store;
use crate::{lock, looks, submissions, trash, work};

/// The folders of the store that readers pass over.
const HIDDEN: [&str; 4] = [trash::FOLDER, looks::FOLDER, work::FOLDER, submissions::FOLDER];

/// Returns a finding for each thing directly in the store that has the name of a folder and is none, and for a lock that cannot be
/// locked.
pub(super) fn look(store: &Store) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    if !store.root().is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(store.root())? {
        let path = entry?.path();
        if is_name_of_folder(&path) {
            found.extend(check_folder(&path).err().map(|error| finding(path, &error)));
        }
    }
    let lock = store.root().join(lock::FILE);
    if !is_absent(&lock) {
        found.extend(check(&lock).err().map(|error| finding(lock, &error)));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Checks whether only a folder should have a name. A file such as `notes.txt` is somebody's own, although an experiment could
/// have that name.
fn is_name_of_folder(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let is_experiment = || !name.contains('.') && name.parse::<ExperimentName>().is_ok();
    RESERVED_NAMES.contains(&name) || HIDDEN.contains(&name) || is_experiment()
}

fn finding(path: PathBuf, error: &StoreError) -> Finding {
    Finding::lost("store", path, error)
}
