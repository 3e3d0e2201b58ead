//! Amazon S3 and the stores that speak its language.

use std::sync::{Mutex, PoisonError};

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node, ParsingOptions};
use ureq::http::Request;
use ureq::http::header::{HeaderMap, HeaderName, IF_MATCH};

use super::{Place, base, component, escaped, uri};
use crate::access::Access;
use crate::checksums::Checksums;
use crate::client::{Question, Reply, header};
use crate::connector::Connector;
use crate::credentials::{AmazonCredentials, Profile};
use crate::encoding::{md5_of_digits, timestamp};
use crate::error::Result;
use crate::listing::{Object, Page};
use crate::remote::Remote;
use crate::settings::Amazon;

/// The region of a bucket until it says otherwise.
const REGION: &str = "us-east-1";

const BUCKET_REGION: &str = "x-amz-bucket-region";

/// The most elements that a page of 1,000 objects may have.
const NODES: u32 = 100_000;

pub(super) struct Bucket {
    /// The address of a service other than Amazon's own.
    endpoint: Option<String>,
    bucket: String,
    region: Mutex<String>,
    credentials: Option<AmazonCredentials>,
}

impl Bucket {
    pub(super) fn new(
        amazon: &Amazon,
        remote: &Remote,
        access: &Access,
        connector: &Connector,
    ) -> Result<Self> {
        // An anonymous experiment has nothing to do with a profile, whatever is wrong with it.
        let profile = if access.anonymous { Profile::default() } else { Profile::read(amazon)? };
        let (region, endpoint) = (profile.region.clone(), profile.endpoint.clone());
        let region = access.region.clone().or_else(|| amazon.region.clone()).or(region);
        let endpoint = access.endpoint.clone().or_else(|| amazon.endpoint.clone()).or(endpoint);
        Ok(Self {
            endpoint: endpoint.as_deref().map(base),
            bucket: remote.host.clone(),
            region: Mutex::new(region.unwrap_or_else(|| REGION.to_owned())),
            credentials: AmazonCredentials::find(amazon, profile, access, connector)?,
        })
    }

    fn region(&self) -> String {
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the address of the bucket with a slash. A name with dots does not match Amazon's certificates.
    fn address(&self) -> String {
        let (bucket, region) = (&self.bucket, self.region());
        match &self.endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}/"),
            None if bucket.contains('.') => format!("https://s3.{region}.amazonaws.com/{bucket}/"),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/"),
        }
    }

    fn object(&self, key: &str) -> Result<ureq::http::Uri> {
        uri(&format!("{}{}", self.address(), escaped(key)))
    }
}

impl Place for Bucket {
    fn page(&self, prefix: &str, token: Option<&str>) -> Result<Question> {
        // In the order of their names, as signatures want it.
        let token =
            token.map(|token| format!("continuation-token={}&", component(token))).unwrap_or_default();
        let (address, prefix) = (self.address(), component(prefix));
        let query = format!("{token}encoding-type=url&list-type=2&max-keys=1000&prefix={prefix}");
        Ok(Question::get(uri(&format!("{address}?{query}"))?))
    }

    fn read_page(&self, reply: Reply) -> Result<Page> {
        let fault = reply.faults();
        let text = String::from_utf8(reply.into_bytes()?).map_err(|_| fault("it is not text"))?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&text, options);
        let document = document.map_err(|_| fault("it is not a listing of a bucket"))?;
        let root = document.root_element();
        if root.tag_name().name() != "ListBucketResult" {
            return Err(fault("it is not a listing of a bucket"));
        }
        let is_escaped = child(root, "EncodingType") == Some("url");
        let contents = root.children().filter(|node| node.tag_name().name() == "Contents");
        let objects: Option<Vec<Object>> = contents.map(|node| object(node, is_escaped)).collect();
        let objects = objects.ok_or_else(|| fault("it lists an object without a name, a size or an ETag"))?;
        let is_cut = child(root, "IsTruncated") == Some("true");
        let next = child(root, "NextContinuationToken").filter(|_| is_cut).map(str::to_owned);
        match is_cut && next.is_none() {
            true => Err(fault("it is cut short and does not say how to go on")),
            false => Ok(Page { objects, next }),
        }
    }

    fn describe(&self, key: &str) -> Result<Question> {
        Ok(Question::head(self.object(key)?))
    }

    fn read_description(&self, key: &str, reply: Reply) -> Result<Object> {
        let (size, etag) = (reply.length(), reply.header("etag").map(bare));
        match (size, etag) {
            (Some(size), Some(etag)) => Ok(described(key.to_owned(), size, etag, reply.modified())),
            _ => Err(reply.fault("it has no length or no ETag")),
        }
    }

    fn content(&self, object: &Object) -> Result<Question> {
        let question = Question::get(self.object(&object.name)?);
        let question = question.with(IF_MATCH, &format!("\"{}\"", object.version));
        Ok(question.with(HeaderName::from_static("x-amz-checksum-mode"), "ENABLED"))
    }

    fn version(&self, reply: &Reply) -> Option<String> {
        reply.header("etag").map(|etag| bare(etag).to_owned())
    }

    fn authorize(&self, request: &mut Request<()>) -> Result<()> {
        let region = self.region();
        self.credentials.as_ref().map_or(Ok(()), |credentials| credentials.sign(request, &region))
    }

    fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    fn learn(&self, headers: &HeaderMap) -> bool {
        let is_name = |region: &&str| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let told = header(headers, BUCKET_REGION).filter(|region| !region.is_empty()).filter(is_name);
        let mut region = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        // Other services have one address for all regions, and may make this name up.
        match told.filter(|told| self.endpoint.is_none() && *told != region.as_str()) {
            Some(told) => {
                told.clone_into(&mut region);
                true
            }
            None => false,
        }
    }
}

fn object(node: Node<'_, '_>, is_escaped: bool) -> Option<Object> {
    let key = child(node, "Key")?;
    let name = match is_escaped {
        true => percent_decode_str(&key.replace('+', " ")).decode_utf8().ok()?.into_owned(),
        false => key.to_owned(),
    };
    let modified = child(node, "LastModified").and_then(timestamp);
    Some(described(name, child(node, "Size")?.parse().ok()?, bare(child(node, "ETag")?), modified))
}

fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|child| child.tag_name().name() == name)?.text()
}

/// Returns an ETag without its quotes.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// Describes an object. The ETag of one that was sent in one piece is its MD5, but only most stores see it so.
fn described(name: String, size: u64, etag: &str, modified: Option<i64>) -> Object {
    let checksums = Checksums { md5: md5_of_digits(etag), is_guess: true, ..Checksums::default() };
    Object { name, size, version: etag.to_owned(), modified, checksums }
}
