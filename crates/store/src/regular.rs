//! Reads regular files and nothing else. Opening a FIFO or a device in their place could block the reader forever.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use cliptune_durable::{discard, open_regular, read_whole};
use fs_err as fs;
use fs_err::File;
use rustix::io::Errno;

use crate::error::{Damage, StoreError};

/// Opens a file for reading.
///
/// # Errors
/// Returns an error when the file is missing, is not a regular file, or cannot be opened.
pub(crate) fn open(path: &Path) -> Result<File, StoreError> {
    open_regular(path).or_else(|error| {
        // What there is instead of a file says more.
        check(path)?;
        Err(error.into())
    })
}

/// Reads a whole file.
///
/// # Errors
/// Returns an error when the file is missing, is not a regular file, or cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    Ok(read_whole(open(path)?)?)
}

/// Returns the BLAKE3 of a file's content, in 64 hexadecimal digits.
///
/// # Errors
/// Returns an error when the file is missing, is not a regular file, or cannot be read.
pub fn file_hash(path: &Path) -> Result<String, StoreError> {
    Ok(blake3::Hash::from_bytes(file_digest(path)?).to_hex().to_string())
}

/// Returns the BLAKE3 of a file's content.
///
/// # Errors
/// Returns an error when the file is missing, is not a regular file, or cannot be read.
pub(crate) fn file_digest(path: &Path) -> Result<[u8; 32], StoreError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open(path)?)?;
    Ok(*hasher.finalize().as_bytes())
}

/// Makes sure that the content of a file has the hash that a record gives.
///
/// # Errors
/// Returns an error when the file is missing, is not a regular file, cannot be read, or has another content.
pub(crate) fn expect_hash(path: &Path, hash: &str) -> Result<(), StoreError> {
    expected(path, hash, file_hash(path), String::clone).map(drop)
}

/// Reads a whole file, and makes sure that its content has the hash that a record gives.
///
/// # Errors
/// Returns an error when the file is missing, is not a regular file, cannot be read, or has another content.
pub(crate) fn expect_content(path: &Path, hash: &str) -> Result<Vec<u8>, StoreError> {
    expected(path, hash, read_file(path), |bytes| blake3::hash(bytes).to_hex().to_string())
}

/// Returns what was read of a file if it has the hash that a record gives.
fn expected<T>(
    path: &Path,
    hash: &str,
    read: Result<T, StoreError>,
    hash_of: impl Fn(&T) -> String,
) -> Result<T, StoreError> {
    match read {
        Ok(read) if hash_of(&read) == hash => Ok(read),
        Ok(_) => Err(StoreError::damaged(path, Damage::Content)),
        Err(StoreError::Io(error)) if is_nothing(&error) => Err(StoreError::damaged(path, Damage::Missing)),
        Err(error) => Err(error),
    }
}

/// Makes sure that there is a regular file at a path.
pub(crate) fn check(path: &Path) -> Result<(), StoreError> {
    match looked_at(path)? {
        Some(about) if about.is_file() => Ok(()),
        Some(_) => Err(StoreError::damaged(path, Damage::NotAFile)),
        None => match fs::symlink_metadata(path)?.is_symlink() {
            true => Err(StoreError::damaged(path, Damage::NotAFile)),
            // Others make and remove files at any time, such as the claims of runs, and this one has come meanwhile.
            false => check(path),
        },
    }
}

/// Checks whether a path leads to a folder.
///
/// # Errors
/// Returns an error when the system cannot say so: it would be wrong that there is none.
pub(crate) fn is_folder(path: &Path) -> Result<bool, StoreError> {
    Ok(looked_at(path)?.is_some_and(|about| about.is_dir()))
}

/// Checks whether a path leads to a regular file.
///
/// # Errors
/// Returns an error when the system cannot say so: it would be wrong that there is none.
pub(crate) fn is_regular(path: &Path) -> Result<bool, StoreError> {
    Ok(looked_at(path)?.is_some_and(|about| about.is_file()))
}

/// Returns what the system says about what a path leads to, or `None` where it leads to nothing.
///
/// # Errors
/// Returns an error when the system cannot say so, as when a disk or a server does not answer for a moment.
pub(crate) fn looked_at(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match std::fs::metadata(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if leads_nowhere(&error) => Ok(None),
        // This error does not name the path, and the next one does.
        Err(_) => Ok(Some(fs::metadata(path)?)),
    }
}

/// Checks whether an error of the system means that a path leads to nothing: there is no such file, there can be none of that name,
/// or a link leads back to itself.
fn leads_nowhere(error: &io::Error) -> bool {
    let is_no_name = matches!(error.kind(), io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput);
    is_nothing(error) || is_no_name || Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// Makes sure that what has the name of a folder is one. There may be nothing.
pub(crate) fn check_folder(path: &Path) -> Result<(), StoreError> {
    match is_folder(path)? || is_absent(path) {
        true => Ok(()),
        false => Err(StoreError::damaged(path, Damage::NotAFolder)),
    }
}

/// Removes a folder that has the name of a file that is about to be made again. Whatever else has it is replaced.
pub(crate) fn make_way(path: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(path).is_ok_and(|about| about.is_dir()) {
        discard(path)?;
    }
    Ok(())
}

/// Checks whether nothing at all exists at a path. Nothing exists below a file. Where the system cannot say so, there is something.
pub fn is_absent(path: &Path) -> bool {
    matches!(fs::symlink_metadata(path), Err(error) if is_nothing(&error))
}

/// Checks whether an error means that there is no such file.
pub(crate) fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_no_file_is_damage_and_what_is_below_a_file_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "x").unwrap();
        fs::create_dir(path("folder")).unwrap();
        symlink("/nowhere", path("dangling")).unwrap();
        symlink("loop", path("loop")).unwrap();
        symlink("file", path("link")).unwrap();
        for wrong in ["folder", "dangling", "loop"] {
            assert!(read_file(&path(wrong)).is_err_and(|error| error.is_damage()), "{wrong}");
        }
        assert_eq!(read_file(&path("link")).unwrap(), b"x");
        assert!(["missing", "file/below"].iter().all(|name| is_absent(&path(name))));
        assert!(["file", "dangling", "loop"].iter().all(|name| !is_absent(&path(name))));
        assert!(["folder", "missing"].iter().all(|name| check_folder(&path(name)).is_ok()));
        assert!(["file", "link", "dangling", "loop"].iter().all(|name| check_folder(&path(name)).is_err()));
        assert!(["file", "link"].iter().all(|name| is_regular(&path(name)).unwrap()));
        assert!(
            ["folder", "missing", "dangling", "loop"].iter().all(|name| !is_regular(&path(name)).unwrap())
        );
        assert!(is_folder(&path("folder")).unwrap());
        assert!(
            ["file", "missing", "file/below", "loop"].iter().all(|name| !is_folder(&path(name)).unwrap())
        );
        let pattern = format!("{{{}}}", "long,".repeat(100));
        assert!(!is_regular(&path(&pattern)).unwrap(), "no file can be called that");
    }

    #[test]
    fn a_file_that_comes_and_goes_is_read_or_absent_and_never_damage() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let (path, is_over) = (folder.path().join("claim"), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    fs::write(&path, "x").unwrap();
                    fs::remove_file(&path).unwrap();
                }
            });
            let damage = (0..20_000).find_map(|_| read_file(&path).err().filter(StoreError::is_damage));
            is_over.store(true, Ordering::Relaxed);
            assert!(damage.is_none(), "{damage:?}");
        });
    }

    #[test]
    fn what_cannot_be_looked_at_for_a_moment_is_not_absent() {
        let is_passing = |number: Errno| !leads_nowhere(&io::Error::from(number));
        for number in [Errno::IO, Errno::STALE, Errno::NOMEM, Errno::ACCESS, Errno::PERM, Errno::TIMEDOUT] {
            assert!(is_passing(number), "{number:?}");
        }
        for number in [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG] {
            assert!(!is_passing(number), "{number:?}");
        }
    }
}
