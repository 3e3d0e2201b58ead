//! The errors that can occur between a hub id and a model folder.

use std::io;
use std::path::PathBuf;

use cliptune_clip::model_folder::{Found, Place};
use cliptune_durable::DurableError;
use cliptune_terminal::{Diagnostic, Exit};
use cliptune_web::{Stopped, WebError};

use crate::file_name::FileName;
use crate::id::HubId;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, HubError>;

/// The reason why a model could not be named, found or fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The text is not the name of a repository.
    #[error("{text:?} is not a hub id: {reason}")]
    Id {
        /// The text that was given.
        text: String,
        /// The rule that the text breaks.
        reason: &'static str,
    },
    /// The text is not the name of a branch, tag or commit.
    #[error("{text:?} is not a revision: it cannot be the name of a branch, tag or commit")]
    Revision {
        /// The text that was given.
        text: String,
    },
    /// A server named something that is not a commit as the commit.
    #[error("the server names {text:?} as the commit, which is none")]
    Commit {
        /// The text that the server gave.
        text: String,
    },
    /// A server or an index names a file that would lie outside the snapshot.
    #[error("the repository names the file {text:?}, which is not a plain relative path")]
    FileName {
        /// The name of the file.
        text: String,
    },
    /// An environment variable has a value that makes no sense.
    #[error("{name} cannot be used: {reason}")]
    Setting {
        /// The name of the variable.
        name: &'static str,
        /// The fault in the value, which is not shown itself because it may be a secret.
        reason: &'static str,
    },
    /// No variable says where the cache is, and there is no home folder.
    #[error("there is no home folder to keep models in")]
    NoHome,
    /// A file of certificates contains none.
    #[error("{} holds no certificates", path.display())]
    NoCertificates {
        /// The file with the certificates.
        path: PathBuf,
    },
    /// The model is not in the cache, and the network is off limits.
    #[error("{id} is not complete in the cache {}, and the hub is not asked in offline mode", cache.display())]
    Offline {
        /// The model that was asked for.
        id: HubId,
        /// The folder of the cache.
        cache: PathBuf,
    },
    /// The repository does not exist, or it is private.
    #[error("there is no repository {} at {endpoint} that can be read {}", id.repository(), with_token(*has_token))]
    NoRepository {
        /// The repository that was asked for.
        id: HubId,
        /// The address of the hub.
        endpoint: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The repository can only be read after agreeing to its conditions.
    #[error("access to {} is restricted: it cannot be read {}", id.repository(), with_token(*has_token))]
    Gated {
        /// The repository that was asked for.
        id: HubId,
        /// The address of the repository's page.
        page: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The hub does not accept the token.
    #[error("{endpoint} refuses the token: it is invalid or has expired")]
    BadToken {
        /// The address of the hub.
        endpoint: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{} has no revision {}", id.repository(), id.revision())]
    NoRevision {
        /// The repository and revision that were asked for.
        id: HubId,
    },
    /// The server refuses the request, for a reason of its own.
    #[error("{address} answers with status {status}{message}")]
    Refused {
        /// The address that was asked, without its query.
        address: String,
        /// The HTTP status.
        status: u16,
        /// The server's message after a colon, or nothing.
        message: String,
    },
    /// The server has a problem that may soon be over.
    #[error("{address} answers with status {status}{message}")]
    Server {
        /// The address that was asked, without its query.
        address: String,
        /// The HTTP status.
        status: u16,
        /// The server's message after a colon, or nothing.
        message: String,
        /// The pause that the server asks for, in seconds.
        retry_after: Option<u64>,
    },
    /// There was no connection, or the connection broke.
    #[error("no answer from {address}")]
    Connection {
        /// The address that was asked, without its query.
        address: String,
        /// The error that the network reported.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The redirects go in circles, leave https, or lead nowhere.
    #[error("{address} redirects to a place that cannot be followed")]
    Redirect {
        /// The address that was asked, without its query.
        address: String,
    },
    /// The server at the endpoint is not a hub.
    #[error("the answer of {address} is not a listing of a repository")]
    Listing {
        /// The address that was asked, without its query.
        address: String,
        /// The error that the parser reported.
        source: serde_json::Error,
    },
    /// The repository has no model that can be read.
    #[error("{id} cannot be used: {reason}")]
    Unusable {
        /// The repository that was asked for.
        id: HubId,
        /// The reason, in terms of what was found in the repository.
        reason: Found,
    },
    /// The index of a sharded model is broken.
    #[error("cannot read {}: {reason}", path.display())]
    Index {
        /// The path of the index.
        path: PathBuf,
        /// A description of what is wrong with the index.
        reason: String,
    },
    /// The index of a sharded model names a file that the repository does not have.
    #[error("the index of {id} names {file}, which the repository does not have")]
    NoShard {
        /// The repository that was asked for.
        id: HubId,
        /// The name of the shard.
        file: FileName,
    },
    /// The server gives no hash for a file, so anything could arrive unnoticed.
    #[error("the server gives no hash for {file}, so it could not be checked")]
    NoHash {
        /// The name of the file.
        file: FileName,
    },
    /// The server gives no size for a file, so the download could be endless.
    #[error("the server does not say how large {file} is")]
    NoSize {
        /// The name of the file.
        file: FileName,
    },
    /// The server contradicts itself about a file.
    #[error("{file} should have {expected} bytes, but the server says or sends {found}")]
    Size {
        /// The name of the file.
        file: FileName,
        /// The size that the hub gave first, in bytes.
        expected: u64,
        /// The contradicting size in bytes. When too much is sent, only the bytes that arrived by then are counted.
        found: u64,
    },
    /// The content does not have the hash that the hub gave for it.
    #[error("{file} arrived damaged: expected {expected}, found {found}")]
    Hash {
        /// The name of the file.
        file: FileName,
        /// The hash that the hub gave.
        expected: String,
        /// The hash of the content that arrived.
        found: String,
    },
    /// A download stopped too often in a row.
    #[error("the download of {file} stopped at {done} of {total} bytes")]
    Stopped {
        /// The name of the file.
        file: FileName,
        /// The number of bytes that have arrived and are kept.
        done: u64,
        /// The size of the whole file in bytes.
        total: u64,
        /// The last failure.
        source: Box<Self>,
    },
    /// The hub's service failed, or answered with something else than a model; the cause names its address.
    #[error("cannot fetch {id}")]
    Service {
        /// The model that was asked for.
        id: HubId,
        /// What happened.
        source: Box<Self>,
    },
    /// The user asked to stop.
    #[error("interrupted; the next fetch continues here")]
    Interrupted,
}

impl From<WebError> for HubError {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Io(error) => Self::Io(error),
            WebError::Setting { name, reason } => Self::Setting { name, reason },
            WebError::NoCertificates { path } => Self::NoCertificates { path },
        }
    }
}

impl From<Stopped> for HubError {
    fn from(_: Stopped) -> Self {
        Self::Interrupted
    }
}

fn with_token(has_token: bool) -> &'static str {
    if has_token { "with this token" } else { "without a token" }
}

impl HubError {
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

    /// Names the model as its user wrote it, where the error names nothing but an address of the hub's service.
    pub(crate) fn about(self, id: &HubId) -> Self {
        match self {
            Self::Refused { .. }
            | Self::Server { .. }
            | Self::Connection { .. }
            | Self::Redirect { .. }
            | Self::Listing { .. } => Self::Service { id: id.clone(), source: Box::new(self) },
            other => other,
        }
    }

    /// Returns the message with its causes, on one line.
    pub(crate) fn one_line(&self) -> String {
        cliptune_web::in_one_line(self)
    }

    /// Returns what the user can do about the error.
    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Id { .. } => {
                "write it as the hub does: openai/clip-vit-base-patch32, or org/name@revision".to_owned()
            }
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::Service { source, .. } => return source.advice(),
            Self::NoHome => "set HF_HOME to the folder that models are to be kept in".to_owned(),
            Self::Offline { id, .. } => {
                format!("run `cliptune fetch {id}` where there is a network, without HF_HUB_OFFLINE")
            }
            Self::NoRepository { has_token: false, .. } => {
                "check the spelling; for a private repository, set HF_TOKEN or run `hf auth login`".to_owned()
            }
            Self::NoRepository { .. } => {
                "check the spelling, and that the token may read private repositories".to_owned()
            }
            Self::Gated { page, has_token, .. } => gate(page, *has_token),
            Self::BadToken { endpoint } => {
                format!("make a new one at {endpoint}/settings/tokens and set HF_TOKEN to it")
            }
            Self::NoRevision { id } => format!("without @{}, the branch main is taken", id.revision()),
            Self::Listing { .. } | Self::Redirect { .. } => {
                "check HF_ENDPOINT, and that no proxy or login page answers in the hub's place".to_owned()
            }
            Self::Unusable { id, reason } => reason.advice(&Place::Hub(id.repository())),
            Self::Connection { .. } => {
                "check the network, the proxy (HTTPS_PROXY) and HF_ENDPOINT".to_owned()
            }
            Self::Stopped { .. } => "what has arrived is kept: the same command continues there".to_owned(),
            Self::Hash { .. } | Self::Size { .. } => {
                "the download is removed; try again, and suspect the mirror or proxy if it repeats".to_owned()
            }
            _ => return None,
        };
        Some(advice)
    }
}

fn gate(page: &str, has_token: bool) -> String {
    match has_token {
        true => format!("accept the conditions at {page} with the account that the token belongs to"),
        false => format!("accept the conditions at {page}, then set HF_TOKEN or run `hf auth login`"),
    }
}

impl Diagnostic for HubError {
    fn hint(&self) -> Option<String> {
        self.advice()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Id { .. } | Self::Revision { .. } | Self::Setting { .. } => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}
