//! Sets up connections: time limits, the proxy and the certificates that are trusted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cliptune_durable::read_regular;
use ureq::Agent;
use ureq::config::AutoHeaderValue;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Proxy, ProxyProtocol};

use crate::environment::Environment;
use crate::error::WebError;

/// The user agent that servers see.
const USER_AGENT: &str = concat!("cliptune/", env!("CARGO_PKG_VERSION"));

/// The largest file of certificates that is read, in bytes.
const LONGEST_CERTIFICATES: u64 = 16 << 20;

/// How connections are made.
///
/// | variable | meaning |
/// |---|---|
/// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | the proxy, in either case |
/// | `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` | certificates to trust instead of Mozilla's |
#[derive(Clone, Debug)]
pub struct Connections {
    /// The time to wait for an answer.
    pub answer_timeout: Duration,
    /// The time to wait for the next bytes of a file.
    pub download_timeout: Duration,
    /// The proxy.
    pub proxy: Option<String>,
    /// The hosts that are contacted without the proxy.
    pub no_proxy: Vec<String>,
    /// A PEM file with the certificates to trust.
    pub certificates: Option<PathBuf>,
}

impl Connections {
    /// Reads how connections to servers with or without TLS are made, and waits this long for a silent server.
    pub fn new(environment: &Environment<'_>, is_secure: bool, timeout: Duration) -> Self {
        let certificates = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];
        Self {
            answer_timeout: timeout,
            download_timeout: timeout,
            proxy: proxy_variable(environment, is_secure),
            no_proxy: no_proxy(environment),
            certificates: certificates.iter().find_map(|name| environment.path(name)),
        }
    }

    /// Makes an agent that leaves statuses and redirects to its caller and asks for nothing compressed.
    ///
    /// # Errors
    ///
    /// For an impossible proxy, and for certificates that cannot be read.
    pub fn agent(&self) -> Result<Agent, WebError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &self.certificates {
            tls = tls.root_certs(certificates(path)?);
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .accept_encoding(AutoHeaderValue::None)
            .timeout_resolve(Some(self.answer_timeout))
            .timeout_connect(Some(self.answer_timeout))
            .timeout_per_read(Some(self.download_timeout))
            .timeout_recv_response(Some(self.answer_timeout))
            .tls_config(tls.build())
            .proxy(proxy(self)?)
            .build();
        Ok(config.into())
    }
}

fn proxy_variable(environment: &Environment<'_>, is_secure: bool) -> Option<String> {
    match is_secure {
        true => environment.first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        false => environment.first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
    }
}

fn no_proxy(environment: &Environment<'_>) -> Vec<String> {
    let hosts = environment.first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
    hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect()
}

/// Reads the certificates of a PEM file, which replace the built-in ones.
fn certificates(path: &Path) -> Result<RootCerts, WebError> {
    let pem = read_regular(path, LONGEST_CERTIFICATES)?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let certificates: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    match certificates.is_empty() {
        true => Err(WebError::NoCertificates { path: path.to_owned() }),
        false => Ok(RootCerts::Specific(Arc::new(certificates))),
    }
}

fn proxy(connections: &Connections) -> Result<Option<Proxy>, WebError> {
    let Some(address) = &connections.proxy else { return Ok(None) };
    let refused = |reason| WebError::Setting { name: "the proxy", reason };
    let proxy = Proxy::new(address).map_err(|_| refused("it is not the URL of a proxy"))?;
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(refused("only http:// and https:// proxies are supported"));
    }
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(username) = proxy.username() {
        builder = builder.username(username);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    for host in &connections.no_proxy {
        // For curl and Python, `example.com` covers `www.example.com`; ureq has to be told so.
        let subdomains = format!(".{}", host.trim_start_matches(['*', '.']));
        builder = builder.no_proxy(host).no_proxy(if host == "*" { host } else { &subdomains });
    }
    builder.build().map(Some).map_err(|_| refused("it is not the URL of a proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(variables: &[(&str, &str)]) -> Connections {
        let lookup = |name: &str| {
            variables.iter().find(|pair| pair.0 == name).map(|pair| std::ffi::OsString::from(pair.1))
        };
        Connections::new(&Environment::new(&lookup), true, Duration::from_secs(10))
    }

    #[test]
    fn hosts_and_their_subdomains_can_be_kept_from_the_proxy() {
        let variables =
            [("HTTPS_PROXY", "http://user:pass@proxy:3128"), ("NO_PROXY", "localhost, example.com,.corp")];
        let proxy = proxy(&connections(&variables)).unwrap().unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("proxy", 3128));
        assert_eq!((proxy.username(), proxy.password()), (Some("user"), Some("pass")));
        let direct = |uri: &str| proxy.is_no_proxy(&uri.parse().unwrap());
        assert!(
            ["https://localhost/", "https://example.com/", "https://www.example.com/", "https://a.corp/"]
                .into_iter()
                .all(direct)
        );
        assert!(!direct("https://huggingface.co/"));
        assert!(!direct("https://notexample.com/"));
    }

    #[test]
    fn a_proxy_of_another_kind_is_refused_rather_than_ignored() {
        for address in ["socks5://proxy:1080", "ftp://proxy"] {
            let error = proxy(&connections(&[("ALL_PROXY", address)])).unwrap_err();
            assert!(matches!(error, WebError::Setting { name: "the proxy", .. }), "{address}: {error}");
        }
    }

    #[test]
    fn a_certificate_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.pem");
        fs_err::write(&path, "nothing\n").unwrap();
        let error = connections(&[("SSL_CERT_FILE", path.to_str().unwrap())]).agent().unwrap_err();
        assert!(matches!(error, WebError::NoCertificates { .. }), "{error}");
    }
}
