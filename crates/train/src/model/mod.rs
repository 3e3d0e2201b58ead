//! CLIP in libtorch: its weights, and the interpreter that computes the towers' definition.

mod files;
mod finite;
mod interpreter;
mod load;
mod parameters;
mod seal;
mod token_rows;

pub use files::save;
pub(crate) use files::{parse, save_sealed, tensor, view};
pub(crate) use finite::fault;
pub use interpreter::TorchOps;
pub use load::{load, load_checkpoint};
pub use parameters::{Parameter, Parameters};
pub(crate) use seal::is_as_written;
