//! The reasons why nothing can be encoded.

use std::path::PathBuf;

use cliptune_clip::ConfigError;
use cliptune_clip::checkpoint::CheckpointError;
use cliptune_clip::image::ImageError;
use cliptune_clip::tokenizer::TokenizerError;
use cliptune_experiment::Precision;
use cliptune_onnx::OnnxError;
use cliptune_store::StoreError;

use crate::graph::GraphError;

/// The reason why a model cannot encode something.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A graph is missing or unusable.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The weights beside the graphs are unusable.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// A graph file or a file of the model folder cannot be read.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The model's configuration is missing or unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tokenizer is missing or unusable.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// An image or the preprocessing is unusable.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// An image cannot be read, or is not the one of its dataset any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model was not exported in a precision, or that precision was not kept.
    #[error("{} has no graphs in {precision}", folder.display())]
    NoPrecision {
        /// The folder of the graphs.
        folder: PathBuf,
        /// The precision.
        precision: Precision,
    },
    /// An embedding has zero length or contains something that is not a finite number.
    #[error("{}: ONNX Runtime computes {computed} for {input}", graph.display())]
    NoDirection {
        /// The graph of the tower.
        graph: PathBuf,
        /// The text or image whose embedding is unusable.
        input: String,
        /// What the embedding consists of: `NaN`, `infinite numbers` or `nothing but zeros`.
        computed: &'static str,
    },
}
