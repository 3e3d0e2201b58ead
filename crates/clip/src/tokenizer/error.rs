//! What can go wrong with a tokenizer.

use std::io;
use std::path::PathBuf;

/// A tokenizer that could not be trained, loaded, saved or applied.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// The folder holds neither `tokenizer.json` nor `vocab.json` with `merges.txt`.
    #[error("no tokenizer in {}: neither tokenizer.json nor vocab.json with merges.txt", folder.display())]
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
    },

    /// A tokenizer file is not JSON, or not of the shape that the tokenizers library reads.
    #[error("cannot read the tokenizer {}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser objected to.
        reason: String,
    },

    /// The file is a tokenizer, but not CLIP's byte-level BPE.
    #[error("{} is not a CLIP tokenizer: {reason}", path.display())]
    NotClip {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },

    /// The context has no room for a start token, an end token and anything between them.
    #[error("a context length of {0} holds no text: it must be at least 3")]
    ContextTooShort(usize),

    /// The vocabulary asked for is smaller than the byte alphabet and the two special tokens.
    #[error("a vocabulary of {asked} is too small: the byte alphabet and the special tokens take {least}")]
    VocabularyTooSmall {
        /// The size asked for.
        asked: usize,
        /// The smallest size that can be had.
        least: usize,
    },

    /// The tokenizers library refused a model or a text.
    #[error("the tokenizers library failed: {0}")]
    Library(String),
}

impl TokenizerError {
    /// Wraps an error of the tokenizers library, which are boxed and untyped.
    pub(super) fn library(error: impl std::fmt::Display) -> Self {
        Self::Library(error.to_string())
    }
}
