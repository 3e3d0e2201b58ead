//! How object_store asks for tokens: through the same connections as everything else.

use std::fmt;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use ureq::Agent;
use ureq::http::Request;

/// The longest answer of a server of tokens.
const LONGEST: u64 = 1 << 20;

/// Connects object_store's requests for tokens to an agent. No redirect is followed, because they carry secrets.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) secure: Agent,
    pub(crate) plain: Agent,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Connector {
    /// Asks and waits. The runtime that it blocks has nothing else to do.
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.as_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
        let agent = if parts.uri.scheme_str() == Some("https") { &self.secure } else { &self.plain };
        let response = agent.run(Request::from_parts(parts, body)).map_err(failed)?;
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(LONGEST).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

fn failed(error: ureq::Error) -> HttpError {
    HttpError::new(HttpErrorKind::Request, error)
}
