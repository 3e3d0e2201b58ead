//! Why a model cannot be exported.

use std::io;
use std::path::PathBuf;

/// Why a model cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The model needs a weight that the source does not have.
    #[error("the weight {name} is missing")]
    MissingWeight {
        /// The weight.
        name: String,
    },
    /// A weight does not fit the configuration.
    #[error("the weight {name} has shape {found:?}, the configuration says {expected:?}")]
    WeightShape {
        /// The weight.
        name: String,
        /// What the configuration says.
        expected: Vec<usize>,
        /// What the source has.
        found: Vec<usize>,
    },
    /// A weight's data does not have the length of its shape.
    #[error("the weight {name} has {found} bytes of data, its shape needs {expected}")]
    WeightData {
        /// The weight.
        name: String,
        /// Four for each element.
        expected: u64,
        /// What the source gave.
        found: u64,
    },
    /// A weight cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
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
    /// A file would be larger than protobuf allows.
    #[error(
        "{file} would have {bytes} bytes, more than the 2 GiB of one ONNX file; external data is not supported yet"
    )]
    TooLarge {
        /// The file's name.
        file: &'static str,
        /// Its size.
        bytes: u64,
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
    TooLargeFile {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A file cannot be written. The source names its path.
    #[error("cannot write the ONNX model")]
    Write(#[source] io::Error),
}
