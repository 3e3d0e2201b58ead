//! The names of unfinished files and folders, and the durability of names.

use std::path::Path;
use std::time::Duration;

use fs_err as fs;

use crate::error::DurableError;

/// The prefix of the names of unfinished files and folders. Readers skip names with a leading dot.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Nobody works this long on a folder without touching it.
pub(crate) const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the folder of a file, which is the current folder for a bare name.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable: after a rename, the new name is on disk only once its folder is.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), DurableError> {
    Ok(fs::File::open(folder)?.sync_all()?)
}

/// Makes the files and names below a folder durable, starting with the innermost ones.
pub(crate) fn sync_tree(folder: &Path) -> Result<(), DurableError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_tree(&entry.path())?,
            false => fs::File::open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

/// Removes unfinished files and folders that killed processes have left in a folder that nobody else writes to.
///
/// # Errors
/// When the folder cannot be read, or when something that was found cannot be removed.
pub fn remove_unfinished(folder: &Path) -> Result<(), DurableError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_unfinished(&entry) {
            remove(&entry)?;
        }
    }
    Ok(())
}

/// Removes what processes that were killed long ago have left. Errors are ignored, because the work can go on.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().ok().and_then(|entry| entry.modified().ok()?.elapsed().ok());
        if is_unfinished(&entry) && age.is_some_and(|age| age > ABANDONED) {
            let _ = remove(&entry);
        }
    }
}

fn is_unfinished(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

fn remove(entry: &fs::DirEntry) -> std::io::Result<()> {
    match entry.file_type()?.is_dir() {
        true => fs::remove_dir_all(entry.path()),
        false => fs::remove_file(entry.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".unfinished-Ab12", ".hidden", "last.safetensors"] {
            fs::write(path(name), "x").unwrap();
        }
        fs::create_dir(path(".unfinished-folder")).unwrap();
        remove_unfinished(folder.path()).unwrap();
        let names = [".unfinished-Ab12", ".unfinished-folder", ".hidden", "last.safetensors"];
        assert_eq!(names.map(|name| path(name).exists()), [false, false, true, true]);
    }
}
