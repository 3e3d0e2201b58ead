//! The image file of an item, and the only way to read it.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::image_identity::ImageIdentity;
use crate::packed::Place;

/// The image file of an item, with what its dataset knows it by.
///
/// A file can change after its dataset was made. All code that decodes an image reads it through this type, so that
/// no image is used for training, scored or shown in place of the one that the dataset was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemImage {
    path: PathBuf,
    identity: ImageIdentity,
}

impl ItemImage {
    /// Returns the image at a path.
    pub fn new(path: PathBuf, identity: ImageIdentity) -> Self {
        Self { path, identity }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the dataset knows the image by.
    pub fn identity(&self) -> ImageIdentity {
        self.identity
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be read, or when it is no longer the one of the dataset: by its content
    /// where the dataset knows it, and else by its size and its time.
    pub fn read(&self) -> Result<Vec<u8>, StoreError> {
        let place = Place::of(&self.path);
        let fits = || match self.identity {
            ImageIdentity::Content(_) => Ok(true),
            ImageIdentity::Stamp { .. } => {
                place.measure().map(|(file, size)| self.identity.fits(size, &file))
            }
        };
        let fitted = fits()?;
        let bytes = place.read()?;
        // A file that is being written changes its stamp again, which the second look shows.
        match fitted && fits()? && self.identity.is_of(&bytes) {
            true => Ok(bytes),
            false => Err(StoreError::ImageChanged { path: self.path.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_identity::modification_time;

    #[test]
    fn an_image_that_has_changed_since_its_dataset_was_made_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.png");
        fs_err::write(&path, b"pixels").unwrap();
        let image = ItemImage::new(path.clone(), ImageIdentity::of(b"pixels"));
        assert_eq!(image.read().unwrap(), b"pixels");
        // The new content has the same length and differs in one byte.
        fs_err::write(&path, b"pixelz").unwrap();
        let error = image.read().unwrap_err();
        assert!(matches!(&error, StoreError::ImageChanged { path: named } if *named == path), "{error}");
        fs_err::remove_file(&path).unwrap();
        assert!(matches!(image.read().unwrap_err(), StoreError::Io(_)));
    }

    #[test]
    fn an_image_that_nobody_has_read_is_refused_when_its_size_or_time_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.png");
        fs_err::write(&path, b"pixels").unwrap();
        let file = fs_err::metadata(&path).unwrap();
        let stamp = |size, modified| {
            ItemImage::new(path.clone(), ImageIdentity::stamp(0, "0.png", size, modified)).read()
        };
        let time = modification_time(&file);
        assert_eq!(stamp(6, time).unwrap(), b"pixels");
        for changed in [stamp(7, time), stamp(6, time + 1)] {
            assert!(matches!(changed.unwrap_err(), StoreError::ImageChanged { .. }));
        }
    }
}
