//! Why a model cannot be exported.

use std::io;
use std::path::PathBuf;

use cliptune_clip::ConfigError;
use cliptune_clip::checkpoint::CheckpointError;
use cliptune_clip::image::ImageError;
use cliptune_durable::DurableError;

/// Why a model cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The model's configuration is missing or unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model's preprocessing is missing or unusable.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The preprocessing cannot be written as JSON.
    #[error("cannot write JSON")]
    Json(#[from] serde_json::Error),
    /// The weights are missing, damaged or of another configuration.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The weights are not laid out as graphs refer to them.
    #[error("{} does not hold every weight as a tensor of its own in f32", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The towers ask for a weight that the configuration does not list: an error in cliptune.
    #[error("the model has no weight {name}")]
    Unlisted {
        /// The weight.
        name: String,
    },
    /// The towers applied an operation to something it is not defined for: an error in cliptune.
    #[error("{operation} takes {expected}, not {found}")]
    Operand {
        /// The operation.
        operation: &'static str,
        /// What it takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// A file is no ONNX model.
    #[error("{} is no ONNX model: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A weight cannot be made into one of another precision.
    #[error("cannot convert the weight {weight}")]
    Convert {
        /// The weight.
        weight: String,
        /// Why not: too little data, or no room for the result.
        source: io::Error,
    },
    /// A file would be larger than protobuf allows.
    #[error("{} would have {bytes} bytes, more than the 2 GiB of one ONNX file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A file cannot be written. The source names its path.
    #[error("cannot write the ONNX model")]
    Write(#[from] DurableError),
}
