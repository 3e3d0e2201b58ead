//! The sources of a dataset, by content.

use std::path::{Path, PathBuf};

use cliptune_experiment::DataPlan;
use serde_json::json;

use crate::digests::{Digest, digests};
use crate::error::StoreError;
use crate::identity::{self, DATASET_FORMAT};
use crate::image_files::{self, ImageFiles};

/// The images and the table of a plan as they are now.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Sorted by [`relative`](ImageFile::relative).
    pub images: Vec<ImageFile>,
    /// The folder that images are relative to.
    pub images_folder: PathBuf,
    /// BLAKE3 of the table.
    pub table_hash: String,
    /// BLAKE3 over all image names and contents.
    pub images_hash: String,
}

/// One image file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Path below the images folder, with forward slashes.
    pub relative: String,
    /// In bytes.
    pub size: u64,
    /// BLAKE3, 64 hexadecimal digits.
    pub hash: String,
}

impl Inputs {
    /// Identity of the dataset that the plan makes of these sources: 64 hexadecimal digits.
    ///
    /// The recipe, the names and contents of the images and the content of the table decide it; where they are does
    /// not.
    pub fn dataset_hash(&self, plan: &DataPlan) -> String {
        identity::hash(json!({
            "format": DATASET_FORMAT,
            "recipe": identity::recipe(plan),
            "images": self.images_hash,
            "table": self.table_hash,
        }))
    }

    pub(crate) fn read(
        cache: &Path,
        plan: &DataPlan,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, StoreError> {
        // Both sources are looked for before any is read.
        let table = &plan.metadata.path;
        if !table.is_file() {
            return Err(StoreError::NoTable { path: table.clone() });
        }
        let ImageFiles { folder, relative } = image_files::list(&plan.images)?;
        let paths: Vec<PathBuf> = relative.iter().map(|relative| folder.join(relative)).collect();
        // Remembered apart, because datasets share images more often than tables.
        let table = digests(cache, table, std::slice::from_ref(table), on_progress)?;
        let table_hash = table.into_iter().map(|digest| digest.hash).collect();
        let digests = digests(cache, &plan.images, &paths, on_progress)?;
        let files = paths.into_iter().zip(relative).zip(digests);
        let images: Vec<ImageFile> = files
            .map(|((path, relative), Digest { size, hash })| ImageFile { path, relative, size, hash })
            .collect();
        let images_hash = images_hash(&images);
        Ok(Self { images, images_folder: folder, table_hash, images_hash })
    }
}

fn images_hash(images: &[ImageFile]) -> String {
    identity::hash(images.iter().map(|image| json!([image.relative, image.hash])).collect())
}
