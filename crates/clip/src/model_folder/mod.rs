//! A model folder as a whole: configuration, weights, tokenizer and preprocessing that belong together.

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

/// A model on disk, as transformers or open_clip lays it out. The weights stay where they are.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    /// Where it is.
    pub folder: PathBuf,
    /// Its sizes.
    pub config: ClipConfig,
    /// Where its weights lie.
    pub checkpoint: Checkpoint,
    /// Text to ids.
    pub tokenizer: Tokenizer,
    /// Image files to pixels.
    pub preprocessor: Preprocessor,
}

impl ModelFolder {
    /// Reads a folder: everything but the values of the weights.
    ///
    /// # Errors
    /// When a file is missing, damaged or does not go with the others.
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

    /// Where the tokenizer or the preprocessing does not go with the configuration. Whoever computes would fail in the
    /// middle, or worse: a text whose end the tower does not know is pooled at its first token.
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
