//! Reads the answers of a server: the headers that matter, and statuses as errors.

use std::time::Duration;

use cliptune_web::shown;
use ureq::Body;
use ureq::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, LOCATION, RETRY_AFTER,
};
use ureq::http::{Response, StatusCode, Uri};

use crate::digest::Digest;
use crate::endpoint::Endpoint;
use crate::error::{HubError, Result};
use crate::id::HubId;

const LINKED_ETAG: &str = "x-linked-etag";
const LINKED_SIZE: &str = "x-linked-size";
const ERROR_CODE: &str = "x-error-code";
const ERROR_MESSAGE: &str = "x-error-message";

/// The hub's message about a token that it does not accept.
const INVALID_TOKEN: &str = "Invalid credentials in Authorization header";

/// An answer, and the address that it came from after redirects.
pub(crate) struct Reply {
    pub(crate) response: Response<Body>,
    pub(crate) uri: Uri,
    /// Whether the endpoint itself answered, and not a store that it redirected to.
    pub(crate) is_endpoint: bool,
    /// The last hash that was given on the way.
    pub(crate) digest: Option<Digest>,
}

impl Reply {
    fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Returns the size of the file, if the answer describes a redirect to it or is the file itself.
    pub(crate) fn size(&self) -> Option<u64> {
        let linked = header(self.headers(), LINKED_SIZE).and_then(|size| size.parse().ok());
        linked.or_else(|| self.length().filter(|_| !self.status().is_redirection()))
    }

    /// Returns the length of the body as it is sent, if the body is not compressed.
    pub(crate) fn length(&self) -> Option<u64> {
        let is_plain =
            header(self.headers(), CONTENT_ENCODING.as_str()).is_none_or(|encoding| encoding == "identity");
        header(self.headers(), CONTENT_LENGTH.as_str()).filter(|_| is_plain)?.parse().ok()
    }

    /// Returns the start and the total from `Content-Range: bytes START-END/TOTAL`.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        let value = header(self.headers(), CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?;
        let (range, total) = value.split_once('/')?;
        Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
    }

    /// Returns the reply if it is a success, and the error that its status means otherwise.
    pub(crate) fn success(self, id: &HubId, endpoint: &Endpoint, has_token: bool) -> Result<Self> {
        if self.status().is_success() {
            return Ok(self);
        }
        let code = header(self.headers(), ERROR_CODE).unwrap_or_default();
        let is_invalid_token = header(self.headers(), ERROR_MESSAGE) == Some(INVALID_TOKEN);
        let no_repository =
            || HubError::NoRepository { id: id.clone(), endpoint: endpoint.to_string(), has_token };
        Err(match (self.status().as_u16(), code) {
            // A store's own refusal means that a link from the hub has expired.
            _ if !self.is_endpoint => self.trouble(),
            (_, "GatedRepo") => HubError::Gated { id: id.clone(), page: endpoint.page(id), has_token },
            (_, "RevisionNotFound") => HubError::NoRevision { id: id.clone() },
            (401, _) if is_invalid_token => HubError::BadToken { endpoint: endpoint.to_string() },
            // The hub does not tell strangers whether a private repository exists.
            (401, _) | (_, "RepoNotFound") => no_repository(),
            (404, "") => no_repository(),
            (408 | 429 | 500..=599, _) => self.trouble(),
            _ => self.refusal(),
        })
    }

    fn refusal(&self) -> HubError {
        HubError::Refused {
            address: shown(&self.uri),
            status: self.status().as_u16(),
            message: self.message(),
        }
    }

    fn trouble(&self) -> HubError {
        let retry_after = header(self.headers(), RETRY_AFTER.as_str()).and_then(|value| value.parse().ok());
        let (address, status) = (shown(&self.uri), self.status().as_u16());
        HubError::Server { address, status, message: self.message(), retry_after }
    }

    /// Returns the server's message, shortened and without characters that could play tricks on a terminal.
    fn message(&self) -> String {
        let Some(message) = header(self.headers(), ERROR_MESSAGE) else { return String::new() };
        format!(": {}", message.chars().filter(|c| !c.is_control()).take(200).collect::<String>())
    }
}

/// Returns the hash in a hub's answer: that of the content a redirect leads to, or that of what is sent.
pub(crate) fn digest(headers: &HeaderMap, is_endpoint: bool) -> Option<Digest> {
    let own = || header(headers, ETAG.as_str()).filter(|_| is_endpoint);
    Digest::from_etag(header(headers, LINKED_ETAG).or_else(own)?)
}

/// Checks whether the answer describes the file that it redirects to.
pub(crate) fn is_described(headers: &HeaderMap) -> bool {
    headers.contains_key(LINKED_ETAG)
}

/// Returns the address that a redirect leads to.
pub(crate) fn location(response: &Response<Body>) -> Option<&str> {
    // 300 and 304 do not occur here as redirects.
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    header(response.headers(), LOCATION.as_str()).filter(|_| is_redirect)
}

/// Returns the pause that a failed server asks for.
pub(crate) fn retry_after(error: &HubError) -> Option<Duration> {
    match error {
        HubError::Server { retry_after, .. } => retry_after.map(Duration::from_secs),
        _ => None,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
