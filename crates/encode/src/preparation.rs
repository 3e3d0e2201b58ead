//! How texts and images become inputs of a model's graphs.

use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::image::Preprocessor;
use cliptune_clip::tokenizer::Tokenizer;

use crate::error::EncodeError;

/// The tokenizer and the preprocessing of a model folder. They need no runtime, so that they can be read while it starts.
#[derive(Clone, Debug)]
pub struct Preparation {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) preprocessor: Preprocessor,
}

impl Preparation {
    /// Reads both.
    ///
    /// # Errors
    /// Returns an error if a file is missing or unusable.
    pub fn read(folder: &Path) -> Result<Self, EncodeError> {
        let config = ClipConfig::from_folder(folder)?;
        Ok(Self {
            tokenizer: Tokenizer::from_folder(folder, config.text.context_length)?,
            preprocessor: Preprocessor::from_folder(folder)?,
        })
    }
}
