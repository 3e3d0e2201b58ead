//! Scores exported models with ONNX Runtime: metrics and their intervals.
//!
//! A run is scored only after the `parity` gate: ONNX Runtime must give the logits that libtorch gave. Each distinct
//! image and text of a split is encoded once (`model`); `choice`, `classes` and `pairs` turn the cosines into predictions and
//! metrics. Intervals come from `cliptune-statistics`.

mod answer;
mod baseline;
mod choice;
mod classes;
mod command;
pub mod distinct;
mod encoded;
pub mod error;
pub mod export;
pub mod graph;
mod images;
pub mod matrix;
mod metrics;
pub mod model;
mod pairs;
mod parity;
mod precisions;
pub mod runtime;
pub mod score;
mod softmax;
mod split;
mod summary;
pub mod temperature;
pub mod texts;
mod towers;

pub use command::{Arguments, run};
pub use error::ScoreError;
