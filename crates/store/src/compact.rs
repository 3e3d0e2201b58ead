//! Binary files of the cache. Each is small and quick to read, and has a checksum.
//!
//! A cache only saves time: a file that is missing, damaged or of another version counts as empty, and one that cannot
//! be written is not kept.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cliptune_durable::{parent, write_remade};
use fs_err as fs;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::regular::read_file;

/// The number of bytes of the checksum that a file begins with.
const CHECKSUM: usize = 32;

/// Returns the content of a file, if it is there, intact and of this version.
pub fn read_compact<T: DeserializeOwned>(path: &Path, version: u32) -> Option<T> {
    let bytes = read_file(path).ok()?;
    let (checksum, body) = bytes.split_at_checked(CHECKSUM)?;
    let (found, content) = body.split_at_checked(size_of::<u32>())?;
    let is_intact = found == version.to_le_bytes() && blake3::hash(body).as_bytes() == checksum;
    is_intact.then(|| postcard::from_bytes(content).ok()).flatten()
}

/// Checks whether a file is as it was written, whatever its version.
pub(crate) fn is_compact(path: &Path) -> bool {
    let Ok(bytes) = read_file(path) else { return false };
    let split = bytes.split_at_checked(CHECKSUM);
    split.is_some_and(|(checksum, body)| blake3::hash(body).as_bytes() == checksum)
}

/// Writes a file, and makes its folder if need be.
pub fn write_compact(path: &Path, version: u32, content: &impl Serialize) {
    let Ok(mut body) = postcard::to_extend(content, version.to_le_bytes().to_vec()) else { return };
    let mut file = blake3::hash(&body).as_bytes().to_vec();
    file.append(&mut body);
    if fs::create_dir_all(parent(path)).is_ok() {
        let _ = write_remade(path, &file);
    }
}

/// Lists the files of a folder of the cache, the oldest first, with their sizes. A folder that cannot be read has none.
pub fn oldest_first(folder: &Path) -> Vec<(PathBuf, u64)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let about = |entry: fs::DirEntry| {
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path(), about.len()))
    };
    let mut files: Vec<_> = entries.filter_map(|entry| about(entry.ok()?)).collect();
    files.sort_unstable();
    files.into_iter().map(|(_, path, bytes)| (path, bytes)).collect()
}

/// Removes the oldest files of a folder of the cache until no more bytes and no more files than these are left. What cannot
/// be removed stays.
pub fn make_room(folder: &Path, largest: u64, most: usize) {
    let files = oldest_first(folder);
    let (mut bytes, mut left): (u64, usize) = (files.iter().map(|(_, bytes)| bytes).sum(), files.len());
    for (path, size) in files {
        if bytes <= largest && left <= most {
            return;
        }
        let _ = fs::remove_file(path);
        (bytes, left) = (bytes - size, left - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_make_room() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..6_u64 {
            let path = folder.path().join(number.to_string());
            fs::write(&path, [0; 10]).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 - number);
            fs::File::options().write(true).open(&path).unwrap().file().set_modified(time).unwrap();
        }
        let left = || -> Vec<String> {
            let name = |(path, _): (PathBuf, u64)| path.file_name().unwrap().to_string_lossy().into_owned();
            oldest_first(folder.path()).into_iter().map(name).collect()
        };
        make_room(folder.path(), 45, 10);
        assert_eq!(left(), ["3", "2", "1", "0"]);
        make_room(folder.path(), 45, 2);
        assert_eq!(left(), ["1", "0"]);
    }

    #[test]
    fn what_is_not_as_it_was_written_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/numbers.bin");
        assert_eq!(read_compact::<Vec<u64>>(&path, 1), None);
        write_compact(&path, 1, &vec![1_u64, 1 << 40]);
        assert_eq!(read_compact::<Vec<u64>>(&path, 1), Some(vec![1, 1 << 40]));
        assert_eq!(read_compact::<Vec<u64>>(&path, 2), None);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            assert_eq!(read_compact::<Vec<u64>>(&path, 1), None, "byte {at}");
            fs::write(&path, &bytes[..at]).unwrap();
            assert_eq!(read_compact::<Vec<u64>>(&path, 1), None, "cut at {at}");
        }
    }
}
