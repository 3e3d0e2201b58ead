//! Writes CLIP as ONNX.
//!
//! The towers of `cliptune_clip` run over an interpreter that appends ONNX nodes instead of computing, so the exported
//! graph is the trained graph by construction. [`export`] writes three files, named and shaped like those of Hugging
//! Face Optimum, and a fourth for ONNX Runtime. All of them refer to the weights in `model.safetensors` beside them.

mod activation;
mod attention;
mod error;
mod export;
mod flavour;
mod graph;
mod interpreter;
mod mask;
pub mod metadata;
mod models;
pub mod proto;
mod reduce;
mod value;
mod weights;
mod write;

pub use error::OnnxError;
pub use export::export;
pub use metadata::Preparation;
pub use models::{
    ATTENTION_MASK, FAST_VISION_MODEL_FILE, IMAGE_EMBEDS, INPUT_IDS, LOGITS_PER_IMAGE, LOGITS_PER_TEXT,
    MODEL_FILE, PIXEL_VALUES, TEXT_EMBEDS, TEXT_MODEL_FILE, VISION_MODEL_FILE,
};
pub use reduce::{Reduction, reduce, shipped_bytes};
