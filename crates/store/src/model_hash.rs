//! The identity of a model folder, which is the hash of everything that decides the model's output.

use std::path::Path;

use cliptune_clip::image::{PREPROCESSOR_FILE, PROCESSOR_FILE};
use cliptune_clip::model_folder::{Found, NotAModel, diagnose};
use fs_err as fs;
use serde_json::json;

use crate::digests::{Digest, Memory};
use crate::error::StoreError;
use crate::identity;
use crate::image_files::FileNames;
use crate::regular::{file_hash, looked_at};
use crate::store::Store;
use crate::unread::Unread;

/// The files of a folder that decide a model's output, in addition to its `*.safetensors`.
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
    /// Returns the BLAKE3 of a model folder's weights, configuration, tokenizer and preprocessor. Other files do not
    /// count. Files whose sizes and times have not changed since the last call are not read again.
    pub fn model_hash(&self, folder: &Path) -> Result<String, StoreError> {
        let files = FileNames::new(folder.to_path_buf(), names(folder)?);
        let memory = Memory::recall(&self.cache_folder(), &folder.to_string_lossy());
        let digests = memory.digests(&files, &Unread::hash, &|_, _| {})?;
        Ok(over(&files.relative, digests.iter().map(Digest::hex)))
    }
}

/// Makes sure that the content of a model folder has the given [`Store::model_hash`]. Every file is read, because
/// damage on the disk changes neither the size nor the times of a file.
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
        // The other names are not valid UTF-8, either.
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

/// Returns the name if it is that of a regular file. Reading a pipe would never end, and a link to nothing has no
/// content.
fn regular(folder: &Path, file: String) -> Result<String, StoreError> {
    let found = match looked_at(&folder.join(&file))? {
        Some(about) if about.is_file() => return Ok(file),
        Some(_) => Found::NoRegularFile { file },
        None => Found::BrokenLink { file },
    };
    Err(NotAModel { folder: folder.to_path_buf(), found }.into())
}
