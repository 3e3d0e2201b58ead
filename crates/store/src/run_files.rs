//! The content of a completed run: its model, its graphs and its adapters.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::digests::{Digest, Memory};
use crate::error::{Damage, StoreError};
use crate::image_files::FileNames;
use crate::parity::read_parity;
use crate::regular::{expect_hash, file_hash, is_absent, is_folder, is_regular, looked_at, make_way};
use crate::run::{ADAPTER, MODEL, ONNX, Run};
use crate::run_record::End;
use crate::store::Store;
use crate::unread::Unread;

/// The files that have a checksum of their own. They are made again when they are damaged.
const RECORDS: [&str; 3] = ["parity.json", "precisions.json", "origin.json"];
/// The file name extension of graphs.
const GRAPH: &str = "onnx";

/// Returns the BLAKE3 of every file of a model and its export, by the file's path in the run's folder.
pub(crate) fn hashes(folder: &Path) -> Result<BTreeMap<String, String>, StoreError> {
    let mut hashes = BTreeMap::new();
    // The weights have a name in each of two folders.
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

/// Lists the files of a folder, except records and files that are being written. A folder that does not exist has
/// none.
fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !is_folder(folder)? {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let passed_over =
            RECORDS.iter().any(|record| name == *record) || name.as_encoded_bytes().starts_with(b".");
        if !passed_over && is_regular(&entry.path())? {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

impl Run {
    /// Makes sure that the model of a completed run has not changed since the run ended, byte for byte. This is
    /// called before another run starts from the model, and before the model is exported.
    ///
    /// # Errors
    /// Returns an error when a file of the model is missing, has changed or cannot be read.
    pub fn verify_model(&self) -> Result<(), StoreError> {
        self.verify(|path| path.starts_with(MODEL))
    }

    /// Makes sure that the model and the graphs have not changed since the run ended, and returns the BLAKE3 of each of their
    /// files by its path in the run's folder. This is called before the run is scored. A file whose size, times and inode are
    /// as they were when it was read last is not read again.
    ///
    /// # Errors
    /// Returns an error when one of their files is missing, has changed or cannot be read.
    pub fn verify_export(&self, store: &Store) -> Result<BTreeMap<String, String>, StoreError> {
        let wanted = |path: &Path| !path.starts_with(ADAPTER);
        let mut names = Vec::new();
        self.verify_by(wanted, |name, _| {
            names.push(name.to_owned());
            Ok(())
        })?;
        let memory = Memory::recall(&store.cache_folder(), &format!("export {}", self.folder().display()));
        let files = FileNames::new(self.folder().to_path_buf(), names);
        let digests = memory.digests(&files, &Unread::hash, &|_, _| {})?;
        let found: HashMap<&str, String> =
            files.relative.iter().map(String::as_str).zip(digests.iter().map(Digest::hex)).collect();
        self.verify_by(wanted, |name, hash| match found.get(name) {
            Some(found) if found == hash => Ok(()),
            _ => Err(StoreError::damaged(&self.folder().join(name), Damage::Content)),
        })?;
        let files = self.record().end.iter().flat_map(|End { files, .. }| files);
        let files = files.filter(|(name, _)| wanted(Path::new(name)));
        Ok(files.map(|(name, hash)| (name.clone(), hash.clone())).collect())
    }

    /// Returns an error when something that is derived from the run's weights is damaged: the graphs or libtorch's
    /// logits. `cliptune-train` makes both again.
    pub(crate) fn export_damage(&self) -> Result<(), StoreError> {
        if self.lacks_weights() {
            return Ok(());
        }
        if self.weights_file().is_file() {
            read_parity(self)?;
        }
        self.verify(|path| path.extension() == Some(OsStr::new(GRAPH)))
    }

    /// Removes folders that have the names of what is derived from the run's weights, before it is made again.
    ///
    /// # Errors
    /// Returns an error when a folder cannot be removed.
    pub fn make_way_for_export(&self) -> Result<(), StoreError> {
        let files = self.record().end.iter().flat_map(|End { files, .. }| files.keys());
        let graphs = files.filter(|name| Path::new(name).extension() == Some(OsStr::new(GRAPH)));
        let graphs = graphs.map(|name| self.folder().join(name));
        graphs.chain([self.parity_file()]).try_for_each(|path| make_way(&path))
    }

    /// Checks whether the run was completed and its weights and graphs were removed since, all of them. A run that only
    /// lacks some of the files of `onnx/` is damaged.
    pub fn lacks_weights(&self) -> bool {
        let files = self.record().end.iter().flat_map(|End { files, .. }| files.keys());
        let mut exported = files.filter(|name| Path::new(name).starts_with(ONNX)).peekable();
        exported.peek().is_some() && exported.all(|name| is_absent(&self.folder().join(name)))
    }

    fn verify(&self, wanted: impl Fn(&Path) -> bool) -> Result<(), StoreError> {
        self.verify_by(wanted, |name, hash| expect_hash(&self.folder().join(name), hash))
    }

    /// Has the hashes of files checked, each once: the weights have a name in each of two folders.
    fn verify_by(
        &self,
        wanted: impl Fn(&Path) -> bool,
        mut check: impl FnMut(&str, &str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.lacks_weights() {
            return Err(StoreError::NoWeights { run: self.id() });
        }
        let files = self.record().end.iter().flat_map(|End { files, .. }| files);
        let mut intact: HashMap<PathBuf, &str> = HashMap::new();
        for (name, hash) in files.filter(|(name, _)| wanted(Path::new(name))) {
            let path = self.folder().join(name);
            if looked_at(&path)?.is_none() {
                return Err(StoreError::damaged(&path, Damage::Missing));
            }
            let place = fs::canonicalize(&path)?;
            if intact.get(&place) != Some(&hash.as_str()) {
                check(name, hash)?;
                intact.insert(place, hash);
            }
        }
        Ok(())
    }
}
