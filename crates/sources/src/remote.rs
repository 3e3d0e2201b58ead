//! Addresses of remote files.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use ureq::http::Uri;

use crate::error::{Result, SourceError};
use crate::{glob, name};

/// The characters that people write into web addresses although they have to be escaped there.
const UNWISE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What keys and tokens are called in queries, besides names that end with `signature`.
const SECRETS: [&str; 10] = [
    "sig",
    "key",
    "apikey",
    "accesskey",
    "token",
    "accesstoken",
    "auth",
    "authkey",
    "password",
    "xamzsecuritytoken",
];

/// The kind of place that an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    Google,
    Amazon,
    Https,
    Http,
}

impl Scheme {
    const ALL: [Self; 4] = [Self::Google, Self::Amazon, Self::Https, Self::Http];

    /// Returns what stands before `://`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Google => "gs",
            Self::Amazon => "s3",
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    fn of(text: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = text.split_once("://")?;
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(scheme))
            .map(|scheme| (scheme, rest))
    }
}

/// The address of remote files: `gs://bucket/…`, `s3://bucket/…`, `https://…` or `http://…`.
///
/// In a bucket, it is a folder (all objects whose names start so), one object, or a pattern such as
/// `gs://bucket/images/*.jpeg`. A web server cannot list, so that there it is one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remote {
    pub(crate) scheme: Scheme,
    /// The bucket, or the host with its port.
    pub(crate) host: String,
    /// The name in the bucket, or the path on the host as it is sent.
    pub(crate) path: String,
    /// The query of a web address. It is never shown.
    pub(crate) query: Option<String>,
}

impl Remote {
    /// Checks whether a text is meant as an address of remote files, and not as a path.
    pub fn is_remote(text: &str) -> bool {
        Scheme::of(text).is_some()
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`SourceError::Address`] if the text is not the address of anything that can be fetched.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = Scheme::of(text) else {
            let reason = "it does not start with gs://, s3://, https:// or http://".to_owned();
            return Err(SourceError::Address { address: text.to_owned(), reason });
        };
        match scheme {
            Scheme::Google | Scheme::Amazon => Self::in_bucket(scheme, rest),
            Scheme::Https | Scheme::Http => Self::on_the_web(scheme, rest),
        }
        .map_err(|reason| SourceError::Address { address: without_secrets(text), reason: reason.to_owned() })
    }

    fn in_bucket(scheme: Scheme, rest: &str) -> std::result::Result<Self, &'static str> {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if bucket.is_empty() || !bucket.bytes().all(is_name) || bucket.starts_with('.') {
            return Err("a bucket has a name of letters, digits, dots, dashes and underscores");
        }
        let folder = key.trim_end_matches('/');
        if !folder.is_empty() && name::fault(folder).is_some() {
            return Err("its path has empty parts, `.`, `..` or control characters");
        }
        Ok(Self { scheme, host: bucket.to_owned(), path: key.to_owned(), query: None })
    }

    fn on_the_web(scheme: Scheme, rest: &str) -> std::result::Result<Self, &'static str> {
        let rest = rest.split('#').next().unwrap_or_default();
        let escaped = utf8_percent_encode(rest, UNWISE).to_string();
        let uri: Uri =
            format!("{}://{escaped}", scheme.as_str()).parse().map_err(|_| "it is not a web address")?;
        let host = uri.authority().ok_or("it has no host")?.as_str();
        if host.contains('@') {
            return Err("user and password do not belong into an address, which is recorded");
        }
        if uri.path().ends_with('/') {
            return Err("a web server cannot list a folder: name one file, or use gs:// or s3://");
        }
        if uri.path().contains('*') {
            return Err(
                "a web server cannot list what a pattern matches: name one file, or use gs:// or s3://",
            );
        }
        if uri.query().is_some_and(has_secret) {
            return Err("its query has a signature or a key, which would be recorded and expires");
        }
        let remote = Self {
            scheme,
            host: host.to_ascii_lowercase(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
        };
        match name::fault(remote.key().trim_start_matches('/')) {
            Some(_) => Err("its path has empty parts, `.`, `..` or control characters"),
            None => Ok(remote),
        }
    }

    /// Checks whether a text is the address of a service that speaks the protocol of a store: `https://` or `http://` and
    /// a host without a user.
    pub fn is_service(text: &str) -> bool {
        let Some((Scheme::Https | Scheme::Http, rest)) = Scheme::of(text) else { return false };
        // The name of a file makes it an address.
        Self::parse(&format!("{}/service", text.trim_end_matches('/'))).is_ok() && !rest.contains('?')
    }

    /// Checks whether the address names many files by a pattern.
    pub fn is_pattern(&self) -> bool {
        self.is_in_bucket() && glob::is_pattern(&self.path)
    }

    /// Checks whether the address is in a bucket, which can be listed.
    pub fn is_in_bucket(&self) -> bool {
        matches!(self.scheme, Scheme::Google | Scheme::Amazon)
    }

    /// Returns the name in the bucket, or the path on the host without escapes.
    pub(crate) fn key(&self) -> String {
        match self.is_in_bucket() {
            true => self.path.trim_end_matches('/').to_owned(),
            false => percent_decode_str(self.path.trim_start_matches('/')).decode_utf8_lossy().into_owned(),
        }
    }

    /// Returns the last part of the path, which may be a pattern. It tells what kind of file it is.
    pub fn file_name(&self) -> Option<&str> {
        self.path.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// Splits the name at the last slash before a pattern or the last part: the folder, and what is in it.
    pub(crate) fn split(&self) -> (String, String) {
        let key = self.key();
        let parts: Vec<&str> = key.split('/').collect();
        let wild = parts.iter().position(|part| self.is_in_bucket() && glob::is_pattern(part));
        let (folder, rest) = parts.split_at(wild.unwrap_or(parts.len() - 1));
        (folder.join("/"), rest.join("/"))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.is_in_bucket() && !self.path.is_empty() { "/" } else { "" };
        write!(f, "{}://{}{slash}{}", self.scheme.as_str(), self.host, self.path)
    }
}

/// Returns the path of an address with each `%` and two digits as the byte that they stand for, or `None` where that is no
/// text.
pub fn unescaped(path: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(path).decode_utf8().ok().filter(|path| !path.contains('\0'))
}

/// Checks whether a query names a value by what only secrets are called.
fn has_secret(query: &str) -> bool {
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default().to_ascii_lowercase());
    let mut names = names.map(|name| name.replace(['-', '_'], ""));
    names.any(|name| SECRETS.contains(&name.as_str()) || name.ends_with("signature"))
}

/// Returns an address that could not be read without what may be a secret.
fn without_secrets(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match text.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (String, String) {
        Remote::parse(text).unwrap().split()
    }

    fn refused(text: &str) -> String {
        Remote::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_a_folder_and_what_is_in_it() {
        let parts = |folder: &str, rest: &str| (folder.to_owned(), rest.to_owned());
        assert_eq!(split("gs://bucket/contest/images/*.jpeg"), parts("contest/images", "*.jpeg"));
        assert_eq!(split("s3://bucket/a/*/b/{1,2}.png"), parts("a", "*/b/{1,2}.png"));
        assert_eq!(split("gs://bucket/images/"), parts("", "images"));
        assert_eq!(split("gs://bucket"), parts("", ""));
        assert_eq!(split("https://host/a%20b/meta.parquet?version=x"), parts("a b", "meta.parquet"));
        assert_eq!(split("https://host/a[1].csv"), parts("", "a[1].csv"));
    }

    #[test]
    fn escapes_are_those_that_python_writes() {
        // pathlib.Path("/a b/ü%/#?.csv").as_uri()
        let path = unescaped("/a%20b/%C3%BC%25/%23%3F.csv");
        assert_eq!(path.as_deref(), Some("/a b/ü%/#?.csv"));
        assert_eq!(unescaped("/100%/a%2").as_deref(), Some("/100%/a%2"));
        assert_eq!((unescaped("/%FF"), unescaped("/%00")), (None, None));
    }

    #[test]
    fn a_path_is_not_remote() {
        for text in ["images", "/images", "C:\\images", "file:///images", "./gs", "gs:/images"] {
            assert!(!Remote::is_remote(text), "{text}");
        }
        for text in ["gs://b", "S3://b/a", "https://h/a", "http://h/a"] {
            assert!(Remote::is_remote(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_refused_with_the_reason() {
        assert!(refused("https://host/images/").contains("cannot list a folder"));
        assert!(refused("https://host/images/*.jpg").contains("cannot list what a pattern matches"));
        assert!(refused("https://host").contains("cannot list a folder"));
        for text in [
            "gs:///a",
            "gs://a b/c",
            "gs://../c",
            "gs://b/a/../c",
            "s3://b//c",
            "https://h/a/../b",
            "https:///a",
        ] {
            assert!(Remote::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn neither_an_address_nor_an_error_shows_secrets() {
        let remote = Remote::parse("https://host/meta.parquet?version=secret").unwrap();
        assert_eq!(remote.to_string(), "https://host/meta.parquet");
        let signed = "https://host/a.csv?X-Amz-Date=1&X-Amz-Signature=secret";
        assert!(!refused(signed).contains("secret"), "{}", refused(signed));
        for text in ["https://user:secret@host/a.csv", "https://host/images/?key=secret"] {
            assert!(!refused(text).contains("secret"), "{}", refused(text));
        }
    }

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for text in
            ["gs://bucket", "gs://bucket/a/*.jpg", "s3://bucket/a/", "http://localhost:8080/a%20b.csv"]
        {
            assert_eq!(Remote::parse(text).unwrap().to_string(), text);
        }
    }
}
