//! The progress of a long step.

mod bar;
mod log;

use std::borrow::Cow;

use bar::Bar;
use log::Log;

use crate::format::visible;
use crate::output;
use crate::relay::{self, Relayed};

/// The progress of one long step, shared between the threads that advance it.
///
/// On a terminal it is a live bar. In a log file it is a plain line every ten seconds at first, and every five minutes
/// in a run that takes hours. Dropping it without [`finish`](Self::finish), as happens after an error, removes the bar.
#[derive(Debug)]
pub struct Progress {
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Nowhere,
    Bar(Bar),
    Log(Log),
    Relayed(Relayed),
}

impl Progress {
    /// Creates progress that is not shown anywhere.
    pub fn hidden() -> Self {
        Self { shown: Shown::Nowhere }
    }

    pub(crate) fn on_stderr(label: &str, total: u64, unit: Cow<'static, str>) -> Self {
        let shown = match output::is_live() {
            _ if relay::is_relayed() => Shown::Relayed(Relayed::start(label, total, &unit)),
            true => Shown::Bar(Bar::start(label, total, unit)),
            false => Shown::Log(Log::start(label, total, unit)),
        };
        Self { shown }
    }

    /// Adds to the amount done.
    pub fn advance(&self, by: u64) {
        match &self.shown {
            Shown::Nowhere => {}
            Shown::Bar(bar) => bar.advance(by),
            Shown::Log(log) => log.advance(by),
            Shown::Relayed(relayed) => relayed.advance(by),
        }
    }

    /// Sets the total amount done so far, for example when a run resumes from a checkpoint.
    pub fn set(&self, done: u64) {
        match &self.shown {
            Shown::Nowhere => {}
            Shown::Bar(bar) => bar.set(done),
            Shown::Log(log) => log.set(done),
            Shown::Relayed(relayed) => relayed.set(done),
        }
    }

    /// Shows a message about the state of the work: `epoch 3/10 loss 2.31 lr 1e-4 312 items/s`.
    pub fn message(&self, text: &str) {
        let text = &visible(text);
        match &self.shown {
            Shown::Nowhere => {}
            Shown::Bar(bar) => bar.message(text),
            Shown::Log(log) => log.message(text),
            Shown::Relayed(relayed) => relayed.message(text),
        }
    }

    /// Ends the step: the bar is removed, and a log file gets its last line.
    pub fn finish(self) {
        match &self.shown {
            Shown::Log(log) => log.finish(),
            Shown::Relayed(relayed) => relayed.finish(),
            Shown::Nowhere | Shown::Bar(_) => {}
        }
    }
}
