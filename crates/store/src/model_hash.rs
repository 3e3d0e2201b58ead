//! Identity of a model folder: the hash of what decides its output.

use std::path::{Path, PathBuf};

use cliptune_clip::image::{PREPROCESSOR_FILE, PROCESSOR_FILE};
use cliptune_clip::model_folder::{Found, NotAModel, diagnose};
use fs_err as fs;
use serde_json::json;

use crate::digests::digests;
use crate::error::StoreError;
use crate::identity;
use crate::regular::file_hash;
use crate::store::Store;

/// The folder's files that decide a model's output, beside its `*.safetensors`.
const FILES: [&str; 11] = [
    "config.json",
    "open_clip_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "special_tokens_map.json",
    PREPROCESSOR_FILE,
    PROCESSOR_FILE,
    "model.safetensors.index.json",
];
const WEIGHTS: &str = "safetensors";

impl Store {
    /// Returns the BLAKE3 over a model folder's weights, configuration, tokenizer and preprocessor; other files do not
    /// count. Files that have not changed since the last call, by their size and times, are not read again.
    pub fn model_hash(&self, folder: &Path) -> Result<String, StoreError> {
        let names = names(folder)?;
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        let digests = digests(&self.cache_folder(), folder, &paths, &|_, _| {})?;
        Ok(over(&names, digests.into_iter().map(|digest| digest.hash)))
    }
}

/// Makes sure that a model folder has the content that its [`Store::model_hash`] is of: every file is read, because what
/// a disk does to a file changes neither its size nor its times.
pub(crate) fn verify(folder: &Path, hash: &str) -> Result<(), StoreError> {
    let names = names(folder)?;
    let hashes = names.iter().map(|name| file_hash(&folder.join(name))).collect::<Result<Vec<_>, _>>()?;
    match over(&names, hashes) == hash {
        true => Ok(()),
        false => Err(StoreError::ChangedModel { path: folder.to_path_buf() }),
    }
}

fn over(names: &[String], hashes: impl IntoIterator<Item = String>) -> String {
    identity::hash(names.iter().zip(hashes).map(|(name, hash)| json!([name, hash])).collect())
}

fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    if let Some(other) = diagnose(folder)? {
        return Err(other.into());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Other names are not UTF-8 either.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if FILES.contains(&name.as_str())
            || Path::new(&name).extension().is_some_and(|extension| extension == WEIGHTS)
        {
            names.push(regular(folder, name)?);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A name, if it is a file's: reading a pipe never ends, and a link to nothing has no contents.
fn regular(folder: &Path, file: String) -> Result<String, StoreError> {
    let found = match fs::metadata(folder.join(&file)) {
        Ok(metadata) if metadata.is_file() => return Ok(file),
        Ok(_) => Found::NoRegularFile { file },
        Err(_) => Found::BrokenLink { file },
    };
    Err(NotAModel { folder: folder.to_path_buf(), found }.into())
}
