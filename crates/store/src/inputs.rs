//! The sources of a dataset, identified by their content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Location};
use serde_json::json;

use crate::digests::{Digest, digests};
use crate::error::StoreError;
use crate::identity::{self, DATASET_FORMAT};
use crate::image_files::{self, ImageFiles};

/// The images and the table of a plan in their current state.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The images, sorted by [`relative`](ImageFile::relative).
    pub images: Vec<ImageFile>,
    /// The folder that images are relative to.
    pub images_folder: PathBuf,
    /// The number of files in that folder whose names are not those of images, by extension.
    pub passed_over: BTreeMap<String, u64>,
    /// The files that make up the table, in the order of their names.
    pub table_files: Vec<PathBuf>,
    /// The BLAKE3 of the table: that of its only file, or that of the hashes of its files in order.
    pub table_hash: String,
    /// The BLAKE3 of all image names and contents.
    pub images_hash: String,
}

/// One image file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// The absolute path.
    pub path: PathBuf,
    /// The path below the images folder, with forward slashes.
    pub relative: String,
    /// The file's size in bytes.
    pub size: u64,
    /// The BLAKE3 of the content, in 64 hexadecimal digits.
    pub hash: String,
}

impl Inputs {
    /// Returns the identity of the dataset that the plan makes of these sources, in 64 hexadecimal digits.
    ///
    /// The recipe, the names and contents of the images and the content of the table decide it; the places of the
    /// sources do not.
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
        // The existence of both sources is checked before either is read.
        let tables = plan.metadata.locations.iter().map(here).collect::<Result<Vec<_>, _>>()?;
        let mut table_files = Vec::new();
        for table in &tables {
            table_files.extend(files_of_table(table)?);
        }
        let [images] = plan.images.as_slice() else { return Err(elsewhere(&plan.images[1])) };
        let images = here(images)?;
        let ImageFiles { folder, relative, passed_over } = image_files::list(images)?;
        let paths: Vec<PathBuf> = relative.iter().map(|relative| folder.join(relative)).collect();
        // The digests of the table are remembered separately, because datasets share images more often than tables.
        let table_hash = table_hash(digests(cache, tables[0], &table_files, on_progress)?);
        let digests = digests(cache, images, &paths, on_progress)?;
        let files = paths.into_iter().zip(relative).zip(digests);
        let images: Vec<ImageFile> = files
            .map(|((path, relative), Digest { size, hash })| ImageFile { path, relative, size, hash })
            .collect();
        let images_hash = images_hash(&images);
        Ok(Self { images, images_folder: folder, passed_over, table_files, table_hash, images_hash })
    }
}

/// Returns a location's path on this machine.
fn here(location: &Location) -> Result<&Path, StoreError> {
    location.local().ok_or_else(|| elsewhere(location))
}

fn elsewhere(location: &Location) -> StoreError {
    StoreError::Elsewhere { location: location.to_string() }
}

/// Returns the single file of a table, or the files that a glob matches.
fn files_of_table(table: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let missing = || StoreError::NoTable { path: table.to_path_buf() };
    if table.is_file() {
        return Ok(vec![table.to_path_buf()]);
    }
    let found = image_files::matching(table)?.filter(|found| !found.relative.is_empty());
    let ImageFiles { folder, relative, .. } = found.ok_or_else(missing)?;
    Ok(relative.iter().map(|relative| folder.join(relative)).collect())
}

/// Returns the hash of a table. A single file gives its own hash, so that the table stays the same under any name.
fn table_hash(digests: Vec<Digest>) -> String {
    let mut hashes: Vec<String> = digests.into_iter().map(|digest| digest.hash).collect();
    match hashes.len() {
        1 => hashes.remove(0),
        _ => identity::hash(json!(hashes)),
    }
}

fn images_hash(images: &[ImageFile]) -> String {
    identity::hash(images.iter().map(|image| json!([image.relative, image.hash])).collect())
}
