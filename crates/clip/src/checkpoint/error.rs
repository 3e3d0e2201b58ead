//! Why a checkpoint cannot be used.

use std::io;
use std::path::PathBuf;

use super::header::FloatKind;
use super::values::ValueFault;
use crate::config::Family;

/// Why a checkpoint cannot be used. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read; the source names it.
    #[error("cannot read the model's weights")]
    Read(#[from] io::Error),
    /// A file cannot be written; the source names it.
    #[error("cannot write the model's weights")]
    Write(#[source] io::Error),
    /// The folder has no weights.
    #[error("{} has no model.safetensors and no open_clip_model.safetensors", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A file is truncated, or is no safetensors file.
    #[error("{} is not a usable safetensors file: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights have the names of no layout that is known.
    #[error(
        "{} is neither a CLIP nor a SigLIP as Hugging Face or open_clip names them; its tensors are {}, …",
        path.display(), first.join(", ")
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The first names.
        first: Vec<String>,
    },
    /// The weights are of another architecture than the configuration.
    #[error("{} does not have the weights of a {}, which the configuration asks for", path.display(), configured.title())]
    Family {
        /// The file.
        path: PathBuf,
        /// The configured architecture.
        configured: Family,
    },
    /// A weight is missing.
    #[error("{} has no tensor {name}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A weight has another shape than the configuration says.
    #[error("{}: tensor {name} has shape {found:?}, the configuration says {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the configuration says.
        expected: Vec<usize>,
    },
    /// A weight is not a float.
    #[error("{}: tensor {name} is of type {found}, not a float", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// Nothing can be computed with the values of a weight.
    #[error("{}: tensor {name} {fault}", path.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with its values.
        fault: ValueFault,
    },
    /// Weights of different types would have to share a tensor.
    #[error("tensor {name} cannot be written: it would mix {first:?} and {second:?}")]
    Mixed {
        /// The tensor.
        name: String,
        /// The type of one of its weights.
        first: FloatKind,
        /// The type of another.
        second: FloatKind,
    },
    /// The weights are of several models at once.
    #[error("{} holds the weights of several models, below {}", path.display(), prefixes.join(", "))]
    Several {
        /// The file.
        path: PathBuf,
        /// What stands before the names of each.
        prefixes: Vec<String>,
    },
    /// Two tensors are the same weight.
    #[error("{}: tensor {name} is there more than once", path.display())]
    Twice {
        /// The second file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
}

impl CheckpointError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Several { .. } => Some("save the one that is meant in a file of its own"),
            Self::Damaged { .. } => Some(
                "get it again; a file of some 130 bytes is a Git LFS pointer: `git lfs pull` gets what it points to",
            ),
            Self::Values { .. } => Some(
                "the file is damaged, or the training that wrote it diverged: get the file again, or take the \
                 weights of an earlier epoch",
            ),
            Self::Missing { .. } | Self::Shape { .. } | Self::Kind { .. } | Self::Family { .. } => {
                Some("take all files of the folder from one model, as its library saves it")
            }
            _ => None,
        }
    }
}
