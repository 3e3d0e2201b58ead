//! The reasons why a model cannot be exported.

use std::io;
use std::path::PathBuf;

use cliptune_clip::ConfigError;
use cliptune_clip::checkpoint::CheckpointError;
use cliptune_clip::image::ImageError;
use cliptune_durable::DurableError;

/// The reason why a model cannot be exported.
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
    /// The weights are missing, damaged or belong to another configuration.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The weights are not stored in the way that graphs refer to them.
    #[error("{} does not hold every weight as a tensor of its own in f32", path.display())]
    Layout {
        /// The file with the weights.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file that cannot be read.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The towers ask for a weight that the configuration does not list, which is a bug in cliptune.
    #[error("the model has no weight {name}")]
    Unlisted {
        /// The name of the weight.
        name: String,
    },
    /// The towers applied an operation to something that it is not defined for, which is a bug in cliptune.
    #[error("{operation} takes {expected}, not {found}")]
    Operand {
        /// The name of the operation.
        operation: &'static str,
        /// The kind of operand that the operation takes.
        expected: String,
        /// The operand that it was given.
        found: String,
    },
    /// A file is not an ONNX model.
    #[error("{} is no ONNX model: {why}", path.display())]
    Damaged {
        /// The file that was read.
        path: PathBuf,
        /// A description of what is wrong with the file.
        why: String,
    },
    /// A weight cannot be converted to another precision.
    #[error("cannot convert the weight {weight}")]
    Convert {
        /// The name of the weight.
        weight: String,
        /// The cause: the file holds too little data, or there is no room for the result.
        source: io::Error,
    },
    /// A file would be larger than protobuf allows.
    #[error("{} would have {bytes} bytes, more than the 2 GiB of one ONNX file", path.display())]
    TooLarge {
        /// The file that was to be written.
        path: PathBuf,
        /// The size that the file would have, in bytes.
        bytes: u64,
    },
    /// A file cannot be written. The source error names its path.
    #[error("cannot write the ONNX model")]
    Write(#[from] DurableError),
}
