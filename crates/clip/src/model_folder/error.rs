//! The error for a model folder that cannot be used or written.

use std::io;
use std::path::PathBuf;

use cliptune_durable::DurableError;

use super::diagnosis::NotAModel;
use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use crate::image::ImageError;
use crate::tokenizer::TokenizerError;

/// The reason why a model folder cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder cannot be listed; the source error names it.
    #[error(transparent)]
    List(#[from] io::Error),
    /// The folder holds something other than a model.
    #[error(transparent)]
    NotAModel(#[from] NotAModel),
    /// The configuration cannot be used.
    #[error("cannot use the model in {}", folder.display())]
    Config {
        /// The folder with the configuration.
        folder: PathBuf,
        /// Why the configuration cannot be used.
        source: Box<ConfigError>,
    },
    /// The weights cannot be used or written.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The tokenizer cannot be used or written.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The preprocessing cannot be used or written.
    #[error(transparent)]
    Preprocessing(#[from] ImageError),
    /// The files do not belong to one model.
    #[error("the files in {} do not belong together: {problem}", folder.display())]
    Mismatch {
        /// The folder with the files.
        folder: PathBuf,
        /// Which two files disagree, and about what.
        problem: String,
    },
    /// The model cannot be written in the requested layout.
    #[error("cannot lay out the model in {} for open_clip", folder.display())]
    Layout {
        /// The folder with the model.
        folder: PathBuf,
        /// Why the model cannot be written in that layout.
        source: Box<ConfigError>,
    },
    /// A file cannot be written; the source error names it.
    #[error("cannot write the model")]
    Write(#[from] DurableError),
    /// The configuration cannot be written as JSON.
    #[error("cannot write the model's configuration")]
    Json(#[from] serde_json::Error),
}

impl FolderError {
    /// Returns advice on how to fix the problem, if there is any.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::NotAModel(error) => return Some(error.hint()),
            Self::Config { source, .. } => source.hint()?,
            Self::Weights(error) => error.hint()?,
            Self::Mismatch { .. } => "take all files of the folder from one model, as its library saves it",
            Self::Layout { .. } => "`--layout hugging-face` can hold every model",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}
