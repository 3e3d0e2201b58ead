//! Brings one file in: finds it in the cache, or downloads it, checks it and puts it in its place.

use std::io::Read as _;
use std::path::Path;

use cliptune_web::{Lock, PIECE, Partial};

use crate::cache::size;
use crate::client::Content;
use crate::commit::Commit;
use crate::digest::{Digest, Hasher};
use crate::error::{HubError, Result};
use crate::fetch::Fetch;
use crate::file_name::FileName;
use crate::listing::Listed;
use crate::progress::{Event, Notice, stop_if_asked};

/// The download of one file of one commit.
pub(crate) struct Download<'a> {
    pub(crate) fetch: &'a Fetch<'a>,
    pub(crate) commit: &'a Commit,
    pub(crate) file: &'a FileName,
    pub(crate) listed: Listed,
}

impl Download<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let repository = &self.fetch.repository;
        let there = size(&self.file.below(&repository.snapshot(self.commit)))?;
        // A file of another size was probably cut off by a full disk.
        if there.is_some_and(|there| self.listed.size.is_none_or(|listed| listed == there)) {
            self.report(Event::Cached { file: self.file });
            return Ok(());
        }
        let (digest, total) = self.describe()?;
        let _lock = self.lock(&digest)?;
        let blob = repository.blob(&digest);
        if size(&blob)? == Some(total) {
            self.report(Event::Cached { file: self.file });
        } else {
            self.collect(&digest, total, &blob)?;
            self.report(Event::Downloaded { file: self.file });
        }
        repository.place(&digest, self.commit, self.file, self.fetch.hub.settings.symlinks)
    }

    /// Asks the hub for the hash and size that the content must have, and fills in what is missing from the listing.
    fn describe(&self) -> Result<(Digest, u64)> {
        let client = &self.fetch.hub.client;
        let told = self
            .fetch
            .retrying(self.file.as_str(), || client.describe(self.fetch.id, self.commit, self.file))?;
        let digest = told.digest.or_else(|| self.listed.digest.clone());
        let digest = digest.ok_or_else(|| HubError::NoHash { file: self.file.clone() })?;
        match (self.listed.size, told.size) {
            (Some(expected), Some(found)) if expected != found => Err(self.wrong_size(expected, found)),
            (Some(size), _) | (None, Some(size)) => Ok((digest, size)),
            (None, None) => Err(HubError::NoSize { file: self.file.clone() }),
        }
    }

    /// Waits until no other process is collecting the same content.
    fn lock(&self, digest: &Digest) -> Result<Lock> {
        let path = self.fetch.repository.lock(digest);
        let mut is_told = false;
        loop {
            if let Some(lock) = Lock::try_take(&path)? {
                return Ok(lock);
            }
            if !is_told {
                self.report(Event::Notice(Notice::Waiting { file: self.file }));
                is_told = true;
            }
            self.fetch.hub.patience.moment(&|| self.fetch.observer.is_interrupted())?;
        }
    }

    /// Collects the content until it is complete, and publishes it if its hash is right.
    fn collect(&self, digest: &Digest, total: u64, blob: &Path) -> Result<()> {
        let path = self.fetch.repository.incomplete(digest);
        let mut partial =
            Partial::open(&path, total, digest.hasher(total), || stop_if_asked(self.fetch.observer))?;
        loop {
            self.progress(&partial);
            if let Err(error) = self.fill(&mut partial, digest) {
                return Err(self.keep_or_discard(partial, error));
            }
            let found = partial.take_hasher().finish();
            if found == *digest {
                return Ok(cliptune_durable::publish(&partial.complete(None)?, blob)?);
            }
            if !partial.is_resumed() {
                partial.discard()?;
                let (expected, found) = (digest.to_string(), found.to_string());
                return Err(HubError::Hash { file: self.file.clone(), expected, found });
            }
            // The damage may be in the part that an earlier attempt left.
            partial.restart()?;
        }
    }

    /// Keeps trying as long as something new arrives, and gives up after several failures in a row without any
    /// progress.
    fn fill(&self, partial: &mut Partial<Hasher>, digest: &Digest) -> Result<()> {
        let (mut failures, mut furthest) = (0, partial.done());
        while partial.done() < partial.size() {
            let Err(error) = self.attempt(partial, digest) else { continue };
            if !error.is_transient() {
                return Err(error);
            }
            failures = if partial.done() > furthest { 1 } else { failures + 1 };
            furthest = furthest.max(partial.done());
            if !self.fetch.is_tried_again(self.file.as_str(), &error, failures)? {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes one request for the rest of the file.
    fn attempt(&self, partial: &mut Partial<Hasher>, digest: &Digest) -> Result<()> {
        let client = &self.fetch.hub.client;
        let mut content = client.content(self.fetch.id, self.commit, self.file, partial.done())?;
        if let Some(total) = content.total.filter(|total| *total != partial.size()) {
            return Err(self.wrong_size(partial.size(), total));
        }
        if let Some(other) = content.digest.take_if(|other| other != digest) {
            let (expected, found) = (digest.to_string(), other.to_string());
            return Err(HubError::Hash { file: self.file.clone(), expected, found });
        }
        if content.start != partial.done() {
            partial.restart()?;
            self.progress(partial);
        }
        match content.start {
            0 => self.receive(&mut content, partial),
            start if start == partial.done() => self.receive(&mut content, partial),
            // A part other than the one that was asked for is of no use, and the next request asks for the whole file.
            _ => Err(broken(&content.address, "another part of the file came than was asked for".into())),
        }
    }

    /// Receives what is sent, but not a byte more than the file has.
    fn receive(&self, content: &mut Content, partial: &mut Partial<Hasher>) -> Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            stop_if_asked(self.fetch.observer)?;
            let read = content.reader.read(&mut piece);
            let read = read.map_err(|error| broken(&content.address, error.into()))?;
            let (done, size) = (partial.done() + read as u64, partial.size());
            match read {
                0 if done < size && content.total.is_none() => return Err(self.wrong_size(size, done)),
                0 if done < size => return Err(broken(&content.address, "the connection was closed".into())),
                0 => return Ok(()),
                _ if done > size => return Err(self.wrong_size(size, done)),
                _ => partial.append(&piece[..read])?,
            }
            self.progress(partial);
        }
    }

    /// Keeps what is right so far for the next time, and removes what is wrong.
    fn keep_or_discard(&self, partial: Partial<Hasher>, error: HubError) -> HubError {
        let (file, done, total) = (self.file.clone(), partial.done(), partial.size());
        match error {
            HubError::Size { .. } | HubError::Hash { .. } => match partial.discard() {
                Ok(()) => error,
                Err(failed) => failed.into(),
            },
            error if error.is_transient() => HubError::Stopped { file, done, total, source: Box::new(error) },
            error => error,
        }
    }

    fn wrong_size(&self, expected: u64, found: u64) -> HubError {
        HubError::Size { file: self.file.clone(), expected, found }
    }

    fn progress(&self, partial: &Partial<Hasher>) {
        self.report(Event::Downloading { file: self.file, done: partial.done(), total: partial.size() });
    }

    fn report(&self, event: Event<'_>) {
        self.fetch.observer.report(event);
    }
}

/// Returns the error for a connection that ended too early.
fn broken(address: &str, source: Box<dyn std::error::Error + Send + Sync>) -> HubError {
    HubError::Connection { address: address.to_owned(), source }
}
