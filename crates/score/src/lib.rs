//! Scores exported models with ONNX Runtime: metrics and their intervals.
//!
//! A run is scored only after the `parity` gate: ONNX Runtime must give the logits that libtorch gave. `cliptune-encode`
//! turns each distinct image and text of a split into a vector; `choice`, `classes` and `pairs` turn the cosines into
//! predictions and metrics. Intervals come from `cliptune-statistics`.

mod answer;
mod choice;
mod classes;
mod command;
mod controls;
mod encoded;
pub mod error;
mod hits;
mod metrics;
mod pairs;
mod parity;
mod precisions;
pub mod score;
mod shuffle;
mod split;
mod summary;
mod verdict;

use cliptune_encode::{distinct, matrix, softmax, temperature};

pub use command::{Arguments, run};
pub use error::ScoreError;
