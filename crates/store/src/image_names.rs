//! The images that a path stands for, without any plan.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::image_files::{FileNames, ImageFiles, Kinds, list};
use crate::packed::expanded;

/// Images below a folder, by their paths. One that lies within an archive or a parquet file has a path that leads through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageNames {
    /// The folder.
    pub folder: PathBuf,
    /// The sorted paths below it, with forward slashes.
    pub relative: Vec<String>,
}

impl ImageNames {
    /// Returns the images in a folder (recursively), in a file, or in the files that a glob matches.
    ///
    /// # Errors
    /// Returns an error if there are none, or if a file that they lie within cannot be read.
    pub fn at(path: &Path) -> Result<Self, StoreError> {
        Self::of(list(path, Kinds::Read)?)
    }

    /// Returns the images in these files of a folder.
    ///
    /// # Errors
    /// Returns an error if a file that they lie within cannot be read.
    pub fn among(folder: PathBuf, files: Vec<String>) -> Result<Self, StoreError> {
        Self::of(ImageFiles::named(FileNames::new(folder, files), std::collections::BTreeMap::new())?)
    }

    fn of(found: ImageFiles) -> Result<Self, StoreError> {
        let FileNames { folder, relative, .. } = expanded(None, found)?.names;
        Ok(Self { folder, relative })
    }
}
