//! The places where files lie: on this machine or elsewhere.

use std::fmt;
use std::path::{Path, PathBuf};

use cliptune_sources::{Remote, SourceError};
use serde::{Deserialize, Serialize};

use crate::values::Impossible;

/// A place where files lie. It names a file, a folder or, with wildcards, several files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Location {
    /// An address that has to be fetched from another machine.
    Remote(RemoteAddress),
    /// An absolute path on this machine.
    Local(PathBuf),
}

impl Location {
    /// Returns the path, if the files are on this machine.
    pub fn local(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }

    /// Returns the name of the file, or the last part of the pattern. It tells what kind of file it is.
    pub fn file_name(&self) -> Option<&str> {
        match self {
            Self::Local(path) => path.file_name()?.to_str(),
            Self::Remote(address) => address.remote.file_name(),
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Local(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(address) => address.fmt(f),
        }
    }
}

/// The address of files in an object store or on a web server, such as `gs://bucket/images/*.jpeg`.
///
/// It holds no user, password, signature or key, because plans are shown and recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RemoteAddress {
    remote: Remote,
    /// The address as the experiment has it, with its query.
    written: String,
}

impl RemoteAddress {
    /// Returns the address as it is fetched.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl TryFrom<String> for RemoteAddress {
    type Error = Impossible;

    fn try_from(written: String) -> Result<Self, Impossible> {
        match Remote::parse(&written) {
            Ok(remote) => Ok(Self { remote, written }),
            Err(SourceError::Address { reason, .. }) => Err(Impossible(reason)),
            Err(other) => Err(Impossible(other.to_string())),
        }
    }
}

impl From<RemoteAddress> for String {
    fn from(address: RemoteAddress) -> Self {
        address.written
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<RemoteAddress, Impossible> {
        RemoteAddress::try_from(text.to_owned())
    }

    #[test]
    fn an_address_is_recorded_with_its_query_and_without_any_secret() {
        let table = address("https://127.0.0.1:8080/t/table.parquet?version=1").unwrap();
        assert_eq!(table.to_string(), "https://127.0.0.1:8080/t/table.parquet?version=1");
        assert_eq!(Location::Remote(table).file_name(), Some("table.parquet"));
        for text in [
            "https://user:password@example.org/a",
            "https://example.org/a?X-Amz-Signature=abc",
            "https://example.org/a?token=abc",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_location_is_recorded_as_it_is_written() {
        for (text, is_local) in [("\"/data/images\"", true), ("\"gs://bucket/images/*.jpeg\"", false)] {
            let location: Location = serde_json::from_str(text).unwrap();
            assert_eq!(location.local().is_some(), is_local, "{text}");
            assert_eq!(serde_json::to_string(&location).unwrap(), text);
        }
    }
}
