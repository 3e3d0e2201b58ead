//! Downloads one part of a file.
//!
//! A part cannot be compared with a checksum of the whole file. What holds the parts together is the version: every request
//! asks for it, and every answer has to name it.

use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

use cliptune_web::PIECE;
use fs_err::File;
use ureq::http::header::RANGE;

use crate::asking::Asking;
use crate::client::{Reply, unanswered};
use crate::error::{Result, SourceError};
use crate::listing::Object;

/// The download of one range.
pub(crate) struct PartDownload<'a> {
    pub(crate) asking: &'a Asking<'a>,
    /// The object by its name in the bucket.
    pub(crate) object: &'a Object,
    /// The address for messages.
    pub(crate) address: &'a str,
    /// The file that the range is written to, in its place.
    pub(crate) file: &'a File,
    /// The place of the next byte that is missing.
    pub(crate) at: u64,
    /// The end of the range.
    pub(crate) end: u64,
}

/// What a server does when it is asked for a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It sends the part.
    Arrived,
    /// It sends no parts, or does not say of which version they are.
    Refused,
}

impl PartDownload<'_> {
    /// Keeps trying as long as something new arrives, and gives up after several failures in a row without any progress.
    pub(crate) fn run(&mut self, on_bytes: &dyn Fn(u64)) -> Result<Outcome> {
        let (mut failures, mut furthest) = (0, self.at);
        while self.at < self.end {
            self.asking.stop_if_asked()?;
            let error = match self.attempt(on_bytes) {
                Ok(Outcome::Refused) => return Ok(Outcome::Refused),
                Ok(Outcome::Arrived) => continue,
                Err(error) => error,
            };
            failures = if self.at > furthest { 1 } else { failures + 1 };
            furthest = self.at;
            if !error.is_worth_retrying() || !self.asking.is_tried_again(&error, failures, self.end)? {
                return Err(error);
            }
        }
        Ok(Outcome::Arrived)
    }

    /// Makes one request for the rest of the range.
    fn attempt(&mut self, on_bytes: &dyn Fn(u64)) -> Result<Outcome> {
        let place = self.asking.place;
        let reply = match self.ask() {
            Err(SourceError::Refused { status: 416, .. }) => return Ok(Outcome::Refused),
            reply => reply?,
        };
        match place.version(&reply) {
            Some(version) if version != self.object.version => {
                return Err(SourceError::Changed { address: self.address.to_owned() });
            }
            None if !place.asks_for_version(self.object) => return Ok(Outcome::Refused),
            Some(_) | None => {}
        }
        if reply.status() != 206 {
            return Ok(Outcome::Refused);
        }
        self.check_range(&reply)?;
        self.receive(reply, on_bytes).map(|()| Outcome::Arrived)
    }

    fn ask(&self) -> Result<Reply> {
        let place = self.asking.place;
        let range = format!("bytes={}-{}", self.at, self.end - 1);
        self.asking.client.ask(place, || Ok(place.content(self.object)?.with(RANGE, &range)))
    }

    /// Checks that an answer has what was asked for.
    fn check_range(&self, reply: &Reply) -> Result<()> {
        let Some(sent) = reply.range() else {
            return Err(reply.fault("it sends a part and does not say which"));
        };
        if sent.total != self.object.size {
            let (address, expected) = (self.address.to_owned(), self.object.size);
            return Err(SourceError::Size { address, expected, found: sent.total });
        }
        let is_length_wrong = reply.length().is_some_and(|length| length != self.end - self.at);
        if sent.bytes != (self.at..self.end) || is_length_wrong {
            return Err(reply.fault("another part of the file came than was asked for"));
        }
        Ok(())
    }

    /// Receives what is sent, but not a byte more than was asked for.
    fn receive(&mut self, reply: Reply, on_bytes: &dyn Fn(u64)) -> Result<()> {
        let broken = |error: io::Error| unanswered(self.address, error.into());
        let endless = reply.fault("it sends more than was asked for");
        let mut reader = reply.into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            self.asking.stop_if_asked()?;
            let read = reader.read(&mut piece).map_err(broken)?;
            match self.at + read as u64 {
                _ if read == 0 && self.at < self.end => {
                    return Err(broken(io::ErrorKind::UnexpectedEof.into()));
                }
                _ if read == 0 => return Ok(()),
                end if end > self.end => return Err(endless),
                end => {
                    self.write(&piece[..read])?;
                    self.at = end;
                }
            }
            on_bytes(read as u64);
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let named = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("failed to write to `{}`: {error}", self.file.path().display()),
            )
        };
        Ok(self.file.file().write_all_at(bytes, self.at).map_err(named)?)
    }
}
