//! CLIP in libtorch: its weights, and the interpreter that computes the towers' definition.

mod files;
mod finite;
mod interpreter;
mod load;
mod parameters;
mod token_rows;

pub use files::save;
pub(crate) use files::{parse, tensor};
pub(crate) use finite::fault;
pub use interpreter::TorchOps;
pub use load::{load, load_checkpoint};
pub use parameters::{Parameter, Parameters};
