//! Why a model folder cannot be used or written.

use std::io;
use std::path::PathBuf;

use cliptune_durable::DurableError;

use super::diagnosis::NotAModel;
use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use crate::image::ImageError;
use crate::tokenizer::TokenizerError;

/// Why a model folder cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder cannot be listed; the source names it.
    #[error(transparent)]
    List(#[from] io::Error),
    /// The folder is something else than a model.
    #[error(transparent)]
    NotAModel(#[from] NotAModel),
    /// The configuration cannot be used.
    #[error("cannot use the model in {}", folder.display())]
    Config {
        /// The folder.
        folder: PathBuf,
        /// Why not.
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
    /// The files are not of one model.
    #[error("the files in {} do not belong together: {problem}", folder.display())]
    Mismatch {
        /// The folder.
        folder: PathBuf,
        /// Which two disagree about what.
        problem: String,
    },
    /// The model cannot be laid out as asked.
    #[error("cannot lay out the model in {} for open_clip", folder.display())]
    Layout {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: Box<ConfigError>,
    },
    /// A file cannot be written; the source names it.
    #[error("cannot write the model")]
    Write(#[from] DurableError),
    /// The configuration cannot be written as JSON.
    #[error("cannot write the model's configuration")]
    Json(#[from] serde_json::Error),
}

impl FolderError {
    /// What to do about it.
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
