//! Runs written as other tools lay them out, and runs of other tools read into a store.

mod error;
pub mod export;
pub mod import;

pub use error::ExchangeError;
