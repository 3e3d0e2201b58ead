//! The error for a configuration that cannot be used.

use std::path::PathBuf;

/// The reason why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the model's configuration")]
    Read(#[source] std::io::Error),
    /// The file is not JSON, a key is missing, or a value is impossible or not supported.
    #[error("{path} is not a configuration that can be used: {reason}")]
    Parse {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with the configuration.
        reason: String,
    },
    /// The configuration describes an architecture that is neither CLIP nor SigLIP.
    #[error("{} describes {what}", path.display())]
    Foreign {
        /// The path of the file.
        path: PathBuf,
        /// What the file describes.
        what: String,
    },
    /// The configuration cannot be written for open_clip.
    #[error("open_clip has no model that computes the same: {reason}")]
    OpenClip {
        /// Why open_clip has no such model.
        reason: String,
    },
    /// The two configurations of one folder contradict each other.
    #[error("{path} says that the activation is {own}, {other} says {theirs}")]
    Disagree {
        /// The path of Hugging Face's file.
        path: PathBuf,
        /// The activations in Hugging Face's file.
        own: String,
        /// The path of open_clip's file.
        other: PathBuf,
        /// The activations in open_clip's file.
        theirs: String,
    },
}

impl ConfigError {
    /// Returns advice on how to fix the problem, if there is any.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => Some(
                "no conversion makes a CLIP of it: take a CLIP with a vision transformer, such as \
                 openai/clip-vit-base-patch32, or a SigLIP, such as google/siglip-base-patch16-224",
            ),
            Self::Disagree { .. } => Some("remove the configuration that is not the weights' own"),
            _ => None,
        }
    }
}
