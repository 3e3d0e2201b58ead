//! Looks at the files of the cache that the store knows. Whoever has others looks at those.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::walk;
use crate::compact::is_compact;
use crate::pixels::{PIXEL_CHECKSUM, pixel_checksum};
use crate::regular::read_file;
use crate::store::Store;

/// Returns the files of the cache with a checksum of a kind that is known here.
pub(super) fn files(store: &Store) -> Vec<PathBuf> {
    let cache = store.cache_folder();
    let pixels = cache.join("pixels");
    let is_known = |path: &PathBuf| {
        let is_visible = !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        is_visible && (path.starts_with(&pixels) || is_binary(path))
    };
    walk::files(&cache).into_iter().filter(is_known).collect()
}

/// Checks whether a file is one of those that `write_compact` writes.
fn is_binary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bin")
}

pub(super) fn look(_: &Store, path: &Path) -> Vec<Finding> {
    let is_whole = match is_binary(path) {
        true => is_compact(path),
        false => are_pixels(path),
    };
    let is_damaged = !is_whole && std::fs::symlink_metadata(path).is_ok();
    is_damaged.then(|| Finding::cached(path.to_path_buf())).into_iter().collect()
}

fn are_pixels(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    read_file(path).is_ok_and(|bytes| {
        let split = bytes.len().checked_sub(PIXEL_CHECKSUM).map(|at| bytes.split_at(at));
        split.is_some_and(|(pixels, checksum)| pixel_checksum(name, pixels) == checksum)
    })
}
