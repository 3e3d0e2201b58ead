//! Questions to a place that are asked again when they fail in passing.

use std::time::Duration;

use cliptune_random::Random;
use cliptune_web::Patience;

use crate::client::Client;
use crate::error::{Result, SourceError};
use crate::listing::{Object, Page};
use crate::place::Place;
use crate::progress::{Event, Observer};

/// A place with everything that is needed to ask it patiently.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) client: &'a Client,
    pub(crate) place: &'a dyn Place,
    pub(crate) patience: &'a Patience,
    pub(crate) observer: &'a dyn Observer,
}

impl Asking<'_> {
    pub(crate) fn page(&self, prefix: &str, token: Option<&str>) -> Result<Page> {
        self.retrying(|| {
            let reply = self.client.ask(self.place, || self.place.page(prefix, token))?;
            self.place.read_page(reply)
        })
    }

    pub(crate) fn describe(&self, key: &str) -> Result<Object> {
        self.retrying(|| {
            let reply = self.client.ask(self.place, || self.place.describe(key))?;
            self.place.read_description(key, reply)
        })
    }

    /// Repeats an attempt until it works, fails for good, or has failed often enough.
    fn retrying<T>(&self, attempt: impl Fn() -> Result<T>) -> Result<T> {
        let mut failures = 0;
        loop {
            self.stop_if_asked()?;
            let error = match attempt() {
                Err(error) if error.is_worth_retrying() => error,
                done => return done,
            };
            failures += 1;
            if !self.is_tried_again(&error, failures, 0)? {
                return Err(error);
            }
        }
    }

    /// Waits and returns true if there should be another try, or returns false if there have been enough. What fails
    /// at the same time does not try again at the same time: `seed` differs between files.
    pub(crate) fn is_tried_again(&self, error: &SourceError, failures: u32, seed: u64) -> Result<bool> {
        let Some(pause) = self.patience.after(failures, retry_after(error)) else { return Ok(false) };
        let pause = pause.mul_f64(1.0 + Random::at(seed, &[u64::from(failures)]).unit() / 2.0);
        self.observer.report(Event::Retrying { reason: &error.in_one_line(), pause });
        self.patience.wait(pause, &|| self.observer.is_interrupted())?;
        Ok(true)
    }

    pub(crate) fn stop_if_asked(&self) -> Result<()> {
        if self.observer.is_interrupted() { Err(SourceError::Interrupted) } else { Ok(()) }
    }
}

/// Returns the pause that a failed server asks for.
fn retry_after(error: &SourceError) -> Option<Duration> {
    match error {
        SourceError::Server { retry_after, .. } => retry_after.map(Duration::from_secs),
        _ => None,
    }
}
