//! Fetches many files at a time.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::asking::Asking;
use crate::crew;
use crate::download::Download;
use crate::error::Result;
use crate::held::Held;
use crate::listing::Object;
use crate::parts::{Parts, Plan};
use crate::progress::{Event, Observer};
use crate::remote::Remote;
use crate::root::Root;
use crate::sources::path_in;
use crate::sparse::Needs;

/// The fetch of what is missing of one address.
pub(crate) struct Fetch<'a> {
    pub(crate) asking: Asking<'a>,
    pub(crate) root: &'a Root,
    pub(crate) remote: &'a Remote,
    /// The folder of the listing, in the bucket and below the copy's files.
    pub(crate) folder: &'a str,
    pub(crate) held: &'a Held,
    /// Tells which parts of a file are needed. Files are fetched whole when it is absent.
    pub(crate) needs: Option<Needs<'a>>,
}

/// How far a fetch is.
#[derive(Default)]
struct Tally {
    files: AtomicU64,
    bytes: AtomicU64,
}

/// One piece of the work.
enum Job<'a> {
    /// A whole file.
    Whole(&'a Object),
    /// A range of a file that is fetched in parts.
    Part(&'a Parts<'a>, std::ops::Range<u64>),
}

impl Fetch<'_> {
    /// Fetches the objects. The first failure ends it, and what has arrived by then is kept.
    pub(crate) fn run(&self, missing: &[&Object]) -> Result<()> {
        let (in_parts, whole): (Vec<&Object>, Vec<&Object>) =
            missing.iter().partition(|object| self.needs.is_some() && Parts::are_worthwhile(object));
        let parts = in_parts.into_iter().map(|object| self.parts(object)).collect::<Result<Vec<_>>>()?;
        let fetched = self.fetch(&whole, &parts);
        if fetched.is_err() {
            parts.iter().for_each(|parts| parts.keep(self.held));
        }
        fetched
    }

    fn fetch(&self, whole: &[&Object], parts: &[Parts<'_>]) -> Result<()> {
        let tally = Tally::default();
        // What has to be known before it can be told what is needed is little, and no part of the progress.
        crew::each(self.asking.observer, parts.len(), &|at, observer| match self.needs {
            Some(needs) => parts[at].survey(&Asking { observer, ..self.asking }, needs),
            None => Ok(()),
        })?;
        let jobs = jobs(whole, parts);
        let (files, bytes) = ((whole.len() + parts.len()) as u64, jobs.iter().map(Job::bytes).sum());
        self.asking.observer.report(Event::Missing { address: &self.remote.to_string(), files, bytes });
        crew::each(self.asking.observer, jobs.len(), &|at, observer| self.work(&jobs[at], observer, &tally))?;
        self.asking.observer.report(Event::Complete);
        Ok(())
    }

    fn work(&self, job: &Job<'_>, observer: &dyn Observer, tally: &Tally) -> Result<()> {
        let is_complete = match job {
            Job::Whole(object) => self.whole(object, observer, tally).map(|()| true),
            Job::Part(parts, range) => self.part(parts, range.clone(), observer, tally),
        }?;
        if is_complete {
            tally.files.fetch_add(1, Ordering::Relaxed);
            tally.report(self.asking.observer);
        }
        Ok(())
    }

    /// Fetches a range. Whoever fetches the last one of a file completes it, and returns true.
    fn part(
        &self,
        parts: &Parts<'_>,
        range: std::ops::Range<u64>,
        observer: &dyn Observer,
        tally: &Tally,
    ) -> Result<bool> {
        let Some(needs) = self.needs else { return Ok(false) };
        let asking = Asking { observer, ..self.asking };
        let on_bytes = |bytes| {
            tally.bytes.fetch_add(bytes, Ordering::Relaxed);
            tally.report(self.asking.observer);
        };
        if !parts.fetch(&asking, range, &on_bytes)? {
            return Ok(false);
        }
        let place = self.root.files().join(&parts.name);
        self.clear(&place)?;
        match parts.complete(&asking, needs, &place, self.held)? {
            true => Ok(true),
            false => self.whole(parts.object, observer, tally).map(|()| true),
        }
    }

    fn whole(&self, object: &Object, observer: &dyn Observer, tally: &Tally) -> Result<()> {
        let name = path_in(self.folder, &object.name);
        let place = self.root.files().join(&name);
        self.clear(&place)?;
        let download = Download {
            asking: Asking { observer, ..self.asking },
            object: &self.in_place(object),
            address: self.address(object),
            received: &tally.bytes,
            on_progress: &|| tally.report(self.asking.observer),
        };
        download.run(&self.root.partial(&name, object), &place)?;
        self.held.note(&name, object, &place, None)
    }

    fn parts<'o>(&self, object: &'o Object) -> Result<Parts<'o>> {
        let name = path_in(self.folder, &object.name);
        Parts::open(self.root, self.held, object, name, self.in_place(object), self.address(object))
    }

    /// Returns an object of the listing under its name in the bucket.
    fn in_place(&self, object: &Object) -> Object {
        match self.remote.is_in_bucket() {
            true => Object { name: path_in(self.folder, &object.name), ..object.clone() },
            false => object.clone(),
        }
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

/// Returns all the work, files in parts first. A file in parts of which nothing is missing still has to be completed.
fn jobs<'a>(whole: &[&'a Object], parts: &'a [Parts<'a>]) -> Vec<Job<'a>> {
    let of_parts = parts.iter().flat_map(|parts| match parts.plan() {
        Plan::Whole => vec![Job::Whole(parts.object)],
        Plan::Parts(missing) => {
            let nothing = missing.is_empty().then_some(0..0);
            missing.into_iter().chain(nothing).map(|range| Job::Part(parts, range)).collect()
        }
    });
    of_parts.chain(whole.iter().map(|object| Job::Whole(object))).collect()
}

impl Job<'_> {
    fn bytes(&self) -> u64 {
        match self {
            Self::Whole(object) => object.size,
            Self::Part(_, range) => range.end - range.start,
        }
    }
}

impl Tally {
    fn report(&self, observer: &dyn Observer) {
        let (files, bytes) = (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        observer.report(Event::Received { files, bytes });
    }
}
