//! What an experiment says about how its data is reached.

/// How a remote source is reached. The environment answers whatever is left open here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Whether no credentials are sent, even if there are any.
    pub anonymous: bool,
    /// The address of the service, for stores other than Amazon's and Google's own.
    pub endpoint: Option<String>,
    /// The region of an S3 bucket.
    pub region: Option<String>,
    /// Whether the metadata server of a cloud machine may be asked for credentials.
    pub metadata_server: bool,
}
