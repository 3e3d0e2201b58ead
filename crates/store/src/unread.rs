//! A file whose content has to be read.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::image_identity::ImageIdentity;
use crate::packed::{Place, read_image};

/// The BLAKE3 of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash(pub(crate) [u8; 32]);

impl From<ContentHash> for ImageIdentity {
    fn from(hash: ContentHash) -> Self {
        Self::Content(hash.0)
    }
}

/// A file that is new or has changed, so that its content has to be read to know its hash.
///
/// Whoever needs the content for something else as well takes it here, and the file is read once.
#[derive(Debug)]
pub struct Unread {
    path: PathBuf,
    size: u64,
}

impl Unread {
    pub(crate) fn new(path: PathBuf, size: u64) -> Self {
        Self { path, size }
    }

    /// Returns the size that the file had when it was listed.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Hashes the content without holding it in memory.
    ///
    /// # Errors
    ///
    /// Returns an error when the file is no regular one or cannot be read.
    pub fn hash(self) -> Result<ContentHash, StoreError> {
        Place::of(&self.path).digest().map(ContentHash)
    }

    /// Hashes the content and returns it.
    ///
    /// # Errors
    ///
    /// Returns an error when the file is no regular one or cannot be read.
    pub fn read(self) -> Result<(ContentHash, Vec<u8>), StoreError> {
        let content = read_image(&self.path)?;
        Ok((ContentHash(*blake3::hash(&content).as_bytes()), content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_has_one_hash_however_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.png");
        for content in [&b""[..], b"pixels", &[7; 200_000]] {
            fs_err::write(&path, content).unwrap();
            // The file may have grown or shrunk since it was listed.
            for size in [0, content.len() as u64, 1 << 20] {
                let (hash, read) = Unread::new(path.clone(), size).read().unwrap();
                assert_eq!(read, content);
                assert_eq!(Unread::new(path.clone(), size).hash().unwrap(), hash);
                assert_eq!(ImageIdentity::from(hash), ImageIdentity::of(content));
            }
        }
        assert!(Unread::new(folder.path().to_owned(), 1).read().is_err());
    }
}
