//! Sends requests, follows redirects without secrets, and turns statuses into errors.

use std::io::Read;
use std::ops::Range;

use cliptune_web::{Origin, redirect, shown};
use ureq::Agent;
use ureq::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
    LOCATION, RETRY_AFTER,
};
use ureq::http::{Method, Request, Response, Uri};

use crate::connector::Connector;
use crate::encoding::http_date;
use crate::error::{Result, SourceError};
use crate::place::Place;

/// The number of redirects that are followed in a row.
const REDIRECTS: usize = 10;

/// The longest answer that is read whole: a page of a listing, or an error.
const LONGEST: u64 = 32 << 20;

/// How much of an error's body is looked at.
const LONGEST_ERROR: u64 = 16 << 10;

/// One request, before credentials are added to it.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

impl Question {
    pub(crate) fn get(uri: Uri) -> Self {
        Self { method: Method::GET, uri, headers: HeaderMap::new() }
    }

    pub(crate) fn head(uri: Uri) -> Self {
        Self { method: Method::HEAD, ..Self::get(uri) }
    }

    /// Adds a header whose value may come from a server; one that cannot be sent is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// Which part of a file an answer has.
pub(crate) struct Sent {
    pub(crate) bytes: Range<u64>,
    /// The size of the whole file.
    pub(crate) total: u64,
}

/// A successful answer.
pub(crate) struct Reply {
    response: Response<ureq::Body>,
    address: String,
}

/// Sends requests. It tries everything once, except where a server says that the right place is another one.
pub(crate) struct Client {
    agents: Connector,
}

impl Client {
    pub(crate) fn new(agents: Connector) -> Self {
        Self { agents }
    }

    /// Sends a request to a place and returns a successful answer.
    pub(crate) fn ask(&self, place: &dyn Place, question: impl Fn() -> Result<Question>) -> Result<Reply> {
        let reply = self.follow(place, &question()?)?;
        // A bucket in another region says so, once.
        match place.learn(reply.response.headers()) {
            true => self.follow(place, &question()?)?.success(place),
            false => reply.success(place),
        }
    }

    fn follow(&self, place: &dyn Place, question: &Question) -> Result<Reply> {
        let astray = || SourceError::Redirect { address: shown(&question.uri) };
        let home = Origin::of(&question.uri).ok_or_else(astray)?;
        let mut uri = question.uri.clone();
        for _ in 0..=REDIRECTS {
            let is_home = Origin::of(&uri).as_ref() == Some(&home);
            let response = self.send(place, question, &uri, is_home)?;
            match location(&response) {
                Some(target) => uri = redirect(&uri, target).ok_or_else(astray)?,
                None => return Ok(Reply { response, address: shown(&question.uri) }),
            }
        }
        Err(astray())
    }

    /// Sends one request. Credentials are added only where they belong.
    fn send(
        &self,
        place: &dyn Place,
        question: &Question,
        uri: &Uri,
        is_home: bool,
    ) -> Result<Response<ureq::Body>> {
        let failed = |error| unanswered(&shown(uri), error);
        let mut request = Request::builder().method(&question.method).uri(uri);
        request = request.header("accept-encoding", "identity");
        let mut request = request.body(()).map_err(|error| failed(error.into()))?;
        request.headers_mut().extend(question.headers.clone());
        if is_home {
            place.authorize(&mut request)?;
        }
        let agent: &Agent = match uri.scheme_str() {
            Some("https") => &self.agents.secure,
            _ => &self.agents.plain,
        };
        agent.run(request).map_err(failed)
    }
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns a header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.response.headers(), name)
    }

    /// Returns when the file was last changed, in seconds since the Unix epoch.
    pub(crate) fn modified(&self) -> Option<i64> {
        http_date(self.header(LAST_MODIFIED.as_str())?)
    }

    /// Returns the length of the body.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// Returns what `Content-Range: bytes FIRST-LAST/TOTAL` says.
    pub(crate) fn range(&self) -> Option<Sent> {
        let value = self.header(CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?;
        let (range, total) = value.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let end = last.parse::<u64>().ok()?.checked_add(1)?;
        Some(Sent { bytes: first.parse().ok()?..end, total: total.parse().ok()? })
    }

    /// Returns an error about this answer.
    pub(crate) fn fault(&self, reason: impl Into<String>) -> SourceError {
        SourceError::Answer { address: self.address.clone(), reason: reason.into() }
    }

    /// Returns what makes errors about this answer, for whoever takes its body.
    pub(crate) fn faults(&self) -> impl Fn(&str) -> SourceError + use<> {
        let address = self.address.clone();
        move |reason| SourceError::Answer { address: address.clone(), reason: reason.to_owned() }
    }

    /// Returns the body as it arrives.
    pub(crate) fn into_reader(self) -> impl Read {
        self.response.into_body().into_reader()
    }

    /// Reads a short body whole.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>> {
        let Self { mut response, address } = self;
        let body = response.body_mut().with_config().limit(LONGEST).read_to_vec();
        body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                SourceError::Answer { address, reason: "it does not end".to_owned() }
            }
            error => unanswered(&address, error),
        })
    }

    /// Returns the reply if it is a success, and the error that its status means otherwise.
    fn success(mut self, place: &dyn Place) -> Result<Self> {
        if let Some(encoding) =
            self.header(CONTENT_ENCODING.as_str()).filter(|encoding| *encoding != "identity")
        {
            let encoding: String = encoding.chars().filter(char::is_ascii_graphic).take(20).collect();
            return Err(self.fault(format!("it is compressed ({encoding}), which was not asked for")));
        }
        if self.response.status().is_success() {
            return Ok(self);
        }
        let (status, code) = (self.status(), self.code());
        let address = self.address;
        let retry_after =
            header(self.response.headers(), RETRY_AFTER.as_str()).and_then(|value| value.parse().ok());
        Err(match status {
            404 | 410 => SourceError::Absent { address, code },
            401 | 403 => SourceError::Denied { address, code, has_credentials: place.has_credentials() },
            412 => SourceError::Changed { address },
            408 | 429 | 500..=599 => SourceError::Server { address, status, code, retry_after },
            _ => SourceError::Refused { address, status, code },
        })
    }

    /// Returns the store's word for an error, such as `NoSuchBucket`. More than a word could repeat what was sent.
    fn code(&mut self) -> String {
        let body = self.response.body_mut().with_config().limit(LONGEST_ERROR).read_to_string();
        let body = body.unwrap_or_default();
        let word = between(&body, "<Code>", "</Code>").or_else(|| between(&body, "\"reason\": \"", "\""));
        match word.filter(|word| word.len() < 40 && word.bytes().all(|b| b.is_ascii_alphabetic())) {
            Some(word) => format!(" ({word})"),
            None => String::new(),
        }
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(word, _)| word)
}

/// Returns the address that a redirect leads to.
fn location(response: &Response<ureq::Body>) -> Option<&str> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    header(response.headers(), LOCATION.as_str()).filter(|_| is_redirect)
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns the error for a missing or incomplete answer.
pub(crate) fn unanswered(address: &str, source: ureq::Error) -> SourceError {
    SourceError::Connection { address: address.to_owned(), source: Box::new(source) }
}
