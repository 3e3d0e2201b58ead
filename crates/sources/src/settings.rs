//! Reads the environment's settings for remote sources.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cliptune_web::{Connections, Environment};

use crate::error::{Result, SourceError};

/// The time to wait for an answer or for the next bytes of a silent server.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest file of credentials or profiles that is read, in bytes.
pub(crate) const LONGEST_SETTINGS: u64 = 1 << 20;

/// The settings that decide where remote files are kept and how they are fetched.
///
/// | variable | meaning |
/// |---|---|
/// | `CLIPTUNE_CACHE` | the cache; default `$XDG_CACHE_HOME/cliptune`, else `~/.cache/cliptune` |
/// | `CLIPTUNE_OFFLINE` | never use the network |
/// | `AWS_…`, `GOOGLE_APPLICATION_CREDENTIALS`, `STORAGE_EMULATOR_HOST` | as in Amazon's and Google's own tools |
/// | `HTTPS_PROXY`, `SSL_CERT_FILE`, … | see [`Connections`] |
#[derive(Clone)]
pub struct Settings {
    /// The folder of the cache.
    pub cache: PathBuf,
    /// Whether the use of the network is forbidden.
    pub offline: bool,
    /// How connections with TLS are made.
    pub(crate) secure: Connections,
    /// How connections without TLS are made.
    pub(crate) plain: Connections,
    pub(crate) amazon: Amazon,
    pub(crate) google: Google,
}

/// What the environment says about Amazon's store.
#[derive(Clone)]
pub(crate) struct Amazon {
    pub(crate) key: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// The profile that is named, if one is.
    pub(crate) profile: Option<String>,
    pub(crate) credentials_file: Option<PathBuf>,
    pub(crate) config_file: Option<PathBuf>,
    /// The file with a token and the role that it stands for.
    pub(crate) web_identity: Option<(String, String)>,
    /// The address that a container gets its credentials from: relative, or whole with the file of its token.
    pub(crate) container: Option<Container>,
}

/// Where a container gets its credentials from.
#[derive(Clone)]
pub(crate) enum Container {
    Relative(String),
    Full { uri: String, token_file: String },
}

/// What the environment says about Google's store.
#[derive(Clone)]
pub(crate) struct Google {
    /// The file that `GOOGLE_APPLICATION_CREDENTIALS` names.
    pub(crate) credentials: Option<PathBuf>,
    /// Where `gcloud auth application-default login` leaves its file.
    pub(crate) well_known: Option<PathBuf>,
    /// A stand-in for the store.
    pub(crate) emulator: Option<String>,
}

impl Settings {
    /// Reads the settings of this process.
    ///
    /// # Errors
    ///
    /// [`SourceError::NoHome`] if nothing says where the cache is.
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
        Ok(Self {
            cache: cache(&environment)?,
            offline: environment.is_true("CLIPTUNE_OFFLINE"),
            secure: Connections::new(&environment, true, TIMEOUT),
            plain: Connections::new(&environment, false, TIMEOUT),
            amazon: Amazon::new(&environment),
            google: Google::new(&environment),
        })
    }

    /// Waits only this long for an answer or for the next bytes of a silent server.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        for connections in [&mut self.secure, &mut self.plain] {
            connections.answer_timeout = timeout;
            connections.download_timeout = timeout;
        }
        self
    }
}

fn cache(environment: &Environment<'_>) -> Result<PathBuf> {
    if let Some(cache) = environment.path("CLIPTUNE_CACHE") {
        return Ok(cache);
    }
    let caches = environment.path("XDG_CACHE_HOME");
    let caches = caches.or_else(|| environment.home().map(|home| home.join(".cache")));
    Ok(caches.ok_or(SourceError::NoHome)?.join("cliptune"))
}

impl Amazon {
    fn new(environment: &Environment<'_>) -> Self {
        let beside = |variable, name| {
            environment.path(variable).or_else(|| environment.home().map(|home| home.join(".aws").join(name)))
        };
        Self {
            key: environment.text("AWS_ACCESS_KEY_ID"),
            secret: environment.text("AWS_SECRET_ACCESS_KEY"),
            token: environment.text("AWS_SESSION_TOKEN"),
            region: environment.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint: environment.first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
            profile: environment.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]),
            credentials_file: beside("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            config_file: beside("AWS_CONFIG_FILE", "config"),
            web_identity: environment
                .text("AWS_WEB_IDENTITY_TOKEN_FILE")
                .zip(environment.text("AWS_ROLE_ARN")),
            container: container(environment),
        }
    }
}

fn container(environment: &Environment<'_>) -> Option<Container> {
    if let Some(relative) = environment.text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return Some(Container::Relative(relative));
    }
    let uri = environment.text("AWS_CONTAINER_CREDENTIALS_FULL_URI")?;
    let token_file = environment.text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?;
    Some(Container::Full { uri, token_file })
}

impl Google {
    fn new(environment: &Environment<'_>) -> Self {
        let folder = environment.path("CLOUDSDK_CONFIG");
        let folder = folder.or_else(|| environment.home().map(|home| home.join(".config/gcloud")));
        Self {
            credentials: environment.path("GOOGLE_APPLICATION_CREDENTIALS"),
            well_known: folder.map(|folder| folder.join("application_default_credentials.json")),
            emulator: environment.text("STORAGE_EMULATOR_HOST"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::from_lookup(&|name| {
            variables.iter().find(|pair| pair.0 == name).map(|pair| OsString::from(pair.1))
        })
    }

    #[test]
    fn the_cache_is_below_the_users_caches_unless_a_variable_says_otherwise() {
        let cache = |variables: &[(&str, &str)]| settings(variables).unwrap().cache;
        let home = ("HOME", "/nowhere/ada");
        assert_eq!(cache(&[home]), PathBuf::from("/nowhere/ada/.cache/cliptune"));
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/c")]), PathBuf::from("/c/cliptune"));
        assert_eq!(cache(&[home, ("CLIPTUNE_CACHE", "~/data")]), PathBuf::from("/nowhere/ada/data"));
        assert!(matches!(settings(&[]), Err(SourceError::NoHome)));
    }

    #[test]
    fn offline_is_a_switch() {
        let offline = |value| settings(&[("HOME", "/h"), ("CLIPTUNE_OFFLINE", value)]).unwrap().offline;
        assert!(offline("1") && offline("true"));
        assert!(!offline("0") && !offline(""));
    }
}
