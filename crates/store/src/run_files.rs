//! What a completed run consists of, by content: its model, its graphs, its adapters.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::error::{Damage, StoreError};
use crate::parity::read_parity;
use crate::regular::{expect_hash, file_hash};
use crate::run::{ADAPTER, MODEL, ONNX, Run};
use crate::run_record::End;

/// Files with a checksum of their own, which are made again when they are damaged.
const RECORDS: [&str; 3] = ["parity.json", "precisions.json", "origin.json"];
/// What the names of graphs end with.
const GRAPH: &str = "onnx";

/// The BLAKE3 of every file of a model and its export, by its path in the run's folder.
pub(crate) fn hashes(folder: &Path) -> Result<BTreeMap<String, String>, StoreError> {
    let mut hashes = BTreeMap::new();
    // The weights have a name in two folders.
    let mut known: HashMap<PathBuf, String> = HashMap::new();
    for part in [MODEL, ONNX, ADAPTER] {
        for path in files(&folder.join(part))? {
            let place = fs::canonicalize(&path)?;
            let hash = match known.get(&place) {
                Some(hash) => hash.clone(),
                None => file_hash(&place)?,
            };
            known.insert(place, hash.clone());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            hashes.insert(format!("{part}/{name}"), hash);
        }
    }
    Ok(hashes)
}

/// The files of a folder but records and what is being written; none when there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let passed_over =
            RECORDS.iter().any(|record| name == *record) || name.as_encoded_bytes().starts_with(b".");
        if !passed_over && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

impl Run {
    /// Makes sure that the model of a completed run is the one that it ended with, byte for byte: before another run
    /// starts from it, and before it is exported.
    ///
    /// # Errors
    /// When a file of the model is missing, has changed or cannot be read.
    pub fn verify_model(&self) -> Result<(), StoreError> {
        self.verify(|path| path.starts_with(MODEL))
    }

    /// Makes sure that the model and the graphs are those that the run ended with: before it is scored.
    ///
    /// # Errors
    /// When one of their files is missing, has changed or cannot be read.
    pub fn verify_export(&self) -> Result<(), StoreError> {
        self.verify(|path| !path.starts_with(ADAPTER))
    }

    /// What is derived of the run's weights and is damaged: the graphs, and libtorch's logits. `cliptune-train` makes
    /// both again.
    pub(crate) fn export_damage(&self) -> Result<(), StoreError> {
        if self.weights_file().is_file() {
            read_parity(self)?;
        }
        self.verify(|path| path.extension() == Some(OsStr::new(GRAPH)))
    }

    fn verify(&self, wanted: impl Fn(&Path) -> bool) -> Result<(), StoreError> {
        let files = self.record().end.iter().flat_map(|End { files, .. }| files);
        let mut intact: HashMap<PathBuf, &str> = HashMap::new();
        for (name, hash) in files.filter(|(name, _)| wanted(Path::new(name))) {
            let path = self.folder().join(name);
            let place = fs::canonicalize(&path).map_err(|_| StoreError::damaged(&path, Damage::Missing))?;
            if intact.get(&place) != Some(&hash.as_str()) {
                expect_hash(&path, hash)?;
                intact.insert(place, hash);
            }
        }
        Ok(())
    }
}
