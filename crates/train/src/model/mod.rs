//! CLIP in libtorch: its weights, and the interpreter that gives the towers' definition its meaning.

mod files;
mod interpreter;
mod parameters;

pub use files::{load, save};
pub(crate) use files::{parse, tensor};
pub use interpreter::TorchOps;
pub use parameters::{Parameter, Parameters};
