//! The kinds of places that hold remote files, each with its own addresses and answers.

mod amazon;
mod google;
mod web;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::header::HeaderMap;
use ureq::http::{Request, Uri};

use crate::access::Access;
use crate::client::{Question, Reply};
use crate::connector::Connector;
use crate::error::{Result, SourceError};
use crate::listing::{Object, Page};
use crate::remote::{Remote, Scheme};
use crate::settings::Settings;

/// The characters that are not escaped in one component of a path or in a query.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The characters that are not escaped in a path.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// A bucket, or a file on the web: how it is asked, and what its answers mean.
pub(crate) trait Place: Send + Sync {
    /// Returns the question for a page of the names that start with a prefix.
    fn page(&self, prefix: &str, token: Option<&str>) -> Result<Question>;

    /// Reads a page.
    fn read_page(&self, reply: Reply) -> Result<Page>;

    /// Returns the question for what an object is.
    fn describe(&self, key: &str) -> Result<Question>;

    /// Reads what an object is.
    fn read_description(&self, key: &str, reply: Reply) -> Result<Object>;

    /// Returns the question for the content of an object in a given version.
    fn content(&self, object: &Object) -> Result<Question>;

    /// Returns the version that an answer with a content is of, if it says so.
    fn version(&self, reply: &Reply) -> Option<String>;

    /// Checks whether the question for a content can be answered with no other version.
    fn asks_for_version(&self, _object: &Object) -> bool {
        false
    }

    /// Adds credentials to a request to this place.
    fn authorize(&self, request: &mut Request<()>) -> Result<()>;

    /// Checks whether credentials are sent.
    fn has_credentials(&self) -> bool;

    /// Learns from an answer where the place really is, and returns whether it has to be asked again.
    fn learn(&self, _headers: &HeaderMap) -> bool {
        false
    }
}

/// Returns the place of an address.
pub(crate) fn place(
    settings: &Settings,
    remote: &Remote,
    access: &Access,
    connector: &Connector,
) -> Result<Box<dyn Place>> {
    Ok(match remote.scheme {
        Scheme::Google => Box::new(google::Bucket::new(&settings.google, remote, access, connector)?),
        Scheme::Amazon => Box::new(amazon::Bucket::new(&settings.amazon, remote, access, connector)?),
        Scheme::Https | Scheme::Http => Box::new(web::File::new(remote)?),
    })
}

/// Returns the address of a service other than the usual one: what the experiment says, or else the environment.
pub(crate) fn endpoint(settings: &Settings, remote: &Remote, access: &Access) -> Option<String> {
    let said = access.endpoint.clone();
    match remote.scheme {
        Scheme::Google => said.or_else(|| settings.google.emulator.clone()),
        Scheme::Amazon => said.or_else(|| settings.amazon.endpoint.clone()),
        Scheme::Https | Scheme::Http => None,
    }
}

/// Returns the base address of a service, which may be given without a scheme.
fn base(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") }
}

fn escaped(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

fn component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

fn uri(text: &str) -> Result<Uri> {
    let bad = |_| SourceError::Address {
        address: text.split('?').next().unwrap_or_default().to_owned(),
        reason: "it is not a web address".to_owned(),
    };
    text.parse().map_err(bad)
}
