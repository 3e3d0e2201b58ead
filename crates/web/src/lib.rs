//! What everything that asks servers shares: connections, origins and redirects, pauses between tries,
//! files that grow as they arrive, and locks.
//!
//! Nothing here knows what is asked. Redirects are never followed by themselves, because a secret must not follow them.

mod connections;
mod environment;
mod error;
mod failure;
mod lock;
mod origin;
mod partial;
mod patience;

pub use connections::Connections;
pub use environment::{Environment, is_true};
pub use error::WebError;
pub use failure::{in_one_line, may_recover};
pub use lock::Lock;
pub use origin::{Origin, redirect, shown};
pub use partial::{Hashing, PIECE, Partial};
pub use patience::{Patience, Pause, Stopped};
