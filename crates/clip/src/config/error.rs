//! Why a configuration cannot be used.

use std::path::PathBuf;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the model's configuration")]
    Read(#[source] std::io::Error),
    /// It is not JSON, a key is missing, or a value is impossible or not supported.
    #[error("{path} is not a configuration that can be used: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is the configuration of an architecture that is neither CLIP nor SigLIP.
    #[error("{} describes {what}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What the file describes.
        what: String,
    },
    /// The configuration cannot be written for open_clip.
    #[error("open_clip has no model that computes the same: {reason}")]
    OpenClip {
        /// Why not.
        reason: String,
    },
    /// The two configurations of one folder contradict each other.
    #[error("{path} says that the activation is {own}, {other} says {theirs}")]
    Disagree {
        /// Hugging Face's file.
        path: PathBuf,
        /// Its activations.
        own: String,
        /// open_clip's file.
        other: PathBuf,
        /// Its activations.
        theirs: String,
    },
}

impl ConfigError {
    /// What to do about it.
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
