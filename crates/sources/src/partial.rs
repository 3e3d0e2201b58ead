//! A partial download on disk.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fs_err::{File, OpenOptions};

use crate::checksums::Hasher;
use crate::error::Result;

/// The number of bytes that are read and hashed at a time.
pub(crate) const PIECE: usize = 128 << 10;

/// A download that grows until it has its full size.
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    size: u64,
    done: u64,
    hasher: Hasher,
    is_resumed: bool,
}

impl Partial {
    /// Opens what an earlier attempt has left, or a new file, and hashes what is there.
    pub(crate) fn open(path: &Path, size: u64) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let path = path.to_owned();
        let mut partial = Self { file, path, size, done: 0, hasher: Hasher::default(), is_resumed: false };
        partial.read_back()?;
        Ok(partial)
    }

    /// Returns the number of bytes on disk.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// Checks whether the file begins with what an earlier attempt has left, which a crash may have damaged.
    pub(crate) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Appends bytes. The caller makes sure that the file does not grow beyond its size.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// Discards everything on disk and starts over.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Hasher::default();
        self.done = 0;
        self.is_resumed = false;
        Ok(())
    }

    /// Returns what has been hashed.
    pub(crate) fn hasher(&self) -> Hasher {
        self.hasher.clone()
    }

    /// Gives the file the time of the remote one, if that is known, and its final name, once it is safely on disk. A
    /// copy that is made again is then known by the same size and time.
    pub(crate) fn publish(self, place: &Path, modified: Option<i64>) -> Result<()> {
        let modified = modified.and_then(|seconds| u64::try_from(seconds).ok());
        if let Some(time) = modified.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        {
            self.file.file().set_modified(time)?;
        }
        Ok(cliptune_durable::publish(&self.path, place)?)
    }

    /// Removes the file.
    pub(crate) fn discard(self) -> Result<()> {
        Ok(fs_err::remove_file(&self.path)?)
    }

    fn read_back(&mut self) -> Result<()> {
        let left = self.file.metadata()?.len();
        if left > self.size {
            return self.restart();
        }
        let mut piece = vec![0; PIECE];
        while self.done < left {
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
