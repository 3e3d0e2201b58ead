//! What a run goes on from after an interruption or a crash: weights, moments and position.
//!
//! A checkpoint is two files: `last.safetensors` with everything that steps change, and `best-<epoch>.safetensors` with
//! the weights of the epoch that the position in it calls the best, unless that is epoch 0, the model before training.
//! Each is complete or absent, and they are written in this order: best, last, then older ones are removed. A crash
//! between any two leaves a pair that belongs together.
//!
//! While a checkpoint is written there is a second copy in memory of what it holds: of the weights that move, of their
//! moments, and of the best epoch's weights until they are on disk. That is the price of not waiting for the disk.

mod files;
mod position;
mod saver;
mod state;

pub use files::Checkpoints;
pub(crate) use files::{remove, unusable};
pub use position::{Best, Position};
pub use saver::Saver;
pub use state::{Snapshot, State};
