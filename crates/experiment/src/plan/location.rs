//! The places where files lie: on this machine or elsewhere.

use std::fmt;
use std::path::{Path, PathBuf};

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
            Self::Remote(address) => address.file_name(),
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
/// It has a host or a bucket, and neither a user nor a password, because plans are shown and recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RemoteAddress {
    scheme: Scheme,
    /// The bucket or the host, followed by the path.
    rest: String,
}

/// The kind of service that an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// A web server.
    Https,
    /// A web server without encryption.
    Http,
    /// Google Cloud Storage.
    Gs,
    /// Amazon S3, or a service that speaks the same protocol.
    S3,
}

impl Scheme {
    /// All kinds of services.
    pub const ALL: [Self; 4] = [Self::Https, Self::Http, Self::Gs, Self::S3];

    /// Returns the part of an address before `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Gs => "gs",
            Self::S3 => "s3",
        }
    }

    /// Checks whether the service can list what it has.
    pub fn is_object_store(self) -> bool {
        matches!(self, Self::Gs | Self::S3)
    }
}

impl RemoteAddress {
    /// Returns the kind of service.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the bucket, or the host with its port.
    pub fn host(&self) -> &str {
        self.rest.split('/').next().unwrap_or_default()
    }

    /// Returns what follows the host without a leading slash. It may be empty and may have wildcards.
    pub fn path(&self) -> &str {
        self.rest.split_once('/').map_or("", |(_, path)| path)
    }

    /// Returns the last part of the path without the query of a web address.
    pub fn file_name(&self) -> Option<&str> {
        let path = match self.scheme.is_object_store() {
            true => self.path(),
            false => self.path().split('?').next().unwrap_or_default(),
        };
        path.rsplit('/').next().filter(|name| !name.is_empty())
    }
}

impl TryFrom<String> for RemoteAddress {
    type Error = Impossible;

    fn try_from(written: String) -> Result<Self, Impossible> {
        let impossible = |why: &str| Err(Impossible(why.to_owned()));
        let Some((scheme, rest)) = written.split_once("://") else {
            return impossible("expected an address with a scheme, such as `gs://`");
        };
        let Some(scheme) = Scheme::ALL.into_iter().find(|known| known.as_str() == scheme) else {
            return impossible("expected `https://`, `http://`, `gs://` or `s3://`");
        };
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() {
            return impossible("expected a bucket or a host after `://`");
        }
        if host.contains('@') {
            return impossible("expected no user or password in an address: plans are shown and recorded");
        }
        if written.chars().any(|letter| letter.is_control() || letter.is_whitespace() && letter != ' ') {
            return impossible("expected no control characters in an address");
        }
        if rest.split(['/', '\\']).any(|part| part == "..") {
            return impossible("expected no `..` in an address");
        }
        Ok(Self { scheme, rest: rest.to_owned() })
    }
}

impl From<RemoteAddress> for String {
    fn from(address: RemoteAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<RemoteAddress, Impossible> {
        RemoteAddress::try_from(text.to_owned())
    }

    #[test]
    fn an_address_has_a_host_a_path_and_a_file_name() {
        let images = address("gs://bucket/images/a?.jpeg").unwrap();
        assert_eq!((images.host(), images.path()), ("bucket", "images/a?.jpeg"));
        assert_eq!(images.file_name(), Some("a?.jpeg"));
        let table = address("https://127.0.0.1:8080/t/table.parquet?version=1").unwrap();
        assert_eq!((table.host(), table.file_name()), ("127.0.0.1:8080", Some("table.parquet")));
        assert_eq!(address("s3://bucket").unwrap().file_name(), None);
        assert_eq!(address("s3://bucket/folder/").unwrap().file_name(), None);
    }

    #[test]
    fn what_names_no_place_or_holds_a_secret_is_refused() {
        for text in [
            "gs://",
            "s3:///key",
            "https://user:secret@example.org/a",
            "https://token@example.org/a",
            "ftp://example.org/a",
            "bucket/a",
            "gs://bucket/../other/a",
            "gs://bucket/a\nb",
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
