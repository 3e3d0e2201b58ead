//! A partial download on disk.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fs_err::{File, OpenOptions};

/// The number of bytes that are read and hashed at a time.
pub const PIECE: usize = 128 << 10;

/// A hash that is computed while bytes arrive.
pub trait Hashing: Clone {
    /// Takes the next bytes.
    fn update(&mut self, bytes: &[u8]);
}

/// A download that grows until it has its full size.
#[derive(Debug)]
pub struct Partial<H> {
    file: File,
    path: PathBuf,
    size: u64,
    done: u64,
    /// The hash of nothing.
    fresh: H,
    hasher: H,
    is_resumed: bool,
}

impl<H: Hashing> Partial<H> {
    /// Opens what an earlier attempt has left, or a new file, and hashes what is there. `go_on` is asked before each piece.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be opened or read, or the error with which `go_on` stops it.
    pub fn open<E: From<io::Error>>(
        path: &Path,
        size: u64,
        fresh: H,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let (path, hasher) = (path.to_owned(), fresh.clone());
        let mut partial = Self { file, path, size, done: 0, fresh, hasher, is_resumed: false };
        partial.read_back(go_on)?;
        Ok(partial)
    }

    /// Returns the number of bytes on disk.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Returns the size of the whole file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Checks whether the file begins with what an earlier attempt has left, which a crash may have damaged.
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Appends bytes. The caller makes sure that the file does not grow beyond its size.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// Discards everything on disk and starts over.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be changed.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = self.fresh.clone();
        self.done = 0;
        self.is_resumed = false;
        Ok(())
    }

    /// Returns the hasher with everything that is there, which the caller finishes.
    pub fn take_hasher(&mut self) -> H {
        std::mem::replace(&mut self.hasher, self.fresh.clone())
    }

    /// Closes the complete file and returns its path. The file gets the time of the remote one in seconds since 1970, if
    /// that is known, so that a copy that is made again is known by the same size and time.
    ///
    /// # Errors
    ///
    /// Returns an error when the time cannot be set.
    pub fn complete(self, modified: Option<i64>) -> io::Result<PathBuf> {
        let modified = modified.and_then(|seconds| u64::try_from(seconds).ok());
        if let Some(time) = modified.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        {
            self.file.file().set_modified(time)?;
        }
        Ok(self.path)
    }

    /// Removes the file.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be removed.
    pub fn discard(self) -> io::Result<()> {
        fs_err::remove_file(&self.path)
    }

    fn read_back<E: From<io::Error>>(&mut self, go_on: impl Fn() -> Result<(), E>) -> Result<(), E> {
        let left = self.file.metadata()?.len();
        if left > self.size {
            return Ok(self.restart()?);
        }
        let mut piece = vec![0; PIECE];
        while self.done < left {
            go_on()?;
            match self.file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    self.hasher.update(&piece[..read]);
                    self.done += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.is_resumed = self.done > 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands for a hash: everything that arrived.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Everything(Vec<u8>);

    impl Hashing for Everything {
        fn update(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    fn open(path: &Path, size: u64) -> Partial<Everything> {
        Partial::open(path, size, Everything::default(), || io::Result::Ok(())).unwrap()
    }

    #[test]
    fn what_an_earlier_attempt_left_is_hashed_and_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        open(&path, 6).append(b"one").unwrap();
        let mut partial = open(&path, 6);
        assert!(partial.is_resumed() && partial.done() == 3);
        partial.append(b"two").unwrap();
        assert_eq!(partial.take_hasher().0, b"onetwo");
        let complete = partial.complete(Some(1_000)).unwrap();
        let file = fs_err::metadata(&complete).unwrap();
        assert_eq!((file.len(), file.modified().unwrap()), (6, UNIX_EPOCH + Duration::from_secs(1_000)));
    }

    #[test]
    fn what_is_too_long_to_be_right_is_started_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        fs_err::write(&path, b"something else").unwrap();
        let mut partial = open(&path, 6);
        assert!(!partial.is_resumed() && partial.done() == 0);
        partial.append(b"onetwo").unwrap();
        assert_eq!(
            (partial.take_hasher().0, fs_err::read(&path).unwrap()),
            (b"onetwo".into(), b"onetwo".into())
        );
        partial.discard().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn reading_back_stops_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        fs_err::write(&path, b"one").unwrap();
        let stopped = || Err(io::Error::other("stopped"));
        assert_eq!(
            Partial::open(&path, 6, Everything::default(), stopped).unwrap_err().to_string(),
            "stopped"
        );
        assert_eq!(fs_err::read(&path).unwrap(), b"one");
    }
}
