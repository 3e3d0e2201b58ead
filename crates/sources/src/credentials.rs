//! Finds credentials and puts them into requests.

use std::path::Path;
use std::sync::Arc;

use cliptune_durable::read_regular;
use object_store::CredentialProvider;
use object_store::RetryConfig;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use ureq::http::header::AUTHORIZATION;
use ureq::http::{HeaderValue, Request};

use crate::access::Access;
use crate::connector::Connector;
use crate::error::{Result, SourceError};
use crate::profile::Profiles;
use crate::settings::{Amazon, Container, Google, LONGEST_SETTINGS};

/// The profile of Amazon's tools when none is named.
const DEFAULT_PROFILE: &str = "default";

/// Keys of a profile that lead to credentials in ways that are not supported.
const UNSUPPORTED: [&str; 4] = ["role_arn", "sso_session", "sso_start_url", "credential_process"];

/// A bucket's name is needed to make a provider of credentials, and it plays no part in them.
const ANY_BUCKET: &str = "bucket";

/// Credentials of Amazon's store and where they come from.
#[derive(Clone)]
pub(crate) struct AmazonCredentials {
    provider: Arc<dyn CredentialProvider<Credential = AwsCredential>>,
    from: String,
}

/// Credentials of Google's store and where they come from.
#[derive(Clone)]
pub(crate) struct GoogleCredentials {
    provider: Arc<dyn CredentialProvider<Credential = GcpCredential>>,
    from: String,
}

/// What the profile of Amazon's tools says.
#[derive(Default)]
pub(crate) struct Profile {
    pub(crate) keys: Option<Keys>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// The way to credentials that the profile names and that is not supported.
    unsupported: Option<&'static str>,
    name: String,
}

/// The keys of an account.
pub(crate) struct Keys {
    key: String,
    secret: String,
    token: Option<String>,
    from: String,
}

impl Keys {
    /// Checks whether the keys could be put into HTTP headers.
    fn are_sendable(&self) -> bool {
        let texts = [Some(&self.key), Some(&self.secret), self.token.as_ref()];
        texts.into_iter().flatten().all(|text| text.bytes().all(|b| b.is_ascii_graphic()))
    }
}

impl Profile {
    /// Reads the profile that the environment names, or the one called `default`.
    pub(crate) fn read(amazon: &Amazon) -> Result<Self> {
        let read = |path: &Option<std::path::PathBuf>| {
            path.as_deref().map_or(Ok(Profiles::default()), Profiles::read)
        };
        let files = [read(&amazon.credentials_file)?, read(&amazon.config_file)?];
        let name = amazon.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        if amazon.profile.is_some() && !files.iter().any(|file| file.has(&name)) {
            let reason = format!("there is no profile called {name}");
            return Err(SourceError::Credentials { from: "AWS_PROFILE".to_owned(), reason });
        }
        let get = |key: &str| files.iter().find_map(|file| file.get(&name, key)).map(str::to_owned);
        let from = format!("the profile {name}");
        let keys = get("aws_access_key_id").zip(get("aws_secret_access_key"));
        Ok(Self {
            keys: keys.map(|(key, secret)| Keys { key, secret, token: get("aws_session_token"), from }),
            region: get("region"),
            endpoint: get("endpoint_url"),
            unsupported: UNSUPPORTED.into_iter().find(|key| get(key).is_some()),
            name,
        })
    }
}

impl AmazonCredentials {
    /// Finds credentials in the places where Amazon's tools look for them, in their order; `None` if there are none.
    pub(crate) fn find(
        amazon: &Amazon,
        profile: Profile,
        access: &Access,
        connector: &Connector,
    ) -> Result<Option<Self>> {
        if access.anonymous {
            return Ok(None);
        }
        let builder = AmazonS3Builder::new()
            .with_bucket_name(ANY_BUCKET)
            .with_retry(once())
            .with_http_connector(connector.clone());
        let (builder, from) = match keys(amazon, profile.keys)? {
            Some(keys) if !keys.are_sendable() => {
                let reason = "they have characters that no keys have".to_owned();
                return Err(SourceError::Credentials { from: keys.from, reason });
            }
            Some(keys) => (with_keys(builder, &keys), keys.from),
            None if amazon.web_identity.is_some() => with_web_identity(builder, amazon),
            None if access.metadata_server => with_metadata_server(builder, amazon.container.as_ref()),
            None => return unsupported(&profile.name, profile.unsupported).map_or(Ok(None), Err),
        };
        let builder = match access.region.as_ref().or(amazon.region.as_ref()) {
            Some(region) => builder.with_region(region),
            None => builder,
        };
        let store = builder.build().map_err(|error| refused(&from, &error))?;
        Ok(Some(Self { provider: Arc::clone(store.credentials()), from }))
    }

    /// Signs a request without a body.
    pub(crate) fn sign(&self, request: &mut Request<()>, region: &str) -> Result<()> {
        let credential = wait(self.provider.get_credential()).map_err(|error| refused(&self.from, &error))?;
        let mut signed = HttpRequest::new(HttpRequestBody::empty());
        *signed.method_mut() = request.method().clone();
        *signed.uri_mut() = request.uri().clone();
        *signed.headers_mut() = request.headers().clone();
        let authorizer = AwsAuthorizer::new(&credential, "s3", region);
        authorizer.try_authorize(&mut signed, None).map_err(|error| refused(&self.from, &error))?;
        *request.headers_mut() = std::mem::take(signed.headers_mut());
        Ok(())
    }
}

fn keys(amazon: &Amazon, of_profile: Option<Keys>) -> Result<Option<Keys>> {
    // A profile that is named counts more than keys that happen to be set, as in Amazon's own tools.
    if amazon.profile.is_some() && of_profile.is_some() {
        return Ok(of_profile);
    }
    let from = "AWS_ACCESS_KEY_ID".to_owned();
    match (&amazon.key, &amazon.secret) {
        (Some(key), Some(secret)) => {
            Ok(Some(Keys { key: key.clone(), secret: secret.clone(), token: amazon.token.clone(), from }))
        }
        (None, None) => Ok(of_profile),
        _ => {
            let reason = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed together".to_owned();
            Err(SourceError::Credentials { from, reason })
        }
    }
}

fn with_keys(builder: AmazonS3Builder, keys: &Keys) -> AmazonS3Builder {
    let builder = builder.with_access_key_id(&keys.key).with_secret_access_key(&keys.secret);
    match &keys.token {
        Some(token) => builder.with_token(token),
        None => builder,
    }
}

fn with_web_identity(builder: AmazonS3Builder, amazon: &Amazon) -> (AmazonS3Builder, String) {
    let (file, role) = amazon.web_identity.clone().unwrap_or_default();
    let builder = builder
        .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, file)
        .with_config(AmazonS3ConfigKey::RoleArn, role);
    (builder, "AWS_WEB_IDENTITY_TOKEN_FILE".to_owned())
}

fn with_metadata_server(
    builder: AmazonS3Builder,
    container: Option<&Container>,
) -> (AmazonS3Builder, String) {
    let builder = match container {
        Some(Container::Relative(uri)) => {
            builder.with_config(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, uri)
        }
        Some(Container::Full { uri, token_file }) => builder
            .with_config(AmazonS3ConfigKey::ContainerCredentialsFullUri, uri)
            .with_config(AmazonS3ConfigKey::ContainerAuthorizationTokenFile, token_file),
        None => builder,
    };
    (builder, "the metadata server".to_owned())
}

fn unsupported(profile: &str, key: Option<&'static str>) -> Option<SourceError> {
    let reason = format!("{} is not supported; `aws configure export-credentials` gives keys that are", key?);
    Some(SourceError::Credentials { from: format!("the profile {profile}"), reason })
}

impl GoogleCredentials {
    /// Finds the application default credentials; `None` if there are none.
    pub(crate) fn find(google: &Google, access: &Access, connector: &Connector) -> Result<Option<Self>> {
        if access.anonymous {
            return Ok(None);
        }
        let builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(ANY_BUCKET)
            .with_retry(once())
            .with_http_connector(connector.clone());
        let well_known = google.well_known.as_deref().filter(|path| path.is_file());
        let (builder, from) = match google.credentials.as_deref().or(well_known) {
            Some(path) => (with_file(builder, path)?, path.display().to_string()),
            None if access.metadata_server => (builder, "the metadata server".to_owned()),
            None => return Ok(None),
        };
        let store = builder.build().map_err(|_| unreadable(&from))?;
        Ok(Some(Self { provider: Arc::clone(store.credentials()), from }))
    }

    /// Adds a token to a request.
    pub(crate) fn sign(&self, request: &mut Request<()>) -> Result<()> {
        let credential = wait(self.provider.get_credential()).map_err(|error| refused(&self.from, &error))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.bearer))
            .map_err(|_| unreadable(&self.from))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }
}

fn with_file(builder: GoogleCloudStorageBuilder, path: &Path) -> Result<GoogleCloudStorageBuilder> {
    // The file is read here first for an error that names it.
    read_regular(path, LONGEST_SETTINGS)?;
    Ok(builder.with_application_credentials(path.display().to_string()))
}

/// Returns the error for a file of credentials. What the parser says could quote what is in it.
fn unreadable(from: &str) -> SourceError {
    let reason = "it holds neither a service account nor a login of a user".to_owned();
    SourceError::Credentials { from: from.to_owned(), reason }
}

fn refused(from: &str, error: &object_store::Error) -> SourceError {
    let reason: String = error.to_string().chars().filter(|c| !c.is_control()).take(300).collect();
    SourceError::Credentials { from: from.to_owned(), reason }
}

/// Trying again is this crate's own task.
fn once() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// Waits for what object_store computes.
fn wait<T>(future: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime =
        runtime.map_err(|error| object_store::Error::Generic { store: "tokio", source: Box::new(error) })?;
    runtime.block_on(future)
}
