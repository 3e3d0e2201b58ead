//! Fetches models from the Hugging Face Hub into the cache that is shared with Python.
//!
//! [`Hub::fetch`] downloads only those files of a model that cliptune reads, in the layout of Python's
//! `huggingface_hub`; [`Hub::locate`] finds what is there already, without the network. Either program can use what the
//! other has fetched. The environment variables have the same meaning as in Python: see [`Settings`].
//!
//! Every download is checked against the hash that the hub gives for it (SHA-256 for large files, the git blob's SHA-1
//! for small ones), continues where it broke off, and appears under its name only when it is complete.
//!
//! # Why not the `hf-hub` crate
//!
//! Two versions of the official crate were considered: 1.0.0, and the older 0.5.0 with its `ureq` flavour. Neither
//! compares a plain HTTP download with its hash, and neither looks at `HF_HUB_OFFLINE`. Version 1.0.0 starts a broken
//! download over, retries a request but not its body, gives up on another process's download after ten seconds, and
//! brings in tokio, reqwest, hf-xet and aws-lc: about 300 packages, one of them built with CMake. Version 0.5.0 waits
//! five seconds for another process, keeps its lock and its partial file under names that Python does not know, and
//! makes a path from a server's ETag without checking it. This crate exists for what they lack, so it is a focused
//! client over `ureq`: blocking, one file at a time, with rustls.
//!
//! The behaviour follows `huggingface_hub` 2.4.0, and the tests compare the result with a tree that it made. Where this
//! crate differs, it is stricter. A partial download is kept for the next try (`<etag>.incomplete`, a name that Python
//! used before its partial files became unique to a process). A hash is checked after every download. `refs/<revision>`
//! is written last, so it never names a half-fetched snapshot. The token is sent only to the endpoint's own scheme,
//! host and port.

mod cache;
mod client;
mod commit;
mod digest;
mod download;
mod endpoint;
mod error;
mod fetch;
mod file_name;
mod hub;
mod id;
mod listing;
mod locate;
mod progress;
mod reply;
mod revision;
mod selection;
mod settings;
mod shards;
mod shown;
mod token;

pub use cliptune_web::Pause;
pub use commit::Commit;
pub use endpoint::Endpoint;
pub use error::{HubError, Result};
pub use file_name::FileName;
pub use hub::{Hub, Snapshot};
pub use id::HubId;
pub use locate::is_cached;
pub use progress::{Event, Notice, Observer};
pub use revision::Revision;
pub use settings::Settings;
pub use shown::fetch_shown;
pub use token::Token;
