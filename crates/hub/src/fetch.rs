//! Fetches a model, from its id to a complete snapshot.

use cliptune_clip::checkpoint::WEIGHTS_INDEX_FILE;

use crate::cache::CachedRepository;
use crate::download::Download;
use crate::error::{HubError, Result};
use crate::file_name::FileName;
use crate::hub::{Hub, Snapshot};
use crate::id::HubId;
use crate::listing::Listing;
use crate::progress::{Event, Notice, Observer, stop_if_asked};
use crate::reply::retry_after;
use crate::selection::{Selection, select};
use crate::shards::shards;

/// One fetch of a model.
pub(crate) struct Fetch<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) id: &'a HubId,
    pub(crate) repository: CachedRepository,
    pub(crate) observer: &'a dyn Observer,
}

impl Fetch<'_> {
    pub(crate) fn run(&self) -> Result<Snapshot> {
        let cached = self.hub.locate(self.id)?;
        let (offline, is_pinned) = (self.hub.settings.offline, self.id.revision().commit().is_some());
        match cached {
            Some(snapshot) if offline || is_pinned => Ok(snapshot),
            None if offline => {
                Err(HubError::Offline { id: self.id.clone(), cache: self.hub.settings.cache.clone() })
            }
            cached => self.ask(cached),
        }
    }

    /// Asks the hub, and falls back to the snapshot in the cache when there is no answer.
    fn ask(&self, cached: Option<Snapshot>) -> Result<Snapshot> {
        let answer = match cached {
            Some(_) => self.hub.client.listing(self.id),
            // Waiting only makes sense if there is no snapshot to fall back to.
            None => self.retrying(self.id.repository(), || self.hub.client.listing(self.id)),
        };
        match (answer, cached) {
            (Ok(listing), _) => self.take(&listing),
            (Err(error), Some(snapshot)) if error.is_transient() => {
                let (reason, commit) = (&error.one_line(), &snapshot.commit);
                self.observer.report(Event::Notice(Notice::Unreachable { reason, commit }));
                Ok(snapshot)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Downloads the files of a commit that are missing.
    fn take(&self, listing: &Listing) -> Result<Snapshot> {
        let selection = select(&|name| listing.contains(name), &listing.names())
            .map_err(|reason| HubError::Unusable { id: self.id.clone(), reason })?;
        let folder = self.repository.snapshot(&listing.commit);
        self.repository.create(&listing.commit)?;
        let mut files = names(&selection)?;
        self.announce(listing, &files);
        for file in &files {
            self.download(listing, file)?;
        }
        if selection.is_sharded {
            let shards = shards(&folder.join(WEIGHTS_INDEX_FILE))?;
            files.extend(shards.iter().cloned());
            self.announce(listing, &files);
            shards.iter().try_for_each(|shard| self.download_shard(listing, shard))?;
        }
        for file in &selection.missing {
            self.repository.write_absence(&listing.commit, file)?;
        }
        self.repository.write_reference(&self.id.revision(), &listing.commit)?;
        Ok(Snapshot { folder, commit: listing.commit.clone() })
    }

    fn announce(&self, listing: &Listing, files: &[FileName]) {
        self.observer.report(Event::Resolved { commit: &listing.commit, files: files.len() });
    }

    fn download_shard(&self, listing: &Listing, shard: &FileName) -> Result<()> {
        match listing.contains(shard.as_str()) {
            true => self.download(listing, shard),
            false => Err(HubError::NoShard { id: self.id.clone(), file: shard.clone() }),
        }
    }

    fn download(&self, listing: &Listing, file: &FileName) -> Result<()> {
        stop_if_asked(self.observer)?;
        Download { fetch: self, commit: &listing.commit, file, listed: listing.get(file.as_str()) }.run()
    }

    /// Repeats an attempt until it works, fails for good, or has failed often enough.
    pub(crate) fn retrying<T>(&self, what: &str, attempt: impl Fn() -> Result<T>) -> Result<T> {
        let mut failures = 0;
        loop {
            let error = match attempt() {
                Err(error) if error.is_worth_retrying() => error,
                done => return done,
            };
            failures += 1;
            if !self.is_tried_again(what, &error, failures)? {
                return Err(error);
            }
        }
    }

    /// Waits and returns true if there should be another try, or returns false if there have been enough.
    pub(crate) fn is_tried_again(&self, what: &str, error: &HubError, failures: u32) -> Result<bool> {
        let Some(pause) = self.hub.patience.after(failures, retry_after(error)) else { return Ok(false) };
        let reason = &error.one_line();
        self.observer.report(Event::Notice(Notice::Retrying { what, reason, pause }));
        self.hub.patience.wait(pause, &|| self.observer.is_interrupted())?;
        Ok(true)
    }
}

fn names(selection: &Selection) -> Result<Vec<FileName>> {
    selection.files.iter().map(|name| name.parse()).collect()
}
