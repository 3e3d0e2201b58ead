//! Lays out the cache.
//!
//! ```text
//! CACHE/CACHEDIR.TAG
//! CACHE/sources/<scheme>/<bucket or host>/
//!   about.json                what it is a copy of
//!   files/<name>              the files under their own names
//!   held.jsonl                which version of each file is there, and which parts of it
//!   listings/<hash>.json      what an address held when it was last asked
//!   partial/<hash>            the beginning of a file, or parts of one
//!   lock                      held by the process that fetches
//! ```

use std::path::{Path, PathBuf};

use cliptune_durable::write_atomic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SourceError};
use crate::listing::{Listing, Object};
use crate::remote::Remote;

/// The signature of the Cache Directory Tagging Specification, by which backup programs recognise folders to skip.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of remote files.\n";

/// The folder of everything that is kept of remote sources.
pub(crate) const SOURCES: &str = "sources";

const FORMAT: u32 = 1;

/// The copy of one bucket or host in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    cache: PathBuf,
    folder: PathBuf,
    about: About,
}

/// What a copy is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    format: u32,
    /// The address of the bucket or host.
    pub(crate) address: String,
    /// The address of the service, if it is not the usual one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) endpoint: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    format: u32,
    listing: Listing,
}

impl Root {
    /// Returns the copy of the bucket or host of an address, which is another one for another service.
    pub(crate) fn new(cache: &Path, remote: &Remote, endpoint: Option<String>) -> Self {
        let scheme = remote.scheme.as_str();
        let name = match &endpoint {
            Some(endpoint) => format!("{}@{}", remote.host, &hash(endpoint)[..8]),
            None => remote.host.clone(),
        };
        let folder = cache.join(SOURCES).join(scheme).join(name);
        let about = About { format: FORMAT, address: format!("{scheme}://{}", remote.host), endpoint };
        Self { cache: cache.to_owned(), folder, about }
    }

    /// Makes the folders that everything else is put into, and notes that they are used.
    pub(crate) fn create(&self) -> Result<()> {
        for name in ["files", "listings", "partial"] {
            fs_err::create_dir_all(self.folder.join(name))?;
        }
        let tag = self.cache.join("CACHEDIR.TAG");
        if !tag.exists() {
            // The tag is only for backup programs, so it is not worth failing for.
            let _ = fs_err::write(tag, TAG);
        }
        // Written each time: its date says when the copy was last used.
        write_json(&self.folder.join("about.json"), &self.about)
    }

    /// Returns the path of the lock that lets one process fetch at a time.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// Returns the folder of the files under their own names.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Returns the path of the list of what is there.
    pub(crate) fn held(&self) -> PathBuf {
        self.folder.join("held.jsonl")
    }

    /// Returns the path at which a version of a file is collected.
    pub(crate) fn partial(&self, name: &str, object: &Object) -> PathBuf {
        let key = format!("{name}\n{}\n{}", object.version, object.size);
        self.folder.join("partial").join(&hash(&key)[..32])
    }

    /// Returns the path at which parts of a version of a file are collected, and what the list of what is there calls it:
    /// something that no file is called.
    pub(crate) fn sparse(&self, name: &str, object: &Object) -> (PathBuf, String) {
        let key = format!("{name}\n{}\n{}\nparts", object.version, object.size);
        let own = format!("/partial/{}", &hash(&key)[..32]);
        (self.folder.join(&own[1..]), own)
    }

    /// Returns what the address held when it was last asked. A listing that cannot be read is as good as none.
    pub(crate) fn listing(&self, remote: &Remote) -> Option<Listing> {
        let listed: Listed = read_json(&self.listing_path(remote))?;
        (listed.format == FORMAT).then_some(listed.listing)
    }

    /// Records what the address holds.
    pub(crate) fn write_listing(&self, remote: &Remote, listing: &Listing) -> Result<()> {
        let listed = Listed { format: FORMAT, listing: listing.clone() };
        write_json(&self.listing_path(remote), &listed)
    }

    fn listing_path(&self, remote: &Remote) -> PathBuf {
        let address = format!("{remote}?{}", remote.query.as_deref().unwrap_or_default());
        self.folder.join("listings").join(format!("{}.json", &hash(&address)[..16]))
    }
}

/// Reads what a copy is of.
pub(crate) fn about(folder: &Path) -> Option<About> {
    read_json(&folder.join("about.json"))
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs_err::read(path).ok()?).ok()
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec(value).map_err(|_| SourceError::Record { path: path.to_owned() })?;
    Ok(write_atomic(path, &bytes)?)
}
