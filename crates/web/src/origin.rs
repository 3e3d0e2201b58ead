//! Compares origins and follows redirects.

use ureq::http::Uri;
use ureq::http::uri::Authority;

/// The scheme, host and port of an address. Secrets are sent only to the origin that they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Returns the origin of an absolute http or https address.
    pub fn of(uri: &Uri) -> Option<Self> {
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        (!host.is_empty()).then_some(Self { secure, host, port })
    }

    /// Returns the origin of `https://HOST`.
    pub fn https(host: &str) -> Self {
        Self { secure: true, host: host.to_owned(), port: 443 }
    }

    /// Checks whether the scheme is https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

/// Returns where a redirect from `base` leads: `location` may be a whole address, one without a scheme, or a path.
///
/// Returns `None` if that is not an http address, or if it would leave https, where sizes and hashes can be trusted.
pub fn redirect(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let has_scheme = location.split(['/', '?', '#']).next().is_some_and(|start| start.ends_with(':'));
    let absolute = if has_scheme {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let (folder, _) = base.path().rsplit_once('/')?;
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let target: Uri = absolute.split('#').next()?.parse().ok()?;
    let (from, to) = (Origin::of(base)?, Origin::of(&target)?);
    (to.is_secure() || !from.is_secure()).then_some(target)
}

/// Returns an address for a message, without its query, which may contain a signature, and without its user.
pub fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", Authority::as_str);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(base: &str, location: &str) -> Option<String> {
        redirect(&base.parse().unwrap(), location).map(|uri| uri.to_string())
    }

    #[test]
    fn a_redirect_may_be_whole_or_relative() {
        let base = "https://hub:8443/a/resolve/main/config.json?x=1";
        let lead = |location: &str, to: &str| assert_eq!(redirected(base, location).as_deref(), Some(to));
        lead("https://cdn/b?sig=a%2Fb#part", "https://cdn/b?sig=a%2Fb");
        lead("//cdn/b", "https://cdn/b");
        lead("/b/c", "https://hub:8443/b/c");
        lead("/b?from=http://c", "https://hub:8443/b?from=http://c");
        lead("other.json", "https://hub:8443/a/resolve/main/other.json");
    }

    #[test]
    fn a_redirect_never_leaves_https_and_never_leads_to_a_file() {
        assert_eq!(redirected("https://hub/a", "http://hub/a"), None);
        assert_eq!(redirected("https://hub/a", "file:///etc/passwd"), None);
        assert_eq!(redirected("http://hub/a", "https://hub/a").as_deref(), Some("https://hub/a"));
    }

    #[test]
    fn secrets_in_an_address_are_not_shown() {
        let uri = "https://user:word@cdn:8443/a/b%20c?signature=secret".parse().unwrap();
        assert_eq!(shown(&uri), "https://cdn:8443/a/b%20c");
    }

    #[test]
    fn another_port_or_scheme_is_another_origin() {
        let origin = |text: &str| Origin::of(&text.parse().unwrap()).unwrap();
        assert_eq!(origin("https://Hub/a"), origin("https://hub:443/b"));
        assert_ne!(origin("https://hub/"), origin("http://hub/"));
        assert_ne!(origin("https://hub/"), origin("https://hub:444/"));
        assert_ne!(origin("https://hub/"), origin("https://hub.evil/"));
    }
}
