//! The files of an exported folder: copies of a run's own, and a list of all.

use std::path::{Path, PathBuf};

use cliptune_durable::UNFINISHED;
use cliptune_store::Run;
use fs_err as fs;

use crate::error::ExchangeError;

/// Returns the path that a run has below its store: its experiment's folder and its own.
pub(super) fn own(run: &Run) -> PathBuf {
    let mut last: Vec<_> = run.folder().components().rev().take(2).collect();
    last.reverse();
    last.into_iter().collect()
}

/// Copies a file into a folder, if there is such a file. A link is followed: a run's model has one to its weights.
pub(super) fn copy_file(file: &Path, folder: &Path) -> Result<(), ExchangeError> {
    if let Some(name) = file.file_name().filter(|_| file.is_file()) {
        fs::create_dir_all(folder)?;
        fs::copy(file, folder.join(name))?;
    }
    Ok(())
}

/// Copies the files of a folder, without those of its folders, into another one that is made for them. A folder that does not
/// exist has none, and what somebody is still writing is passed over.
pub(super) fn copy_files(from: &Path, folder: &Path) -> Result<(), ExchangeError> {
    if !from.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            copy_file(&entry.path(), folder)?;
        }
    }
    Ok(())
}

/// Lists the files below a folder, by their paths in it, in order.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>, ExchangeError> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => files.extend(entry.path().strip_prefix(folder).map(Path::to_path_buf)),
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}
