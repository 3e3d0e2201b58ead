//! The error for a tokenizer that could not be used.

use std::io;
use std::path::PathBuf;

/// The reason why a tokenizer could not be trained, loaded, saved or applied.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// The folder does not contain a tokenizer of a known kind.
    #[error(
        "no tokenizer in {}: neither tokenizer.json, nor vocab.json with merges.txt, nor spiece.model, nor \
         open_clip_config.json",
        folder.display()
    )]
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
    },

    /// A tokenizer file does not have the contents that its name promises.
    #[error("cannot read the tokenizer {}: {reason}", path.display())]
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// What the parser objected to.
        reason: String,
    },

    /// The file is a tokenizer, but not that of a CLIP or SigLIP.
    #[error("{} is not a CLIP or SigLIP tokenizer: {reason}", path.display())]
    NotClip {
        /// The path of the file.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },

    /// A file is too large to be a tokenizer.
    #[error("{} is too large for a tokenizer: {bytes} bytes, the limit is {limit}", path.display())]
    TooLarge {
        /// The path of the file.
        path: PathBuf,
        /// The size of the file in bytes.
        bytes: u64,
        /// The largest size that is read, in bytes.
        limit: u64,
    },

    /// The context has no room for a start token, an end token and something between them.
    #[error("a context length of {0} holds no text: it must be at least 3")]
    ContextTooShort(usize),

    /// The requested vocabulary is smaller than the byte alphabet and the two special tokens.
    #[error("a vocabulary of {asked} is too small: the byte alphabet and the special tokens take {least}")]
    VocabularyTooSmall {
        /// The requested size.
        asked: usize,
        /// The smallest possible size.
        least: usize,
    },

    /// The tokenizers library refused a model or a text.
    #[error("the tokenizers library failed: {0}")]
    Library(String),
}

impl TokenizerError {
    /// Wraps an error of the tokenizers library, whose errors are boxed and untyped.
    pub(super) fn library(error: impl std::fmt::Display) -> Self {
        Self::Library(error.to_string())
    }
}
