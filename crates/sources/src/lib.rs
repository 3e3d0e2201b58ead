//! Files of object stores and web servers, in a cache on this machine.
//!
//! The rest of cliptune sees only local files. [`Sources::fetch`] resolves an address (`gs://`, `s3://`, `https://`,
//! with patterns and folders where a store can list) to a local folder that mirrors the remote names, having fetched
//! what is missing or has changed; [`held`] does the same without the network.
//!
//! Every download is checked against its announced length and against whatever checksum the server gives, continues
//! where it broke off as long as the version is the same, and appears under its name only when it is complete.
//!
//! A file may also be wanted in parts: a function that is given what is there of it ([`Sparse`]) tells what it needs.
//!
//! # What object_store does here, and what it does not
//!
//! Credentials, their tokens and the signatures of requests are `object_store`'s. Listings and contents are not: its
//! client follows redirects by itself, refuses a whole listing for one odd name, and does not show the checksums that
//! a server gives. Its features without an HTTP client are used, and everything is sent through `ureq`, as in
//! `cliptune-hub`: blocking, with rustls and ring, and without a second HTTP stack.

mod access;
mod asking;
mod checksums;
mod client;
mod connector;
mod credentials;
mod crew;
mod download;
mod encoding;
mod error;
mod fetch;
pub mod glob;
mod held;
mod listing;
mod name;
mod part_download;
mod parts;
mod place;
mod profile;
mod progress;
mod ranges;
mod remote;
mod root;
mod settings;
mod shown;
mod sources;
mod sparse;
mod stock;

pub use access::Access;
pub use error::{Result, SourceError};
pub use progress::{Event, Observer};
pub use ranges::Ranges;
pub use remote::{Remote, unescaped};
pub use settings::Settings;
pub use shown::Shown;
pub use sources::{Fetched, RemoteFile, Sources, Wanted, held};
pub use sparse::{Need, Needs, Sparse};
pub use stock::{Copied, clear, copied_from, copies};
