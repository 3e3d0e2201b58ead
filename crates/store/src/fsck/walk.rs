//! All files below a folder.

use std::path::{Path, PathBuf};

use fs_err as fs;

/// Returns everything below a path that is no folder, and the path itself if it is none. Links are not followed, and what cannot
/// be listed has nothing.
pub(super) fn files(path: &Path) -> Vec<PathBuf> {
    let (mut files, mut waiting) = (Vec::new(), vec![path.to_path_buf()]);
    while let Some(next) = waiting.pop() {
        match fs::symlink_metadata(&next) {
            Ok(about) if about.is_dir() => {
                let entries = fs::read_dir(&next).into_iter().flatten().flatten();
                waiting.extend(entries.map(|entry| entry.path()));
            }
            Ok(_) => files.push(next),
            Err(_) => {}
        }
    }
    files.sort_unstable();
    files
}

/// Returns the bytes of all files below a path.
pub(super) fn size(path: &Path) -> u64 {
    let sizes = files(path).into_iter().filter_map(|file| fs::symlink_metadata(file).ok());
    sizes.filter(std::fs::Metadata::is_file).map(|about| about.len()).sum()
}
