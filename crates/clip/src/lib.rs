//! Defines the CLIP architecture, the names of the weights, the tokenizer and the image preprocessing.
//!
//! No model is computed here: [`towers`] describes the model in terms of the operations in [`ops`], and an interpreter
//! (libtorch in `cliptune-train`, the ONNX writer in `cliptune-onnx`) gives them meaning.

pub mod checkpoint;
pub mod config;
mod family;
mod files;
pub mod image;
pub mod model_folder;
pub mod names;
pub mod ops;
pub mod tokenizer;
pub mod towers;
pub mod weights;

pub use config::{ClipConfig, ConfigError};
pub use model_folder::ModelFolder;
