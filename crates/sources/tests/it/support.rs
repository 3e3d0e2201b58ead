//! A cache of its own for every test, and stores with files in them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cliptune_sources::{Access, Event, Fetched, Observer, Remote, Settings, SourceError, Sources, Wanted};
use tempfile::TempDir;

use crate::http::{Answer, Asked, Fault, Server};

/// An observer that asks to stop once something has arrived.
#[derive(Default)]
pub(crate) struct Impatient(AtomicBool);

impl Observer for Impatient {
    fn report(&self, event: Event<'_>) {
        if matches!(event, Event::Received { bytes: 1.., .. }) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A machine: an environment and a cache, and pauses that take no time.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) access: Access,
    waited: Arc<Mutex<Duration>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, variables: Vec::new(), access: Access::default(), waited: Arc::default() }
    }

    /// The same with another variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The same, where a store speaks at an address.
    pub(crate) fn at(mut self, endpoint: &str) -> Self {
        self.access.endpoint = Some(endpoint.to_owned());
        self
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn settings(&self) -> Settings {
        let lookup = |name: &str| match name {
            "CLIPTUNE_CACHE" => Some(self.cache().into_os_string()),
            "HOME" => Some(self.folder.path().join("home").into_os_string()),
            _ => self.variables.iter().find(|pair| pair.0 == name).map(|pair| OsString::from(&pair.1)),
        };
        Settings::from_lookup(&lookup).unwrap()
    }

    pub(crate) fn sources(&self) -> Sources {
        self.sources_of(self.settings())
    }

    pub(crate) fn sources_of(&self, settings: Settings) -> Sources {
        let waited = Arc::clone(&self.waited);
        let pause = move |pause| {
            *waited.lock().unwrap() += pause;
            std::thread::yield_now();
        };
        Sources::new(settings).unwrap().with_pause(Box::new(pause))
    }

    /// Fetches everything at an address.
    pub(crate) fn fetch(&self, address: &str) -> Result<Fetched, SourceError> {
        self.fetch_of(&self.sources(), address)
    }

    pub(crate) fn fetch_of(&self, sources: &Sources, address: &str) -> Result<Fetched, SourceError> {
        sources.fetch(&Remote::parse(address)?, &self.access, Wanted::whole(&|_| true), &quiet)
    }

    /// What has been waited in all.
    pub(crate) fn waited(&self) -> Duration {
        *self.waited.lock().unwrap()
    }
}

pub(crate) fn quiet(_: Event<'_>) {}

/// The names and contents of fetched files.
pub(crate) fn contents(fetched: &Fetched) -> BTreeMap<String, String> {
    let read = |relative: &String| fs_err::read_to_string(fetched.folder.join(relative)).unwrap();
    fetched.files.iter().map(|file| (file.relative.clone(), read(&file.relative))).collect()
}

pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Every file below a folder, in order.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(root, &path, found),
            false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
        }
    }
}

/// The files of a server, which a test may change.
pub(crate) type Files = Arc<Mutex<BTreeMap<String, String>>>;

pub(crate) fn store(pairs: &[(&str, &str)]) -> Files {
    Arc::new(Mutex::new(texts(pairs)))
}

/// The ETag of a text: its MD5, as stores give it.
pub(crate) fn etag(text: &str) -> String {
    use md5::{Digest as _, Md5};
    let digest = Md5::digest(text.as_bytes());
    format!("\"{}\"", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// An answer that is only a status.
pub(crate) fn refusal(status: u16) -> Fault {
    Fault::Instead { status, headers: Vec::new(), body: String::new() }
}

/// The lines of what a server has been asked since the last call, sorted.
pub(crate) fn lines(server: &Server) -> Vec<String> {
    let mut lines: Vec<String> = server.asked().iter().map(Asked::line).collect();
    lines.sort();
    lines
}

/// A value of a query, without escapes.
fn query(asked: &Asked, name: &str) -> Option<String> {
    let query = asked.target.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(decoded)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// A plain web server.
pub(crate) fn web(files: &Files) -> Server {
    let files = Arc::clone(files);
    Server::start(move |asked| {
        let files = files.lock().unwrap();
        match files.get(&decoded(asked.path().trim_start_matches('/'))) {
            Some(text) => Answer::file(asked, text.as_bytes(), &[("ETag", &etag(text))]),
            None => Answer::absent(),
        }
    })
}

/// A store that speaks S3's language, with pages of two objects.
pub(crate) fn s3(bucket: &'static str, files: &Files) -> Server {
    let files = Arc::clone(files);
    Server::start(move |asked| {
        let files = files.lock().unwrap();
        let Some(key) = asked.path().strip_prefix(&format!("/{bucket}/")) else {
            return Answer::new(404, &[], "<Error><Code>NoSuchBucket</Code></Error>");
        };
        match files.get(&decoded(key)) {
            _ if key.is_empty() => s3_page(asked, &files),
            Some(text) => Answer::file(asked, text.as_bytes(), &[("ETag", &etag(text))]),
            None => Answer::new(404, &[], "<Error><Code>NoSuchKey</Code></Error>"),
        }
    })
}

fn s3_page(asked: &Asked, files: &BTreeMap<String, String>) -> Answer {
    let (prefix, after) = (query(asked, "prefix").unwrap_or_default(), query(asked, "continuation-token"));
    let matching = files.iter().filter(|(name, _)| name.starts_with(&prefix));
    let rest: Vec<_> =
        matching.filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after)).collect();
    let page = &rest[..rest.len().min(2)];
    let object = |(name, text): &(&String, &String)| {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let (etag, size) = (etag(text), text.len());
        format!("<Contents><Key>{name}</Key><ETag>{etag}</ETag><Size>{size}</Size></Contents>")
    };
    let objects: String = page.iter().map(object).collect();
    let next = match page.last().filter(|_| rest.len() > page.len()) {
        Some((name, _)) => {
            format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{name}</NextContinuationToken>")
        }
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    Answer::new(200, &[], s3_listing(&format!("{next}{objects}")))
}

/// A page of a listing.
pub(crate) fn s3_listing(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult><EncodingType>url</EncodingType>{inner}</ListBucketResult>"
    )
}
