//! Models from the Hugging Face Hub, in the cache that Python shares.
//!
//! [`Hub::fetch`] downloads the files of a model that cliptune reads, and no others, into the layout of Python's
//! `huggingface_hub`; [`Hub::locate`] finds what is there already, without the network. What either program has
//! fetched, the other one uses. The environment variables mean what they mean to Python: see [`Settings`].
//!
//! Every download is checked against the hash that the hub names it by (SHA-256 for large files, the git blob's SHA-1
//! for small ones), continues where it broke off, and appears under its name only when it is complete.
//!
//! # Why not the `hf-hub` crate
//!
//! The official crate was read for this, both as 1.0.0 and as the older 0.5.0 with its `ureq` flavour. Neither
//! compares a plain HTTP download with its hash, nor looks at `HF_HUB_OFFLINE`. 1.0.0 starts a broken download over,
//! retries a request but not its body, gives up on another process's download after ten seconds, and brings tokio,
//! reqwest, hf-xet and aws-lc: about 300 packages, one of them built with CMake. 0.5.0 waits five seconds for another
//! process, keeps its lock and its partial file under names that Python does not know, and makes a path of a server's
//! ETag as it comes. What they lack is what this crate is for, so a focused client over `ureq` does it: blocking,
//! one file at a time, rustls.
//!
//! The behaviour follows `huggingface_hub` 2.4.0, and the tests compare with a tree that it made. Where this differs,
//! it is stricter: a partial download is kept for the next try (`<etag>.incomplete`, a name that Python used before
//! its partial files became unique to a process), a hash is checked after every download, `refs/<revision>` is written
//! last, so that it never names a half-fetched snapshot, and the token goes to the endpoint's own scheme, host and
//! port alone.

mod address;
mod agent;
mod cache;
mod client;
mod commit;
mod digest;
mod download;
mod endpoint;
mod environment;
mod error;
mod fetch;
mod file_name;
mod hub;
mod id;
mod listing;
mod locate;
mod lock;
mod partial;
mod patience;
mod progress;
mod reply;
mod revision;
mod selection;
mod settings;
mod shards;
mod shown;
mod token;

pub use commit::Commit;
pub use endpoint::Endpoint;
pub use error::{HubError, Result};
pub use file_name::FileName;
pub use hub::{Hub, Snapshot};
pub use id::HubId;
pub use locate::is_cached;
pub use patience::Pause;
pub use progress::{Event, Notice, Observer};
pub use revision::Revision;
pub use settings::Settings;
pub use shown::fetch_shown;
pub use token::Token;
