//! Google Cloud Storage, through its JSON interface: the one that tells checksums and generations in a listing.

use serde::Deserialize;
use ureq::http::Request;

use super::{Place, base, component, uri};
use crate::access::Access;
use crate::checksums::Checksums;
use crate::client::{Question, Reply};
use crate::connector::Connector;
use crate::credentials::GoogleCredentials;
use crate::encoding::{crc32c, md5, timestamp};
use crate::error::Result;
use crate::listing::{Object, Page};
use crate::remote::Remote;
use crate::settings::Google;

const SERVICE: &str = "https://storage.googleapis.com";

/// What is asked about an object.
const FIELDS: &str = "name,size,generation,updated,md5Hash,crc32c";

pub(super) struct Bucket {
    base: String,
    bucket: String,
    credentials: Option<GoogleCredentials>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    items: Vec<Item>,
    #[serde(rename = "nextPageToken")]
    next: Option<String>,
}

/// An object; numbers are texts in this interface, because JSON's are too small for them.
#[derive(Deserialize)]
struct Item {
    name: String,
    size: Number,
    #[serde(default)]
    generation: Option<Number>,
    #[serde(rename = "md5Hash")]
    md5: Option<String>,
    crc32c: Option<String>,
    updated: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Number(u64),
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number(number) => Some(*number),
        }
    }
}

impl Item {
    fn object(self) -> Option<Object> {
        let crc32c = self.crc32c.as_deref().and_then(crc32c);
        let md5 = self.md5.as_deref().and_then(md5);
        let generation = self.generation.and_then(|generation| generation.value());
        // Stand-ins may have no generations; then the content's own hash tells versions apart.
        let version = generation.map(|generation| generation.to_string()).or(self.md5).or(self.crc32c)?;
        Some(Object {
            name: self.name,
            size: self.size.value()?,
            version,
            modified: self.updated.as_deref().and_then(timestamp),
            checksums: Checksums { crc32c, md5, is_guess: false },
        })
    }
}

/// Returns the generation of an object. Stand-ins may have none.
fn generation(object: &Object) -> Option<u64> {
    object.version.parse().ok()
}

impl Bucket {
    pub(super) fn new(
        google: &Google,
        remote: &Remote,
        access: &Access,
        connector: &Connector,
    ) -> Result<Self> {
        let endpoint = access.endpoint.as_ref().or(google.emulator.as_ref());
        let base = endpoint.map_or_else(|| SERVICE.to_owned(), |endpoint| base(endpoint));
        // The token itself is sent, so nobody on the way may read it.
        let credentials = match base.starts_with("https://") {
            true => GoogleCredentials::find(google, access, connector)?,
            false => None,
        };
        Ok(Self { base, bucket: remote.host.clone(), credentials })
    }

    fn objects(&self) -> String {
        format!("{}/storage/v1/b/{}/o", self.base, self.bucket)
    }
}

impl Place for Bucket {
    fn page(&self, prefix: &str, token: Option<&str>) -> Result<Question> {
        let token = token.map(|token| format!("&pageToken={}", component(token))).unwrap_or_default();
        let (objects, prefix) = (self.objects(), component(prefix));
        let fields = format!("nextPageToken,items({FIELDS})");
        let fields = component(&fields);
        Ok(Question::get(uri(&format!("{objects}?prefix={prefix}&maxResults=1000&fields={fields}{token}"))?))
    }

    fn read_page(&self, reply: Reply) -> Result<Page> {
        let fault = reply.faults();
        let listed = serde_json::from_slice(&reply.into_bytes()?);
        let listed: Listed = listed.map_err(|_| fault("it is not a listing of a bucket"))?;
        let objects: Option<Vec<Object>> = listed.items.into_iter().map(Item::object).collect();
        let incomplete = "it lists an object without a size or a version";
        let objects = objects.ok_or_else(|| fault(incomplete))?;
        Ok(Page { objects, next: listed.next.filter(|next| !next.is_empty()) })
    }

    fn describe(&self, key: &str) -> Result<Question> {
        Ok(Question::get(uri(&format!(
            "{}/{}?fields={}",
            self.objects(),
            component(key),
            component(FIELDS)
        ))?))
    }

    fn read_description(&self, key: &str, reply: Reply) -> Result<Object> {
        let fault = reply.fault("it does not describe an object");
        let item: Option<Item> = serde_json::from_slice(&reply.into_bytes()?).ok();
        item.and_then(Item::object).filter(|object| object.name == key).ok_or(fault)
    }

    fn content(&self, object: &Object) -> Result<Question> {
        let (base, bucket, key) = (&self.base, &self.bucket, component(&object.name));
        let generation = match generation(object) {
            Some(generation) => format!("&generation={generation}"),
            None => String::new(),
        };
        let address = format!("{base}/download/storage/v1/b/{bucket}/o/{key}?alt=media{generation}");
        Ok(Question::get(uri(&address)?))
    }

    fn version(&self, reply: &Reply) -> Option<String> {
        reply.header("x-goog-generation").map(str::to_owned)
    }

    fn asks_for_version(&self, object: &Object) -> bool {
        generation(object).is_some()
    }

    fn authorize(&self, request: &mut Request<()>) -> Result<()> {
        self.credentials.as_ref().map_or(Ok(()), |credentials| credentials.sign(request))
    }

    fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }
}
