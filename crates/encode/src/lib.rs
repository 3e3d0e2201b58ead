//! Turns images and texts into vectors with ONNX Runtime.
//!
//! A [`Model`](model::Model) is a folder of graphs with the folder that says how texts and images become their inputs. Each
//! distinct text and image is encoded once; what is [`Known`](known::Known) from an earlier call is not encoded at all.
//! Batches are small enough for a processor's caches and run side by side ([`tower`]), texts without any padding
//! ([`texts`]).

pub mod batch;
pub mod distinct;
pub mod error;
pub mod export;
pub mod graph;
mod header;
pub mod images;
pub mod known;
pub mod matrix;
pub mod model;
pub mod preparation;
pub mod runtime;
pub mod softmax;
pub mod temperature;
pub mod texts;
pub mod tower;
pub mod towers;

pub use error::EncodeError;
