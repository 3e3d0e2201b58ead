//! What can go wrong between a hub id and a model folder.

use std::io;
use std::path::PathBuf;

use cliptune_clip::model_folder::{Found, Place};
use cliptune_durable::DurableError;
use cliptune_terminal::{Diagnostic, Exit};

use crate::file_name::FileName;
use crate::id::HubId;

/// What this crate returns.
pub type Result<T> = std::result::Result<T, HubError>;

/// A model that could not be named, found or fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// Not the name of a repository.
    #[error("{text:?} is not a hub id: {reason}")]
    Id {
        /// What was written.
        text: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Not the name of a branch, tag or commit.
    #[error("{text:?} is not a revision: it cannot be the name of a branch, tag or commit")]
    Revision {
        /// What was written.
        text: String,
    },
    /// A server gave something else for a commit.
    #[error("the server names {text:?} as the commit, which is none")]
    Commit {
        /// What it gave.
        text: String,
    },
    /// A server or an index names a file that would lie outside the snapshot.
    #[error("the repository names the file {text:?}, which is not a plain relative path")]
    FileName {
        /// The name.
        text: String,
    },
    /// An environment variable makes no sense.
    #[error("{name} cannot be used: {reason}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// What is wrong with its value, which may be a secret.
        reason: &'static str,
    },
    /// Nothing says where the cache is.
    #[error("there is no home folder to keep models in")]
    NoHome,
    /// A file of certificates holds none.
    #[error("{} holds no certificates", path.display())]
    NoCertificates {
        /// The file.
        path: PathBuf,
    },
    /// The model is not in the cache, and the network is off limits.
    #[error("{id} is not complete in the cache {}, and the hub is not asked in offline mode", cache.display())]
    Offline {
        /// The model.
        id: HubId,
        /// The cache.
        cache: PathBuf,
    },
    /// There is no such repository, or it is private.
    #[error("there is no repository {} at {endpoint} that can be read {}", id.repository(), with_token(*has_token))]
    NoRepository {
        /// What was asked for.
        id: HubId,
        /// The hub.
        endpoint: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The repository asks for an agreement first.
    #[error("access to {} is restricted: it cannot be read {}", id.repository(), with_token(*has_token))]
    Gated {
        /// The repository.
        id: HubId,
        /// Its page.
        page: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The hub does not know the token.
    #[error("{endpoint} refuses the token: it is invalid or has expired")]
    BadToken {
        /// The hub.
        endpoint: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{} has no revision {}", id.repository(), id.revision())]
    NoRevision {
        /// What was asked for.
        id: HubId,
    },
    /// The server refuses, for a reason of its own.
    #[error("{address} answers with status {status}{message}")]
    Refused {
        /// What was asked, without its query.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What it says, with a colon before, or nothing.
        message: String,
    },
    /// The server is in trouble; it may be over soon.
    #[error("{address} answers with status {status}{message}")]
    Server {
        /// What was asked, without its query.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What it says, with a colon before, or nothing.
        message: String,
        /// The pause the server asks for, in seconds.
        retry_after: Option<u64>,
    },
    /// No connection, or one that broke.
    #[error("no answer from {address}")]
    Connection {
        /// What was asked, without its query.
        address: String,
        /// What the network says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Redirects that go in circles, leave https, or lead nowhere.
    #[error("{address} redirects to a place that cannot be followed")]
    Redirect {
        /// What was asked, without its query.
        address: String,
    },
    /// What is at the endpoint is not a hub.
    #[error("the answer of {address} is not a listing of a repository")]
    Listing {
        /// What was asked, without its query.
        address: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The repository has no model that can be read.
    #[error("{id} cannot be used: {reason}")]
    Unusable {
        /// The repository.
        id: HubId,
        /// Why not.
        reason: Found,
    },
    /// The index of a sharded model is broken.
    #[error("cannot read {}: {reason}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The index of a sharded model names a file that the repository does not have.
    #[error("the index of {id} names {file}, which the repository does not have")]
    NoShard {
        /// The repository.
        id: HubId,
        /// The shard.
        file: FileName,
    },
    /// Without a hash, what comes could be anything.
    #[error("the server gives no hash for {file}, so it could not be checked")]
    NoHash {
        /// The file.
        file: FileName,
    },
    /// Without a size, what comes could be endless.
    #[error("the server does not say how large {file} is")]
    NoSize {
        /// The file.
        file: FileName,
    },
    /// The server contradicts itself about a file.
    #[error("{file} should have {expected} bytes, but the server says or sends {found}")]
    Size {
        /// The file.
        file: FileName,
        /// The size that the hub gave first.
        expected: u64,
        /// The other size; the first byte too many counts for all.
        found: u64,
    },
    /// The content is not what the hub's name for it says.
    #[error("{file} arrived damaged: expected {expected}, found {found}")]
    Hash {
        /// The file.
        file: FileName,
        /// The hash that the hub gave.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// The server gave up on a download too often in a row.
    #[error("the download of {file} stopped at {done} of {total} bytes")]
    Stopped {
        /// The file.
        file: FileName,
        /// Bytes that are kept.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
        /// The last failure.
        source: Box<Self>,
    },
    /// The person asked to stop.
    #[error("interrupted; the next fetch continues here")]
    Interrupted,
}

fn with_token(has_token: bool) -> &'static str {
    if has_token { "with this token" } else { "without a token" }
}

impl HubError {
    /// Whether it may go away by itself.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Server { .. } | Self::Connection { .. })
    }

    /// Whether asking again within seconds may help: a name that does not resolve and a closed port will stay so.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Connection { source, .. } => match source.downcast_ref::<ureq::Error>() {
                Some(ureq::Error::HostNotFound) => false,
                Some(ureq::Error::Io(error)) => error.kind() != io::ErrorKind::ConnectionRefused,
                _ => true,
            },
            other => other.is_transient(),
        }
    }

    /// The message with its causes, on one line.
    pub(crate) fn one_line(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// What the person can do about it.
    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Id { .. } => {
                "write it as the hub does: openai/clip-vit-base-patch32, or org/name@revision".to_owned()
            }
            Self::Durable(error) => return error.hint().map(str::to_owned),
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
