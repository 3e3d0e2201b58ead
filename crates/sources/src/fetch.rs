//! Fetches many files at a time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::asking::Asking;
use crate::download::Download;
use crate::error::{Result, SourceError};
use crate::held::Held;
use crate::listing::Object;
use crate::progress::{Event, Observer};
use crate::remote::Remote;
use crate::root::Root;
use crate::sources::path_in;

/// The number of files that are fetched at a time. Each is in memory only piece by piece.
const AT_A_TIME: usize = 16;

/// The fetch of what is missing of one address.
pub(crate) struct Fetch<'a> {
    pub(crate) asking: Asking<'a>,
    pub(crate) root: &'a Root,
    pub(crate) remote: &'a Remote,
    /// The folder of the listing, in the bucket and below the copy's files.
    pub(crate) folder: &'a str,
    pub(crate) held: &'a Held,
}

/// How far a fetch is.
#[derive(Default)]
struct Tally {
    next: AtomicUsize,
    files: AtomicU64,
    bytes: AtomicU64,
    failure: Mutex<Option<SourceError>>,
    is_stopped: AtomicBool,
}

/// An observer that also stops when one of several files has failed.
struct Watching<'a> {
    observer: &'a dyn Observer,
    tally: &'a Tally,
}

impl Observer for Watching<'_> {
    fn report(&self, event: Event<'_>) {
        self.observer.report(event);
    }

    fn is_interrupted(&self) -> bool {
        self.tally.is_stopped.load(Ordering::Relaxed) || self.observer.is_interrupted()
    }
}

impl Fetch<'_> {
    /// Fetches the objects. The first failure ends it, and what has arrived by then is kept.
    pub(crate) fn run(&self, missing: &[&Object]) -> Result<()> {
        let (files, bytes) = (missing.len() as u64, missing.iter().map(|object| object.size).sum());
        self.asking.observer.report(Event::Missing { address: &self.remote.to_string(), files, bytes });
        let tally = Tally::default();
        thread::scope(|scope| {
            for _ in 0..AT_A_TIME.min(missing.len()) {
                scope.spawn(|| self.work(missing, &tally));
            }
        });
        match tally.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => {
                self.asking.observer.report(Event::Complete);
                Ok(())
            }
        }
    }

    /// Takes one object after the other until there are none left or something has failed.
    fn work(&self, missing: &[&Object], tally: &Tally) {
        let watching = Watching { observer: self.asking.observer, tally };
        while let Some(object) = missing.get(tally.next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.one(object, &watching, tally) {
                let is_first = !tally.is_stopped.swap(true, Ordering::Relaxed);
                let mut failure = tally.failure.lock().unwrap_or_else(PoisonError::into_inner);
                // What the others say is that they were stopped.
                if is_first || failure.is_none() {
                    *failure = Some(error);
                }
                return;
            }
            tally.files.fetch_add(1, Ordering::Relaxed);
            tally.report(self.asking.observer);
        }
    }

    fn one(&self, object: &Object, watching: &Watching<'_>, tally: &Tally) -> Result<()> {
        let name = path_in(self.folder, &object.name);
        let place = self.root.files().join(&name);
        self.clear(&place)?;
        let key = match self.remote.is_in_bucket() {
            true => name.clone(),
            false => object.name.clone(),
        };
        let download = Download {
            asking: Asking { observer: watching, ..self.asking },
            object: &Object { name: key, ..object.clone() },
            address: self.address(object),
            received: &tally.bytes,
            on_progress: &|| tally.report(self.asking.observer),
        };
        download.run(&self.root.partial(&name, object), &place)?;
        self.held.note(&name, object, &place)
    }

    fn address(&self, object: &Object) -> String {
        match self.remote.is_in_bucket() {
            true => format!(
                "{}://{}/{}",
                self.remote.scheme.as_str(),
                self.remote.host,
                path_in(self.folder, &object.name)
            ),
            false => self.remote.to_string(),
        }
    }

    /// Makes the folder of a file, and removes what a former listing has left in its way: a file that is now a folder,
    /// or the reverse.
    fn clear(&self, place: &Path) -> Result<()> {
        let files = self.root.files();
        for folder in place.ancestors().skip(1).take_while(|folder| folder.starts_with(&files)) {
            if folder.is_symlink() || folder.is_file() {
                fs_err::remove_file(folder)?;
            }
        }
        if place.is_dir() && !place.is_symlink() {
            fs_err::remove_dir_all(place)?;
        }
        Ok(place.parent().map_or(Ok(()), fs_err::create_dir_all)?)
    }
}

impl Tally {
    fn report(&self, observer: &dyn Observer) {
        let (files, bytes) = (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        observer.report(Event::Received { files, bytes });
    }
}
