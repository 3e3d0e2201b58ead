//! Asks a hub three kinds of question: what it holds, how large a file is, and what is in it.

use std::io::Read;

use cliptune_web::{Origin, redirect, shown};
use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, RANGE};
use ureq::http::{Method, Request, Uri};

use crate::commit::Commit;
use crate::digest::Digest;
use crate::endpoint::Endpoint;
use crate::error::{HubError, Result};
use crate::file_name::FileName;
use crate::id::HubId;
use crate::listing::{self, Answer, Listed, Listing};
use crate::reply::{Reply, digest, is_described, location};
use crate::token::Token;

/// The number of redirects that are followed in a row.
const REDIRECTS: usize = 10;

/// A client for the hub over HTTP. It tries everything once and has no cache.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) agent: Agent,
    pub(crate) endpoint: Endpoint,
    pub(crate) token: Option<Token>,
}

/// The content of a file as the server sends it.
pub(crate) struct Content {
    /// The offset at which the content starts: the one that was asked for, or 0.
    pub(crate) start: u64,
    /// The size of the whole file in bytes, if the server announces it.
    pub(crate) total: Option<u64>,
    /// The hash of the whole file, if the server announces it.
    pub(crate) digest: Option<Digest>,
    /// The bytes as they arrive.
    pub(crate) reader: Box<dyn Read>,
    /// The address that the bytes come from, for messages.
    pub(crate) address: String,
}

/// One request to the hub.
struct Question<'a> {
    method: Method,
    address: &'a str,
    /// The offset of the first byte that is wanted.
    from: u64,
    /// Whether a redirect that describes its target is enough of an answer.
    description_is_enough: bool,
}

impl Client {
    /// Asks what the repository holds at the revision.
    pub(crate) fn listing(&self, id: &HubId) -> Result<Listing> {
        let address = self.endpoint.listing(id);
        let question =
            Question { method: Method::GET, address: &address, from: 0, description_is_enough: false };
        let mut reply = self.ask(&question)?.success(id, &self.endpoint, self.token.is_some())?;
        let address = shown(&reply.uri);
        let body = reply.response.body_mut().with_config().limit(listing::LONGEST).read_to_vec();
        let body = body.map_err(|source| unanswered(&address, source))?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|source| HubError::Listing { address, source })?;
        answer.listing()
    }

    /// Asks for the size and hash of a file.
    pub(crate) fn describe(&self, id: &HubId, commit: &Commit, file: &FileName) -> Result<Listed> {
        let address = self.endpoint.file(id, commit, file);
        let question =
            Question { method: Method::HEAD, address: &address, from: 0, description_is_enough: true };
        let reply = self.ask(&question)?;
        let reply = match is_described(reply.response.headers()) {
            true => reply,
            false => reply.success(id, &self.endpoint, self.token.is_some())?,
        };
        Ok(Listed { size: reply.size(), digest: reply.digest })
    }

    /// Asks for a file from an offset on; a server that does not support ranges sends it from its start.
    pub(crate) fn content(&self, id: &HubId, commit: &Commit, file: &FileName, from: u64) -> Result<Content> {
        let address = self.endpoint.file(id, commit, file);
        let question =
            Question { method: Method::GET, address: &address, from, description_is_enough: false };
        let reply = self.ask(&question)?;
        if reply.status() == 416 && from > 0 {
            // The server has less than was asked for, so there is nothing to continue with.
            return self.content(id, commit, file, 0);
        }
        let reply = reply.success(id, &self.endpoint, self.token.is_some())?;
        let (start, total) = match reply.range().filter(|_| reply.status() == 206) {
            Some((start, total)) => (start, Some(total)),
            None => (0, reply.length()),
        };
        let address = shown(&reply.uri);
        let reader = Box::new(reply.response.into_body().into_reader());
        Ok(Content { start, total, digest: reply.digest, reader, address })
    }

    /// Sends the request and follows redirects. The token is sent only to the endpoint.
    fn ask(&self, question: &Question<'_>) -> Result<Reply> {
        let astray = || HubError::Redirect { address: question.address.to_owned() };
        let mut uri: Uri = question.address.parse().map_err(|_| astray())?;
        let mut seen = None;
        for _ in 0..=REDIRECTS {
            let is_endpoint = Origin::of(&uri).as_ref() == Some(self.endpoint.origin());
            let response = self.send(question, &uri, is_endpoint)?;
            seen = digest(response.headers(), is_endpoint).or(seen);
            let target = location(&response)
                .map(|location| redirect(&uri, location).ok_or_else(astray))
                .transpose()?;
            match target {
                Some(target) if !(question.description_is_enough && is_described(response.headers())) => {
                    uri = target;
                }
                _ => return Ok(Reply { response, uri, is_endpoint, digest: seen }),
            }
        }
        Err(astray())
    }

    fn send(
        &self,
        question: &Question<'_>,
        uri: &Uri,
        is_endpoint: bool,
    ) -> Result<ureq::http::Response<ureq::Body>> {
        let mut request =
            Request::builder().method(&question.method).uri(uri).header("accept-encoding", "identity");
        if let Some(token) = self.token.as_ref().filter(|_| is_endpoint) {
            request = request.header(AUTHORIZATION, token.authorization());
        }
        if question.from > 0 {
            request = request.header(RANGE, format!("bytes={}-", question.from));
        }
        let request = request.body(()).map_err(|error| unanswered(&shown(uri), error.into()))?;
        self.agent.run(request).map_err(|error| unanswered(&shown(uri), error))
    }
}

/// Returns the error for a missing or incomplete answer.
fn unanswered(address: &str, source: ureq::Error) -> HubError {
    HubError::Connection { address: address.to_owned(), source: Box::new(source) }
}
