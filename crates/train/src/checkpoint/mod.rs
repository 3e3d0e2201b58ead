//! Checkpoints: the weights, moments and position from which a run continues after an interruption or a crash.
//!
//! A checkpoint is two files: `last.safetensors` with everything that steps change, and `best-<epoch>.safetensors` with
//! the weights of the epoch that the position in it calls the best, unless that is epoch 0, the model before training.
//! Each file is complete or absent. The best epoch's file is written first, then the last one, and only then are older
//! files removed. A crash between any two of these steps leaves a pair that belongs together.
//!
//! While a checkpoint is written, memory holds a second copy of its contents: of the weights that move, of their
//! moments, and of the best epoch's weights until they are on disk. That is the price of not waiting for the disk.

mod files;
mod position;
mod saver;
mod state;

pub use files::Checkpoints;
pub(crate) use files::{OUTSIDE, remove, unusable};
pub use position::{Best, Position};
pub use saver::Saver;
pub use state::{Snapshot, State};
