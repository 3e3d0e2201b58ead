//! Sets up connections: time limits, the proxy and the certificates that are trusted.

use std::path::Path;
use std::sync::Arc;

use ureq::Agent;
use ureq::config::AutoHeaderValue;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Proxy, ProxyProtocol};

use crate::error::{HubError, Result};
use crate::settings::Settings;

/// The user agent that servers see.
const USER_AGENT: &str = concat!("cliptune/", env!("CARGO_PKG_VERSION"));

/// Makes an agent that leaves statuses and redirects to its caller.
pub(crate) fn agent(settings: &Settings) -> Result<Agent> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = &settings.certificates {
        tls = tls.root_certs(certificates(path)?);
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .accept_encoding(AutoHeaderValue::None)
        .timeout_resolve(Some(settings.answer_timeout))
        .timeout_connect(Some(settings.answer_timeout))
        .timeout_per_read(Some(settings.download_timeout))
        .timeout_recv_response(Some(settings.answer_timeout))
        .tls_config(tls.build())
        .proxy(proxy(settings)?)
        .build();
    Ok(config.into())
}

/// Reads the certificates of a PEM file, which replace the built-in ones.
fn certificates(path: &Path) -> Result<RootCerts> {
    let pem = fs_err::read(path)?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let certificates: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    match certificates.is_empty() {
        true => Err(HubError::NoCertificates { path: path.to_owned() }),
        false => Ok(RootCerts::Specific(Arc::new(certificates))),
    }
}

fn proxy(settings: &Settings) -> Result<Option<Proxy>> {
    let Some(address) = &settings.proxy else { return Ok(None) };
    let refused = |reason| HubError::Setting { name: "the proxy", reason };
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
    for host in &settings.no_proxy {
        // For curl and Python, `example.com` covers `www.example.com`; ureq has to be told so.
        let subdomains = format!(".{}", host.trim_start_matches(['*', '.']));
        builder = builder.no_proxy(host).no_proxy(if host == "*" { host } else { &subdomains });
    }
    builder.build().map(Some).map_err(|_| refused("it is not the URL of a proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let lookup = |name: &str| match name {
            "HF_HOME" => Some("/nowhere".into()),
            _ => variables.iter().find(|pair| pair.0 == name).map(|pair| pair.1.into()),
        };
        Settings::from_lookup(&lookup).unwrap()
    }

    #[test]
    fn hosts_and_their_subdomains_can_be_kept_from_the_proxy() {
        let variables =
            [("HTTPS_PROXY", "http://user:pass@proxy:3128"), ("NO_PROXY", "localhost, example.com,.corp")];
        let proxy = proxy(&settings(&variables)).unwrap().unwrap();
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
            let error = proxy(&settings(&[("ALL_PROXY", address)])).unwrap_err();
            assert!(matches!(error, HubError::Setting { name: "the proxy", .. }), "{address}: {error}");
        }
    }

    #[test]
    fn a_certificate_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.pem");
        fs_err::write(&path, "nothing\n").unwrap();
        let error = agent(&settings(&[("SSL_CERT_FILE", path.to_str().unwrap())])).unwrap_err();
        assert!(matches!(error, HubError::NoCertificates { .. }), "{error}");
    }
}
