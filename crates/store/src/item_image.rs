//! The image file of an item, and the one way to read it.

use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The image file of an item, with the content that its dataset was made of.
///
/// A file can change after its dataset was made. Whoever decodes one reads it here, so that nothing is trained on, scored
/// or shown under the hash of another content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemImage {
    path: PathBuf,
    hash: String,
}

impl ItemImage {
    /// The image at a path whose content has this BLAKE3 hash, in 64 hexadecimal digits.
    pub fn new(path: PathBuf, hash: String) -> Self {
        Self { path, hash }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of its content.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or when its content is not that of the dataset any more.
    pub fn read(&self) -> Result<Vec<u8>, StoreError> {
        let bytes = fs_err::read(&self.path)?;
        match blake3::hash(&bytes).to_hex().as_str() == self.hash {
            true => Ok(bytes),
            false => Err(StoreError::ImageChanged { path: self.path.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_has_changed_since_its_dataset_was_made_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.png");
        fs_err::write(&path, b"pixels").unwrap();
        let image = ItemImage::new(path.clone(), blake3::hash(b"pixels").to_hex().to_string());
        assert_eq!(image.read().unwrap(), b"pixels");
        // As long as before, and one byte different.
        fs_err::write(&path, b"pixelz").unwrap();
        let error = image.read().unwrap_err();
        assert!(matches!(&error, StoreError::ImageChanged { path: named } if *named == path), "{error}");
        fs_err::remove_file(&path).unwrap();
        assert!(matches!(image.read().unwrap_err(), StoreError::Io(_)));
    }
}
