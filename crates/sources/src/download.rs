//! Brings one file in: downloads it, checks it and puts it in its place.

use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use cliptune_web::{PIECE, Partial};
use ureq::http::header::RANGE;

use crate::asking::Asking;
use crate::checksums::{Checksums, Hasher, Verdict};
use crate::client::{Reply, unanswered};
use crate::error::{Result, SourceError};
use crate::listing::Object;

/// The download of one object.
pub(crate) struct Download<'a> {
    pub(crate) asking: Asking<'a>,
    /// The object by its name in the bucket.
    pub(crate) object: &'a Object,
    /// The address for messages.
    pub(crate) address: String,
    /// The number of bytes of all files that have arrived.
    pub(crate) received: &'a AtomicU64,
    /// Tells the observer how far everything is.
    pub(crate) on_progress: &'a (dyn Fn() + Sync),
}

impl Download<'_> {
    /// Collects the content at `partial`, checks it and gives it its place. What an earlier attempt has left there is
    /// continued.
    pub(crate) fn run(&self, partial: &Path, place: &Path) -> Result<()> {
        let mut partial = Partial::open(partial, self.object.size, Hasher::default(), || Result::Ok(()))?;
        self.received.fetch_add(partial.done(), Ordering::Relaxed);
        // What an earlier attempt has left is no part of this one's speed.
        (self.on_progress)();
        let mut doubted = None;
        loop {
            let checksums = match self.fill(&mut partial) {
                Ok(checksums) => checksums,
                Err(error) => return Err(self.keep_or_discard(partial, error)),
            };
            match partial.take_hasher().verdict(&checksums) {
                Verdict::Right => return self.publish(partial, place),
                // What arrives the same twice is what the server has, and its ETag is no MD5.
                Verdict::Doubtful(md5) if doubted == Some(md5) => {
                    return self.publish(partial, place);
                }
                Verdict::Doubtful(md5) => doubted = Some(md5),
                // The damage may be in the part that an earlier attempt left.
                Verdict::Wrong(_) if partial.is_resumed() => {}
                Verdict::Wrong(kind) => {
                    let error = SourceError::Checksum { address: self.address.clone(), kind };
                    return Err(self.keep_or_discard(partial, error));
                }
            }
            self.restart(&mut partial)?;
        }
    }

    /// Keeps trying as long as something new arrives, and gives up after several failures in a row without any
    /// progress. Returns all that is known of the content.
    fn fill(&self, partial: &mut Partial<Hasher>) -> Result<Checksums> {
        let (mut failures, mut furthest, mut checksums) = (0, partial.done(), self.object.checksums);
        let mut is_asked = false;
        while partial.done() < self.object.size || !is_asked && self.object.size == 0 {
            self.asking.stop_if_asked()?;
            is_asked = true;
            let Err(error) = self.attempt(partial, &mut checksums) else { continue };
            if !error.is_worth_retrying() {
                return Err(error);
            }
            failures = if partial.done() > furthest { 1 } else { failures + 1 };
            furthest = furthest.max(partial.done());
            if !self.asking.is_tried_again(&error, failures, self.object.size)? {
                return Err(error);
            }
        }
        Ok(checksums)
    }

    /// Makes one request for the rest of the file.
    fn attempt(&self, partial: &mut Partial<Hasher>, checksums: &mut Checksums) -> Result<()> {
        let reply = match self.ask(partial.done()) {
            // The server has less than was asked for, so there is nothing to continue with.
            Err(SourceError::Refused { status: 416, .. }) if partial.done() > 0 => {
                return self.restart(partial);
            }
            reply => reply?,
        };
        if self.asking.place.version(&reply).is_some_and(|version| version != self.object.version) {
            return Err(SourceError::Changed { address: self.address.clone() });
        }
        let (start, total) = match (reply.status(), reply.range()) {
            (206, Some(sent)) => (sent.bytes.start, Some(sent.total)),
            (206, None) => return Err(reply.fault("it sends a part and does not say which")),
            _ => (0, reply.length()),
        };
        if let Some(total) = total.filter(|total| *total != self.object.size) {
            return Err(self.wrong_size(total));
        }
        if start != partial.done() {
            self.restart(partial)?;
        }
        if start != partial.done() {
            return Err(reply.fault("another part of the file came than was asked for"));
        }
        if start == 0 {
            checksums.learn(&Checksums::of(&reply));
        }
        self.receive(reply, partial, total.is_some())
    }

    fn ask(&self, from: u64) -> Result<Reply> {
        let place = self.asking.place;
        self.asking.client.ask(place, || {
            let question = place.content(self.object)?;
            Ok(if from > 0 { question.with(RANGE, &format!("bytes={from}-")) } else { question })
        })
    }

    /// Receives what is sent, but not a byte more than the file has.
    fn receive(&self, reply: Reply, partial: &mut Partial<Hasher>, is_announced: bool) -> Result<()> {
        let broken = |error: std::io::Error| unanswered(&self.address, error.into());
        let mut reader = reply.into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            self.asking.stop_if_asked()?;
            let read = reader.read(&mut piece).map_err(broken)?;
            let (done, size) = (partial.done() + read as u64, self.object.size);
            match read {
                0 if done < size && !is_announced => return Err(self.wrong_size(done)),
                0 if done < size => return Err(broken(std::io::ErrorKind::UnexpectedEof.into())),
                0 => return Ok(()),
                _ if done > size => return Err(self.wrong_size(done)),
                _ => partial.append(&piece[..read])?,
            }
            self.received.fetch_add(read as u64, Ordering::Relaxed);
            (self.on_progress)();
        }
    }

    fn restart(&self, partial: &mut Partial<Hasher>) -> Result<()> {
        self.received.fetch_sub(partial.done(), Ordering::Relaxed);
        Ok(partial.restart()?)
    }

    fn publish(&self, partial: Partial<Hasher>, place: &Path) -> Result<()> {
        Ok(cliptune_durable::publish(&partial.complete(self.object.modified)?, place)?)
    }

    /// Keeps what is right so far for the next time, and removes what is wrong.
    fn keep_or_discard(&self, partial: Partial<Hasher>, error: SourceError) -> SourceError {
        let (address, done, total) = (self.address.clone(), partial.done(), self.object.size);
        match error {
            SourceError::Size { .. } | SourceError::Checksum { .. } | SourceError::Changed { .. } => {
                match partial.discard() {
                    Ok(()) => error,
                    Err(failed) => failed.into(),
                }
            }
            error if error.is_transient() => {
                SourceError::Stopped { address, done, total, source: Box::new(error) }
            }
            error => error.about(&self.address),
        }
    }

    fn wrong_size(&self, found: u64) -> SourceError {
        SourceError::Size { address: self.address.clone(), expected: self.object.size, found }
    }
}
