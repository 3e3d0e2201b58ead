//! Reads the environment's settings for the hub.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cliptune_durable::read_regular_text;
use cliptune_web::{Connections, Environment, is_true};

use crate::endpoint::Endpoint;
use crate::error::{HubError, Result};
use crate::token::Token;

/// The time to wait for a silent server, unless a variable says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest file with a token that is read, in bytes.
const LONGEST_TOKEN: u64 = 64 << 10;

/// The settings that decide where models come from and where they are kept.
///
/// | variable | meaning |
/// |---|---|
/// | `HF_ENDPOINT` | the hub; default `https://huggingface.co` |
/// | `HF_HOME` | the folder of everything; default `$XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface` |
/// | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE` | the cache; default `$HF_HOME/hub` |
/// | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN` | the token |
/// | `HF_TOKEN_PATH` | the file with the token; default `$HF_HOME/token`, where `hf auth login` puts it |
/// | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | send no token |
/// | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` | never use the network |
/// | `HF_HUB_DISABLE_SYMLINKS` | put files, not links, into snapshots |
/// | `HF_HUB_ETAG_TIMEOUT`, `HF_HUB_DOWNLOAD_TIMEOUT` | seconds to wait for an answer, for the next bytes; default 10 |
/// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | the proxy, in either case |
/// | `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` | certificates to trust instead of Mozilla's |
///
/// An empty variable counts as unset. `~` and `$VARIABLES` in paths are replaced.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The hub that is asked.
    pub endpoint: Endpoint,
    /// The folder that contains the `models--…` folders.
    pub cache: PathBuf,
    /// The token, which is sent only to the endpoint.
    pub token: Option<Token>,
    /// Whether the use of the network is forbidden.
    pub offline: bool,
    /// Whether snapshots link to blobs, which they do unless it is disabled.
    pub symlinks: bool,
    /// How connections to the endpoint are made.
    pub connections: Connections,
}

impl Settings {
    /// Reads the settings of this process.
    ///
    /// # Errors
    ///
    /// [`HubError::Setting`] for a variable that cannot be understood, [`HubError::NoHome`] if nothing says where the
    /// cache is, and [`HubError::Io`] for a token file that cannot be read.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(&Environment::of_process)
    }

    /// Reads the settings from the given variables; for tests, and for programs with settings of their own.
    ///
    /// # Errors
    ///
    /// Returns an error for the same reasons as [`from_env`](Self::from_env).
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
        let environment = Environment::new(lookup);
        let home = home(&environment)?;
        let endpoint = endpoint(&environment)?;
        let cache = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"].iter().find_map(|name| environment.path(name));
        Ok(Self {
            cache: cache.unwrap_or_else(|| home.join("hub")),
            token: token(&environment, home)?,
            offline: environment
                .first(&["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
                .is_some_and(|value| is_true(&value)),
            symlinks: !environment.is_true("HF_HUB_DISABLE_SYMLINKS"),
            connections: connections(&environment, &endpoint)?,
            endpoint,
        })
    }
}

/// Returns `HF_HOME`, or the default for it.
fn home(environment: &Environment<'_>) -> Result<PathBuf> {
    if let Some(home) = environment.path("HF_HOME") {
        return Ok(home);
    }
    let caches = environment.path("XDG_CACHE_HOME");
    let caches = caches.or_else(|| environment.home().map(|home| home.join(".cache")));
    Ok(caches.ok_or(HubError::NoHome)?.join("huggingface"))
}

fn endpoint(environment: &Environment<'_>) -> Result<Endpoint> {
    let Some(value) = environment.text("HF_ENDPOINT") else { return Ok(Endpoint::default()) };
    value.parse().map_err(|reason| HubError::Setting { name: "HF_ENDPOINT", reason })
}

/// Returns the token from the environment, or else from the file that a login leaves.
fn token(environment: &Environment<'_>, home: PathBuf) -> Result<Option<Token>> {
    if environment.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
        return Ok(None);
    }
    if let Some(text) = environment.first(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
        let unusable = HubError::Setting { name: "HF_TOKEN", reason: "it has characters no token has" };
        return Token::new(&text).map(Some).ok_or(unusable);
    }
    let path = environment.path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
    match read_regular_text(&path, LONGEST_TOKEN) {
        Ok(text) => Ok(Token::new(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn seconds(environment: &Environment<'_>, name: &'static str) -> Result<Duration> {
    let Some(value) = environment.text(name) else { return Ok(TIMEOUT) };
    match value.trim().parse() {
        // Python, too, treats 0 as "not set".
        Ok(0) => Ok(TIMEOUT),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err(HubError::Setting { name, reason: "it is not a whole number of seconds" }),
    }
}

fn connections(environment: &Environment<'_>, endpoint: &Endpoint) -> Result<Connections> {
    let connections = Connections::new(environment, endpoint.origin().is_secure(), TIMEOUT);
    Ok(Connections {
        answer_timeout: seconds(environment, "HF_HUB_ETAG_TIMEOUT")?,
        download_timeout: seconds(environment, "HF_HUB_DOWNLOAD_TIMEOUT")?,
        ..connections
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::from_lookup(&|name| {
            let value = |pair: &(&str, &str)| OsString::from(pair.1);
            variables.iter().find(|pair| pair.0 == name).map(value)
        })
    }

    fn cache(variables: &[(&str, &str)]) -> String {
        settings(variables).unwrap().cache.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        let home = ("HOME", "/nowhere/ada");
        assert_eq!(cache(&[home]), "/nowhere/ada/.cache/huggingface/hub");
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/c")]), "/c/huggingface/hub");
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/c"), ("HF_HOME", "~/hf")]), "/nowhere/ada/hf/hub");
        assert_eq!(cache(&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")]), "/old");
        assert_eq!(
            cache(&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "/new")]),
            "/new"
        );
        assert_eq!(cache(&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "")]), "/hf/hub");
        assert!(matches!(settings(&[]), Err(HubError::NoHome)));
    }

    #[test]
    fn offline_is_either_variable_and_the_newer_one_wins() {
        let offline = |variables: &[(&str, &str)]| {
            settings(&[&[("HF_HOME", "/hf")], variables].concat()).unwrap().offline
        };
        assert!(!offline(&[]));
        assert!(offline(&[("HF_HUB_OFFLINE", "1")]));
        assert!(offline(&[("TRANSFORMERS_OFFLINE", "true")]));
        assert!(offline(&[("HF_HUB_OFFLINE", ""), ("TRANSFORMERS_OFFLINE", "1")]));
        assert!(!offline(&[("HF_HUB_OFFLINE", "0"), ("TRANSFORMERS_OFFLINE", "1")]));
    }

    #[test]
    fn the_token_comes_from_the_environment_or_the_file_of_a_login() {
        let folder = tempfile::tempdir().unwrap();
        let home = ("HF_HOME", folder.path().to_str().unwrap());
        let token = |variables: &[(&str, &str)]| settings(&[&[home], variables].concat()).unwrap().token;
        assert_eq!(token(&[]), None);
        fs_err::write(folder.path().join("token"), "hf_file\n").unwrap();
        fs_err::write(folder.path().join("other"), " hf_other\r\n").unwrap();
        assert_eq!(token(&[]), Token::new("hf_file"));
        assert_eq!(token(&[("HF_TOKEN_PATH", "$HF_HOME/other")]), Token::new("hf_other"));
        assert_eq!(token(&[("HUGGING_FACE_HUB_TOKEN", "hf_old")]), Token::new("hf_old"));
        assert_eq!(
            token(&[("HUGGING_FACE_HUB_TOKEN", "hf_old"), ("HF_TOKEN", " hf_new ")]),
            Token::new("hf_new")
        );
        assert_eq!(token(&[("HF_TOKEN", "hf_new"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
    }

    #[test]
    fn a_token_is_never_printed() {
        let secret = "hf_verysecret";
        let shown = format!("{:?}", settings(&[("HF_HOME", "/hf"), ("HF_TOKEN", secret)]).unwrap());
        assert!(!shown.contains(secret), "{shown}");
        let error = settings(&[("HF_HOME", "/hf"), ("HF_TOKEN", "hf_very\u{1}secret")]).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_named() {
        let message = |name, value| settings(&[("HF_HOME", "/hf"), (name, value)]).unwrap_err().to_string();
        assert_eq!(
            message("HF_ENDPOINT", "huggingface.co"),
            "HF_ENDPOINT cannot be used: it must start with https:// or http://"
        );
        assert_eq!(
            message("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
            "HF_HUB_DOWNLOAD_TIMEOUT cannot be used: it is not a whole number of seconds"
        );
    }

    #[test]
    fn the_proxy_is_the_one_for_the_endpoints_scheme() {
        let proxy = |variables: &[(&str, &str)]| {
            settings(&[&[("HF_HOME", "/hf")], variables].concat()).unwrap().connections.proxy
        };
        let both = [("HTTPS_PROXY", "http://secure:1"), ("http_proxy", "http://plain:2")];
        assert_eq!(proxy(&both).as_deref(), Some("http://secure:1"));
        assert_eq!(
            proxy(&[&both[..], &[("HF_ENDPOINT", "http://mirror")]].concat()).as_deref(),
            Some("http://plain:2")
        );
        assert_eq!(proxy(&[("ALL_PROXY", "http://all:3")]).as_deref(), Some("http://all:3"));
    }
}
