//! A model at work, with ONNX Runtime alone.
//!
//! An [`Applied`] is a run or a model folder whose graphs are known to belong to its model. [`rank`] orders texts for images
//! and classes for images, which are texts within templates.

mod applied;
mod codes;
pub mod embed;
mod error;
mod graphs;
mod layout;
mod lines;
mod pictures;
pub mod rank;
pub mod search;
pub mod show;

pub use applied::{Applied, Proof};
pub use error::{ApplyError, Sought};
pub use lines::{MOST_TEXTS, read_lines};
pub use pictures::find;
