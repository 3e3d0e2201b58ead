//! A partial download on disk.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};

use crate::digest::{Digest, Hasher};
use crate::error::Result;
use crate::progress::{Observer, stop_if_asked};

/// The number of bytes that are read and hashed at a time.
pub(crate) const PIECE: usize = 128 << 10;

/// A download that grows until it has its full size, and must then have the right hash.
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    digest: Digest,
    size: u64,
    done: u64,
    hasher: Hasher,
    is_resumed: bool,
}

impl Partial {
    /// Opens what an earlier attempt has left, or a new file, and hashes what is there.
    pub(crate) fn open(path: &Path, digest: &Digest, size: u64, observer: &dyn Observer) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let hasher = digest.hasher(size);
        let (path, digest) = (path.to_owned(), digest.clone());
        let mut partial = Self { file, path, digest, size, done: 0, hasher, is_resumed: false };
        partial.read_back(observer)?;
        Ok(partial)
    }

    /// Returns the number of bytes on disk.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// Returns the size of the whole file in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
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
        self.hasher = self.digest.hasher(self.size);
        self.done = 0;
        self.is_resumed = false;
        Ok(())
    }

    /// Returns the hash of what is there, and resets the hasher.
    pub(crate) fn take_hash(&mut self) -> Digest {
        std::mem::replace(&mut self.hasher, self.digest.hasher(self.size)).finish()
    }

    /// Gives the file its final name, once it is safely on disk.
    pub(crate) fn publish(self, blob: &Path) -> Result<()> {
        Ok(cliptune_durable::publish(&self.path, blob)?)
    }

    /// Removes the file.
    pub(crate) fn discard(self) -> Result<()> {
        Ok(fs_err::remove_file(&self.path)?)
    }

    fn read_back(&mut self, observer: &dyn Observer) -> Result<()> {
        let left = self.file.metadata()?.len();
        if left > self.size {
            return self.restart();
        }
        let mut piece = vec![0; PIECE];
        while self.done < left {
            stop_if_asked(observer)?;
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
