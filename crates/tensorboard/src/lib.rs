//! Writes event files that TensorBoard opens while they grow: scalars, texts and hyperparameters.
//!
//! Every folder is one run. A run that was killed goes on in a new file, which says from which step on the earlier ones
//! do not count. Own code rather than a crate: those there are bring a dozen dependencies, an old protobuf or no
//! hyperparameters, and the whole format is a page.

mod file;
mod proto;
mod record;

pub use file::{EventFile, Setting, Status};
