//! The errors that can occur between an address and a folder of files.

use std::io;
use std::path::PathBuf;

use cliptune_durable::DurableError;
use cliptune_terminal::{Diagnostic, Exit, format};
use cliptune_web::{Stopped, WebError};

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, SourceError>;

/// The reason why remote files could not be named, found or fetched. No message has a secret in it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// Connections cannot be set up as the environment asks.
    #[error(transparent)]
    Web(#[from] WebError),
    /// The text is not an address of remote files.
    #[error("{address} cannot be used: {reason}")]
    Address {
        /// The address, without a query or a user.
        address: String,
        /// The fault in the address.
        reason: String,
    },
    /// No variable says where the cache is, and there is no home folder.
    #[error("there is no home folder to keep remote files in")]
    NoHome,
    /// Credentials were found but cannot be used.
    #[error("the credentials of {from} cannot be used: {reason}")]
    Credentials {
        /// The variable or the file that they come from.
        from: String,
        /// The fault, which does not contain the credentials.
        reason: String,
    },
    /// There is nothing at an address.
    #[error("there is nothing at {address}{code}")]
    Absent {
        /// The address that was asked.
        address: String,
        /// The server's word for it in parentheses, or nothing.
        code: String,
    },
    /// The server refuses access.
    #[error("{address} cannot be read {}{code}", with_credentials(*has_credentials))]
    Denied {
        /// The address that was asked.
        address: String,
        /// Whether credentials were sent.
        has_credentials: bool,
        /// The server's word for it in parentheses, or nothing.
        code: String,
    },
    /// The server refuses the request, for a reason of its own.
    #[error("{address} answers with status {status}{code}")]
    Refused {
        /// The address that was asked.
        address: String,
        /// The HTTP status.
        status: u16,
        /// The server's word for it in parentheses, or nothing.
        code: String,
    },
    /// The server has a problem that may soon be over.
    #[error("{address} answers with status {status}{code}")]
    Server {
        /// The address that was asked.
        address: String,
        /// The HTTP status.
        status: u16,
        /// The server's word for it in parentheses, or nothing.
        code: String,
        /// The pause that the server asks for, in seconds.
        retry_after: Option<u64>,
    },
    /// There was no connection, or the connection broke.
    #[error("no answer from {address}")]
    Connection {
        /// The address that was asked.
        address: String,
        /// The error that the network reported.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The redirects go in circles, leave https, or lead nowhere.
    #[error("{address} redirects to a place that cannot be followed")]
    Redirect {
        /// The address that was asked.
        address: String,
    },
    /// A server answers in a way that the protocol does not allow.
    #[error("the answer of {address} cannot be used: {reason}")]
    Answer {
        /// The address that was asked.
        address: String,
        /// The fault in the answer.
        reason: String,
    },
    /// An object has a name that cannot be a file below a folder.
    #[error("{address} has an object called {name:?}, which cannot be a file: {reason}")]
    Name {
        /// The address that was listed.
        address: String,
        /// The name of the object.
        name: String,
        /// The rule that the name breaks.
        reason: &'static str,
    },
    /// A server sends more or less than it said.
    #[error("{address} should have {expected} bytes, but the server says or sends {found}")]
    Size {
        /// The address of the file.
        address: String,
        /// The size that was given first, in bytes.
        expected: u64,
        /// The contradicting size in bytes. When too much is sent, only the bytes that arrived by then are counted.
        found: u64,
    },
    /// The content does not have the checksum that the server gave for it.
    #[error("{address} arrived damaged: its {kind} is not the one that the server gives")]
    Checksum {
        /// The address of the file.
        address: String,
        /// The kind of checksum.
        kind: &'static str,
    },
    /// A file changes faster than it can be read.
    #[error("{address} changed while it was read")]
    Changed {
        /// The address of the file.
        address: String,
    },
    /// A download stopped too often in a row.
    #[error("the download of {address} stopped at {done} of {total} bytes")]
    Stopped {
        /// The address of the file.
        address: String,
        /// The number of bytes that have arrived and are kept.
        done: u64,
        /// The size of the whole file in bytes.
        total: u64,
        /// The last failure.
        source: Box<Self>,
    },
    /// The cache does not know what is at an address, and the network may not be used.
    #[error("what {address} holds is not known: it was never listed, and the network is not used")]
    NotListed {
        /// The address.
        address: String,
    },
    /// The cache lacks files, and the network may not be used.
    #[error(
        "{} of {address} {} not in the cache, and the network is not used: {}",
        format::counted(*missing, "file"), if *missing == 1 { "is" } else { "are" }, format::first_few(names)
    )]
    NotHeld {
        /// The address.
        address: String,
        /// The number of files that are missing.
        missing: u64,
        /// The first of their names.
        names: Vec<String>,
    },
    /// The cache has only parts of files, and not those that are needed, and the network may not be used.
    #[error(
        "the cache has parts of {} of {address}, but not all that is needed, and the network is not used: {}",
        format::counted(*missing, "file"), format::first_few(names)
    )]
    PartsHeld {
        /// The address.
        address: String,
        /// The number of files that lack something.
        missing: u64,
        /// The first of their names.
        names: Vec<String>,
        /// Whether all of each file is needed.
        is_whole_wanted: bool,
    },
    /// A file of the cache does not have the content that was written.
    #[error("{} is damaged", path.display())]
    Record {
        /// The path of the file.
        path: PathBuf,
    },
    /// Another process is fetching.
    #[error("the copy of {address} is in use")]
    Busy {
        /// The address of the bucket or host.
        address: String,
    },
    /// The service that holds what is at an address cannot be asked or does not answer as one; the cause names its own address.
    #[error("{address} cannot be read")]
    Service {
        /// The address as its user writes it.
        address: String,
        /// What happened.
        source: Box<Self>,
    },
    /// The user asked to stop.
    #[error("interrupted; the same command continues here")]
    Interrupted,
}

fn with_credentials(has_credentials: bool) -> &'static str {
    if has_credentials { "with these credentials" } else { "without credentials" }
}

impl From<Stopped> for SourceError {
    fn from(_: Stopped) -> Self {
        Self::Interrupted
    }
}

impl SourceError {
    /// Checks whether the failure may go away by itself.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Server { .. } | Self::Connection { .. })
    }

    /// Checks whether asking again within seconds may help.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Connection { source, .. } => cliptune_web::may_recover(source.as_ref()),
            other => other.is_transient(),
        }
    }

    /// Checks whether the server does not let a stranger know, which is also how a store says that a name is absent.
    pub(crate) fn is_absent_or_denied(&self) -> bool {
        matches!(self, Self::Absent { .. }) || self.is_denied()
    }

    /// Checks whether the server refuses access.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Denied { .. })
    }

    /// Returns what is said about an address as its user writes it, where a request to a store's service has failed. What is on the
    /// web is called by its own address already. Where the service may be the wrong one, its address follows.
    pub(crate) fn about(self, address: &str) -> Self {
        if address.starts_with("http") {
            return self;
        }
        let is_of_service = self.failed_request().is_some_and(|asked| asked != address);
        let address = address.to_owned();
        match self {
            Self::Absent { code, .. } => Self::Absent { address, code },
            Self::Denied { has_credentials, code, .. } => Self::Denied { address, has_credentials, code },
            failed if is_of_service => Self::Service { address, source: Box::new(failed) },
            other => other,
        }
    }

    /// Returns the address of a request that says nothing about what was asked for, but about the service or the way to it.
    fn failed_request(&self) -> Option<&str> {
        match self {
            Self::Refused { address, .. }
            | Self::Server { address, .. }
            | Self::Answer { address, .. }
            | Self::Connection { address, .. }
            | Self::Redirect { address } => Some(address),
            _ => None,
        }
    }

    /// Returns the message with its causes, on one line.
    pub fn in_one_line(&self) -> String {
        cliptune_web::in_one_line(self)
    }

    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Durable(DurableError::Io(error)) | Self::Io(error) if is_full(error) => {
                "free some space, or set CLIPTUNE_CACHE to a folder on a larger disk"
            }
            Self::Service { source, .. } => return source.advice(),
            Self::NoHome => "set CLIPTUNE_CACHE to the folder that remote files are to be kept in",
            Self::Credentials { .. } => {
                "public data needs none: `data.access: { anonymous: true }` sends none"
            }
            Self::Denied { has_credentials: true, .. } => {
                "check what the account may read; for public data, `data.access: { anonymous: true }` sends none"
            }
            Self::Denied { .. } => "docs/sources.md says where credentials are looked for",
            Self::Absent { .. } => "check the spelling; names are case-sensitive",
            Self::Connection { .. } => {
                "check the network and the proxy (HTTPS_PROXY); --offline uses what is in the cache"
            }
            Self::Name { .. } => "name the files with a pattern that leaves this one out",
            Self::Checksum { .. } | Self::Size { .. } => {
                "what arrived is removed; try again, and suspect a proxy if it repeats"
            }
            Self::Stopped { .. } => "what has arrived is kept: the same command continues there",
            Self::PartsHeld { is_whole_wanted: true, .. } => {
                "run the same command without --offline: it fetches the rest"
            }
            Self::NotListed { .. } | Self::NotHeld { .. } | Self::PartsHeld { .. } => {
                "run `cliptune ingest` without --offline"
            }
            Self::Record { .. } => "remove it with `cliptune cache clear`; it is made again",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl Diagnostic for SourceError {
    fn hint(&self) -> Option<String> {
        self.advice()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Address { .. } | Self::Web(WebError::Setting { .. }) => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}
