//! The images that a path stands for, without any plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::image_files::{FileNames, ImageFiles, list, single};
use crate::image_kinds::Kinds;
use crate::packed::{expanded, images_of_column};

/// Images below a folder, by their paths. One that lies within an archive or a parquet file has a path that leads through it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageNames {
    /// The folder.
    folder: PathBuf,
    /// The sorted paths below it, with forward slashes.
    relative: Vec<String>,
    /// The paths below it that are not UTF-8.
    unnamed: Vec<PathBuf>,
}

impl ImageNames {
    /// Returns the images in a folder (recursively), in a file, or in the files that a glob matches.
    ///
    /// # Errors
    /// Returns an error if there are none, or if a file that they lie within cannot be read.
    pub fn at(path: &Path) -> Result<Self, StoreError> {
        list(path, Kinds::Read).and_then(Self::of)
    }

    /// Returns the same, where a file that images may lie within stands for itself.
    ///
    /// # Errors
    /// Returns an error if there is nothing.
    pub fn files_at(path: &Path) -> Result<Self, StoreError> {
        list(path, Kinds::Read).map(|found| Self::named(found.names))
    }

    /// Returns these files of a folder.
    ///
    /// # Errors
    /// Returns an error if one is an archive that was compressed as a whole.
    pub fn files(folder: PathBuf, files: Vec<String>) -> Result<Self, StoreError> {
        named(folder, files).map(|found| Self::named(found.names))
    }

    /// Returns the images in a column of a parquet file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or has none there.
    pub fn of_column(path: &Path, column: &str) -> Result<Self, StoreError> {
        let file =
            single(path)?.ok_or_else(|| StoreError::NoTable { path: path.to_path_buf() })?.all_named()?;
        let images = images_of_column(path, column)?;
        let mut relative: Vec<String> = file
            .relative
            .iter()
            .flat_map(|name| images.iter().map(move |image| format!("{name}/{image}")))
            .collect();
        relative.sort_unstable();
        Ok(Self::named(FileNames::new(file.folder, relative)))
    }

    fn of(found: ImageFiles) -> Result<Self, StoreError> {
        expanded(None, found).map(|found| Self::named(found.names))
    }

    fn named(names: FileNames) -> Self {
        let FileNames { folder, relative, mut unnamed, .. } = names;
        unnamed.sort_unstable();
        Self { folder, relative, unnamed }
    }

    /// Returns the number of images.
    pub fn count(&self) -> usize {
        self.relative.len() + self.unnamed.len()
    }

    /// Returns the paths of the images: sorted ones, and behind them those that are not UTF-8.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + Clone + '_ {
        let named = self.relative.iter().map(|name| self.folder.join(name));
        named.chain(self.unnamed.iter().map(|name| self.folder.join(name)))
    }

    /// Splits files into those with a property of their paths below the folder, and the images in the others.
    ///
    /// # Errors
    /// Returns an error if a file that images lie within cannot be read.
    pub fn split(self, is_other: impl Fn(&Path) -> bool) -> Result<(Vec<PathBuf>, Self), StoreError> {
        let Self { folder, relative, unnamed } = self;
        let (others, images): (Vec<_>, Vec<_>) =
            relative.into_iter().partition(|name| is_other(name.as_ref()));
        let others = others.into_iter().map(|name| folder.join(name)).collect();
        let images = Self { unnamed, ..Self::of(named(folder, images)?)? };
        Ok((others, images))
    }
}

fn named(folder: PathBuf, files: Vec<String>) -> Result<ImageFiles, StoreError> {
    ImageFiles::named(FileNames::new(folder, files), BTreeMap::new())
}
