//! A cache of its own for every test, and what can be seen in it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cliptune_hub::{Event, Hub, HubError, HubId, Settings, Snapshot};
use tempfile::TempDir;

use crate::http::Asked;
use crate::server::FakeHub;

/// A machine: an environment and a cache, and pauses that take no time.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
    pauses: Arc<Mutex<Duration>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), pauses: Arc::default() }
    }

    /// The cache of its hub.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    /// A hub with these variables besides `HF_HOME` and `HF_ENDPOINT`.
    pub(crate) fn hub(&self, server: &FakeHub, variables: &[(&str, &str)]) -> Hub {
        let lookup = |name: &str| match name {
            "HF_HOME" => Some(self.folder.path().as_os_str().to_owned()),
            "HF_ENDPOINT" => Some(OsString::from(&server.endpoint)),
            _ => variables.iter().find(|pair| pair.0 == name).map(|pair| pair.1.into()),
        };
        let pauses = Arc::clone(&self.pauses);
        let pause = move |pause| {
            *pauses.lock().unwrap() += pause;
            std::thread::yield_now();
        };
        Hub::new(Settings::from_lookup(&lookup).unwrap()).unwrap().with_pause(Box::new(pause))
    }

    /// Fetches with the plain environment.
    pub(crate) fn fetch(&self, server: &FakeHub, text: &str) -> Result<Snapshot, HubError> {
        self.hub(server, &[]).fetch(&id(text), &quiet)
    }

    /// What has been waited in all.
    pub(crate) fn waited(&self) -> Duration {
        *self.pauses.lock().unwrap()
    }

    /// Every file below the cache, links as ` -> target`, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.cache())
    }

    /// The folder of blobs of `org/clip`.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.cache().join("models--org--clip/blobs")
    }
}

/// Every file below a folder, links as ` -> target`, in order.
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
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_symlink() {
            found.push(format!("{name} -> {}", fs_err::read_link(&path).unwrap().display()));
        } else if path.is_dir() {
            walk(root, &path, found);
        } else {
            found.push(name);
        }
    }
}

pub(crate) fn id(text: &str) -> HubId {
    text.parse().unwrap()
}

/// An observer that does not look.
pub(crate) fn quiet(_: Event<'_>) {}

/// An observer that writes everything down.
#[derive(Default)]
pub(crate) struct Diary(Mutex<Vec<String>>);

impl Diary {
    pub(crate) fn note(&self, event: Event<'_>) {
        let line = match event {
            Event::Resolved { commit, files } => format!("{commit}: {files} files"),
            Event::Cached { file } => format!("{file} cached"),
            Event::Downloading { file, done, total } => format!("{file} {done}/{total}"),
            Event::Downloaded { file } => format!("{file} downloaded"),
            Event::Notice(notice) => format!("! {notice}"),
        };
        self.0.lock().unwrap().push(line);
    }

    /// The lines about one file.
    pub(crate) fn about(&self, file: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        let short = |line: &String| line.strip_prefix(&format!("{file} ")).map(str::to_owned);
        lines.iter().filter_map(short).collect()
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter_map(|line| line.strip_prefix("! ").map(str::to_owned)).collect()
    }
}

/// `METHOD path` of every request, in order.
pub(crate) fn lines(asked: &[Asked]) -> Vec<String> {
    let line = |asked: &Asked| format!("{} {}", asked.method, asked.target.split('?').next().unwrap());
    asked.iter().map(line).collect()
}

/// The requests for the content of a large file.
pub(crate) fn downloads(asked: &[Asked]) -> Vec<&Asked> {
    asked.iter().filter(|asked| asked.is_store && asked.method == "GET").collect()
}

/// Fails unless an error says all of this, in its message or in its hint.
pub(crate) fn assert_says(error: &(impl cliptune_terminal::Diagnostic + fmt::Debug), words: &[&str]) {
    let text = cliptune_terminal::render(error);
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in:\n{text}");
    }
}
