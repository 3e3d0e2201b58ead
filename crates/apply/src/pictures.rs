//! The images that a command line names.

use std::path::{Path, PathBuf};

use cliptune_store::ImageNames;

use crate::error::ApplyError;

/// Images below a folder.
#[derive(Clone, Debug)]
pub struct Found(ImageNames);

impl Found {
    /// Returns the paths of the images, in order.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.0.relative.iter().map(|name| self.0.folder.join(name))
    }

    /// Returns the number of images.
    pub fn count(&self) -> usize {
        self.0.relative.len()
    }
}

/// Returns the images that a path stands for: itself, those of a folder, of a glob, of an archive or of a parquet file.
///
/// # Errors
/// Returns an error if there are none.
pub fn find(path: &Path) -> Result<Found, ApplyError> {
    Ok(Found(ImageNames::at(path)?))
}
