//! Writes event files that TensorBoard opens while they grow: scalars, texts and hyperparameters.
//!
//! Every folder is one run. A run that was killed continues in a new file, which says from which step on the earlier
//! files do not count. No crate is used, because the existing ones bring a dozen dependencies, an old protobuf or no
//! hyperparameters, and the whole format fits on a page.

mod file;
mod proto;
mod record;

pub use file::{EventFile, PREFIX, Setting, Status};
