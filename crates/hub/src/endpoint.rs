//! The address of the hub, and the addresses of what it holds.

use std::fmt;
use std::str::FromStr;

use cliptune_web::Origin;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::Uri;

use crate::commit::Commit;
use crate::file_name::FileName;
use crate::id::HubId;

/// The characters that are not escaped in one component of a path.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The characters that are not escaped in a path.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// The address of a hub: the public one, or a mirror or private hub given by `HF_ENDPOINT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
    origin: Origin,
}

impl Endpoint {
    /// Returns the scheme, host and port that may see the token.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the address that lists what the repository holds at the revision, with sizes and hashes.
    pub(crate) fn listing(&self, id: &HubId) -> String {
        let revision = id.revision();
        let revision = utf8_percent_encode(revision.as_str(), COMPONENT);
        format!("{}/api/models/{}/revision/{revision}?blobs=true", self.base, id.repository())
    }

    /// Returns the address of a file of a commit.
    pub(crate) fn file(&self, id: &HubId, commit: &Commit, file: &FileName) -> String {
        let file = utf8_percent_encode(file.as_str(), PATH);
        format!("{}/{}/resolve/{commit}/{file}", self.base, id.repository())
    }

    /// Returns the address of the repository's page, for a person to open.
    pub(crate) fn page(&self, id: &HubId) -> String {
        format!("{}/{}", self.base, id.repository())
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        let base = "https://huggingface.co".to_owned();
        Self { base, origin: Origin::https("huggingface.co") }
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base = text.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| "it is not a URL")?;
        let origin = Origin::of(&uri).ok_or("it must start with https:// or http://")?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("it must not contain a user name; a token belongs into HF_TOKEN");
        }
        match uri.query() {
            Some(_) => Err("it must not contain a query"),
            None => Ok(Self { base, origin }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_may_have_a_port_and_a_path() {
        let endpoint: Endpoint = "http://mirror:8080/hub/".parse().unwrap();
        let id: HubId = "org/name@refs/pr/1".parse().unwrap();
        assert_eq!(
            endpoint.listing(&id),
            "http://mirror:8080/hub/api/models/org/name/revision/refs%2Fpr%2F1?blobs=true"
        );
        let (commit, file) = ("0a".repeat(20).parse().unwrap(), "a b/ü#?.json".parse().unwrap());
        assert_eq!(
            endpoint.file(&id, &commit, &file),
            format!("http://mirror:8080/hub/org/name/resolve/{commit}/a%20b/%C3%BC%23%3F.json")
        );
    }

    #[test]
    fn the_default_endpoint_is_what_its_address_says() {
        assert_eq!(Endpoint::default(), Endpoint::default().to_string().parse().unwrap());
    }

    #[test]
    fn an_endpoint_is_an_http_address_without_secrets() {
        for text in
            ["", "huggingface.co", "ftp://x", "/srv/hub", "https://user:secret@host", "https://host?x=1"]
        {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?} should be refused");
        }
    }
}
