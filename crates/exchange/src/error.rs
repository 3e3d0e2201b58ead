//! Why a run cannot be exchanged with another tool.

use cliptune_durable::DurableError;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit};

/// Why a run cannot be written for another tool, or one of another tool be read.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The store or a run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something cannot be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
}

impl Diagnostic for ExchangeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Durable(error) => error.hint().map(str::to_owned),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Durable(_) => Exit::Failed,
        }
    }
}
