//! The error for a checkpoint that cannot be used.

use std::io;
use std::path::PathBuf;

use super::header::FloatKind;
use super::values::ValueFault;
use crate::config::Family;

/// The reason why a checkpoint cannot be used. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read; the source error names it.
    #[error("cannot read the model's weights")]
    Read(#[from] io::Error),
    /// A file cannot be written; the source error names it.
    #[error("cannot write the model's weights")]
    Write(#[source] io::Error),
    /// The folder contains no weights.
    #[error("{} has no model.safetensors and no open_clip_model.safetensors", folder.display())]
    NoWeights {
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// A file is truncated or is not a safetensors file.
    #[error("{} is not a usable safetensors file: {reason}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong with the file.
        reason: String,
    },
    /// The names of the weights do not match any known layout.
    #[error(
        "{} is neither a CLIP nor a SigLIP as Hugging Face or open_clip names them; its tensors are {}, …",
        path.display(), first.join(", ")
    )]
    Unknown {
        /// The file with the unknown names.
        path: PathBuf,
        /// The first few tensor names in the file.
        first: Vec<String>,
    },
    /// The weights belong to a different architecture from the one in the configuration.
    #[error("{} does not have the weights of a {}, which the configuration asks for", path.display(), configured.title())]
    Family {
        /// The file that holds the weights.
        path: PathBuf,
        /// The architecture that the configuration asks for.
        configured: Family,
    },
    /// A weight is missing.
    #[error("{} has no tensor {name}", path.display())]
    Missing {
        /// The file that should hold the tensor.
        path: PathBuf,
        /// The name of the missing tensor.
        name: String,
    },
    /// A weight has a different shape from the one that the configuration implies.
    #[error("{}: tensor {name} has shape {found:?}, the configuration says {expected:?}", path.display())]
    Shape {
        /// The file that holds the tensor.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
        /// The shape of the tensor in the file.
        found: Vec<usize>,
        /// The shape that the configuration implies.
        expected: Vec<usize>,
    },
    /// The numbers of a weight are not floats.
    #[error("{}: tensor {name} is of type {found}, not a float", path.display())]
    Kind {
        /// The file that holds the tensor.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
        /// The type of the tensor's numbers in the file.
        found: String,
    },
    /// The values of a weight make it impossible to compute anything useful.
    #[error("{}: tensor {name} {fault}", path.display())]
    Values {
        /// The file that holds the tensor.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
        /// What is wrong with the values of the tensor.
        fault: ValueFault,
    },
    /// Weights of different types would have to share one tensor.
    #[error("tensor {name} cannot be written: it would mix {first:?} and {second:?}")]
    Mixed {
        /// The name of the shared tensor.
        name: String,
        /// The type of one of the weights.
        first: FloatKind,
        /// The type of another of the weights.
        second: FloatKind,
    },
    /// The file holds the weights of several models at once.
    #[error("{} holds the weights of several models, below {}", path.display(), prefixes.join(", "))]
    Several {
        /// The file that holds the weights.
        path: PathBuf,
        /// The prefix of the tensor names of each model.
        prefixes: Vec<String>,
    },
    /// Two tensors hold the same weight.
    #[error("{}: tensor {name} is there more than once", path.display())]
    Twice {
        /// The file in which the second of the two tensors was found.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
    },
}

impl CheckpointError {
    /// Returns advice on how to fix the problem, if there is any.
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
