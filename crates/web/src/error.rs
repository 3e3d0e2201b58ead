//! The reasons why no connection can be set up.

use std::io;
use std::path::PathBuf;

/// The reason why connections cannot be set up as the environment asks.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An environment variable has a value that makes no sense.
    #[error("{name} cannot be used: {reason}")]
    Setting {
        /// The name of the variable.
        name: &'static str,
        /// The fault in the value, which is not shown itself because it may be a secret.
        reason: &'static str,
    },
    /// A file of certificates contains none.
    #[error("{} holds no certificates", path.display())]
    NoCertificates {
        /// The file with the certificates.
        path: PathBuf,
    },
}
