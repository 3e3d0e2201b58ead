//! A file on a web server.

use ureq::http::header::{ETAG, IF_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED};
use ureq::http::{Request, Uri};

use super::{Place, uri};
use crate::checksums::Checksums;
use crate::client::{Question, Reply};
use crate::error::{Result, SourceError};
use crate::listing::{Object, Page};
use crate::remote::Remote;

/// What a version begins with that is a date.
const MODIFIED: &str = "modified ";

pub(super) struct File {
    uri: Uri,
    address: String,
}

impl File {
    pub(super) fn new(remote: &Remote) -> Result<Self> {
        let query = remote.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let uri = uri(&format!("{}://{}{}{query}", remote.scheme.as_str(), remote.host, remote.path))?;
        Ok(Self { uri, address: remote.to_string() })
    }
}

impl Place for File {
    fn page(&self, _: &str, _: Option<&str>) -> Result<Question> {
        let reason = "a web server cannot list".to_owned();
        Err(SourceError::Address { address: self.address.clone(), reason })
    }

    fn read_page(&self, _: Reply) -> Result<Page> {
        Ok(Page { objects: Vec::new(), next: None })
    }

    fn describe(&self, _: &str) -> Result<Question> {
        Ok(Question::head(self.uri.clone()))
    }

    fn read_description(&self, key: &str, reply: Reply) -> Result<Object> {
        let Some(size) = reply.length() else {
            return Err(
                reply.fault("it does not say how large the file is, so that its end could not be checked")
            );
        };
        let Some(version) = self.version(&reply) else {
            return Err(
                reply.fault("it has neither an ETag nor a date, so that a change could not be noticed")
            );
        };
        let (modified, checksums) = (reply.modified(), Checksums::of(&reply));
        Ok(Object { name: key.to_owned(), size, version, modified, checksums })
    }

    fn content(&self, object: &Object) -> Result<Question> {
        let question = Question::get(self.uri.clone());
        Ok(match object.version.strip_prefix(MODIFIED) {
            Some(modified) => question.with(IF_UNMODIFIED_SINCE, modified),
            // A weak ETag never matches.
            None if object.version.starts_with("W/") => question,
            None => question.with(IF_MATCH, &object.version),
        })
    }

    fn version(&self, reply: &Reply) -> Option<String> {
        let modified =
            || reply.header(LAST_MODIFIED.as_str()).map(|modified| format!("{MODIFIED}{modified}"));
        reply.header(ETAG.as_str()).map(str::to_owned).or_else(modified)
    }

    fn authorize(&self, _: &mut Request<()>) -> Result<()> {
        Ok(())
    }

    fn has_credentials(&self) -> bool {
        false
    }
}
