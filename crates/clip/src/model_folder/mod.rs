//! Reads and writes whole model folders: a configuration, weights, a tokenizer and preprocessing that belong together.

mod diagnosis;
mod error;
mod mean;
mod write;

use std::path::{Path, PathBuf};

pub use diagnosis::{Found, NotAModel, Place, diagnose, diagnose_names};
pub use error::FolderError;
pub use write::FolderLayout;

use crate::checkpoint::Checkpoint;
use crate::config::{ClipConfig, TextPooling};
use crate::image::Preprocessor;
use crate::tokenizer::Tokenizer;

/// A model on disk, in transformers' or open_clip's layout. The weights are not loaded into memory.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    /// The path of the folder.
    pub folder: PathBuf,
    /// The sizes of the model.
    pub config: ClipConfig,
    /// The places in the files where the weights are.
    pub checkpoint: Checkpoint,
    /// The tokenizer, which turns texts into ids.
    pub tokenizer: Tokenizer,
    /// The preprocessing, which turns image files into pixels.
    pub preprocessor: Preprocessor,
}

impl ModelFolder {
    /// Reads everything in a folder except the values of the weights.
    ///
    /// # Errors
    /// Fails when a file is missing, is damaged or does not fit the others.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        if let Some(other) = diagnose(folder)? {
            return Err(other.into());
        }
        let config = ClipConfig::from_folder(folder)
            .map_err(|source| FolderError::Config { folder: folder.to_owned(), source: Box::new(source) })?;
        let model = Self {
            folder: folder.to_owned(),
            checkpoint: Checkpoint::open(folder, &config)?,
            tokenizer: Tokenizer::from_folder(folder, config.text.context_length)?,
            preprocessor: Preprocessor::from_folder(folder)?,
            config,
        };
        match model.mismatch() {
            None => Ok(model),
            Some(problem) => Err(FolderError::Mismatch { folder: folder.to_owned(), problem }),
        }
    }

    /// Describes where the tokenizer or the preprocessing does not fit the configuration. Otherwise, a computation
    /// would fail half-way, or worse: a text whose end token the tower does not know is pooled at its first token.
    fn mismatch(&self) -> Option<String> {
        let (vision, text) = (&self.config.vision, &self.config.text);
        let (size, tokens, end) =
            (self.preprocessor.size, self.tokenizer.vocab_size(), self.tokenizer.end_id());
        if size as usize != vision.image_size {
            Some(format!("images are resized to {size} pixels, but the model takes {}", vision.image_size))
        } else if tokens > text.vocab_size {
            Some(format!("the tokenizer has {tokens} tokens, but the model has {}", text.vocab_size))
        } else {
            match text.pooling {
                TextPooling::First(id) if id != end => {
                    Some(format!("the tokenizer ends a text with token {end}, but the model looks for {id}"))
                }
                _ => None,
            }
        }
    }
}
