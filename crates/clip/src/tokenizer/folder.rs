//! Holds a tokenizer's files from a model folder, exactly as they were read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::error::TokenizerError;
use cliptune_durable::read_regular;

pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const CONFIGURATION: &str = "tokenizer_config.json";
pub(super) const SPECIAL_TOKENS: &str = "special_tokens_map.json";
pub(super) const VOCABULARY: &str = "vocab.json";
pub(super) const MERGES: &str = "merges.txt";
pub(super) const SENTENCE_PIECES: &str = "spiece.model";
pub(super) const OPEN_CLIP: &str = "open_clip_config.json";

/// The files that transformers may look for when it loads the tokenizer of a CLIP or a SigLIP.
const NAMES: [&str; 7] =
    [TOKENIZER, CONFIGURATION, SPECIAL_TOKENS, VOCABULARY, MERGES, SENTENCE_PIECES, "tokenizer.model"];

/// The files that decide which ids a text gets.
pub const DECIDING_FILES: [&str; 5] = [TOKENIZER, CONFIGURATION, VOCABULARY, MERGES, SENTENCE_PIECES];

/// The largest file that is read, in bytes. No published file comes near it: Gemma's `tokenizer.json` has 34 MB.
const LARGEST_FILE: u64 = 256 << 20;

/// The tokenizer files of a folder, byte for byte. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    folder: PathBuf,
    files: Arc<Vec<(&'static str, Vec<u8>)>>,
}

impl Files {
    /// Checks whether both sets of files have the same names and bytes, wherever they are.
    pub(super) fn are(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Reads those of the files that exist.
    pub(super) fn read(folder: &Path) -> Result<Self, TokenizerError> {
        let mut files = Vec::new();
        for name in NAMES {
            if let Some(bytes) = read_if_there(&folder.join(name))? {
                files.push((name, bytes));
            }
        }
        Ok(Self { folder: folder.to_owned(), files: Arc::new(files) })
    }

    /// Returns a file's contents, if it existed.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(known, _)| *known == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// Parses a file as JSON, if it existed.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, TokenizerError> {
        let parse =
            |bytes| serde_json::from_slice(bytes).map_err(|error| self.malformed(name, error.to_string()));
        self.get(name).map(parse).transpose()
    }

    /// Iterates over all files with their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    /// Creates the error for a damaged file.
    pub(super) fn malformed(&self, name: &str, reason: impl Into<String>) -> TokenizerError {
        TokenizerError::Malformed { path: self.folder.join(name), reason: reason.into() }
    }

    /// Creates the error for a file that is a tokenizer of another kind.
    pub(super) fn not_clip(&self, name: &str, reason: impl Into<String>) -> TokenizerError {
        TokenizerError::NotClip { path: self.folder.join(name), reason: reason.into() }
    }
}

/// Reads a file, if it exists; fails if it is larger than any tokenizer.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, TokenizerError> {
    let bytes = match fs_err::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if bytes > LARGEST_FILE {
        return Err(TokenizerError::TooLarge { path: path.to_owned(), bytes, limit: LARGEST_FILE });
    }
    Ok(Some(read_regular(path, LARGEST_FILE)?))
}
