//! Trains CLIP with libtorch and exports it.
//!
//! A run leads from a dataset and a [`start::Start`] through [`fit`] to what [`export`] leaves behind; [`run::make`]
//! takes all of these steps.

pub mod board;
mod cautions;
pub mod checkpoint;
mod command;
pub mod data;
pub mod device;
pub mod divergence;
pub mod draws;
mod dry_run;
pub mod encoder;
pub mod environment;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod fit;
mod gpu;
pub mod gradient;
pub mod group;
pub mod journal;
pub mod launcher;
pub mod memory;
pub mod merit;
pub mod model;
pub mod objective;
pub mod optimizer;
pub mod progress;
pub mod provenance;
pub mod run;
pub mod schedule;
mod session;
pub mod start;
pub mod tuning;
pub mod watch;

pub use command::{Arguments, command};
pub use error::TrainError;
