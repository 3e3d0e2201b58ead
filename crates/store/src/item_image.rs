//! The image file of an item, and the only way to read it.

use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The image file of an item, with the hash of the content that its dataset was made from.
///
/// A file can change after its dataset was made. All code that decodes an image reads it through this type, so that
/// no image is used for training, scored or shown under the hash of another content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemImage {
    path: PathBuf,
    hash: String,
}

impl ItemImage {
    /// Returns the image at a path. `hash` is the BLAKE3 of its content, in 64 hexadecimal digits.
    pub fn new(path: PathBuf, hash: String) -> Self {
        Self { path, hash }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the hash of the file's content.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be read, or when its content is no longer that of the dataset.
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
        // The new content has the same length and differs in one byte.
        fs_err::write(&path, b"pixelz").unwrap();
        let error = image.read().unwrap_err();
        assert!(matches!(&error, StoreError::ImageChanged { path: named } if *named == path), "{error}");
        fs_err::remove_file(&path).unwrap();
        assert!(matches!(image.read().unwrap_err(), StoreError::Io(_)));
    }
}
