//! `data.access`: how remote sources are reached.

use crate::language::options;
use crate::shape::Shape;

options! {
    /// `data.access`: how remote sources are reached. It is no part of a dataset's identity.
    #[derive(Default)]
    pub struct Access {
        /// Whether requests carry no credentials even where there are some. When absent, credentials are used where they
        /// are found, and requests are anonymous elsewhere.
        anonymous: Option<bool>;
        /// The address of a service that speaks the protocol of S3 or of Google Cloud Storage, instead of the official one.
        endpoint: Option<String>, Shape::Text("an address that starts with `https://` or `http://`");
        /// The region of an S3 bucket. When absent, the usual variables and profiles say which it is.
        region: Option<String>, Shape::Text("the name of a region");
        /// Whether the metadata server of a cloud machine may be asked for credentials.
        metadata_server: bool = "false";
    }
}
