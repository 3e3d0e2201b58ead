//! Shows the progress of a fetch to the user.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use cliptune_terminal::{Printer, Progress, format};

use crate::progress::{Event, Observer};

/// An observer that shows one bar: files, bytes, speed and the time that is left.
pub struct Shown<'a> {
    printer: &'a Printer,
    interrupted: &'a AtomicBool,
    bar: Mutex<Option<Bar>>,
}

struct Bar {
    progress: Progress,
    files: u64,
    started: Instant,
    /// The bytes that an earlier fetch had left, which say nothing about the speed of this one.
    first: Option<u64>,
}

impl<'a> Shown<'a> {
    /// Shows progress through the printer, and stops the fetch when the flag is set.
    pub fn new(printer: &'a Printer, interrupted: &'a AtomicBool) -> Self {
        Self { printer, interrupted, bar: Mutex::new(None) }
    }

    fn start(&self, address: &str, files: u64, bytes: u64) -> Option<Bar> {
        let what =
            format!("{address}: {}, {} to fetch", format::counted(files, "file"), format::bytes(bytes));
        self.printer.status(&what);
        let progress = self.printer.progress("fetch", bytes, "bytes");
        Some(Bar { progress, files, started: Instant::now(), first: None })
    }
}

impl Bar {
    fn reach(&mut self, files: u64, bytes: u64) {
        let first = *self.first.get_or_insert(bytes);
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let speed = format::bytes((bytes.saturating_sub(first) as f64 / seconds) as u64);
        self.progress.set(bytes);
        self.progress.message(&format!(
            "{}/{} files, {speed}/s",
            format::count(files),
            format::count(self.files)
        ));
    }
}

impl Observer for Shown<'_> {
    fn report(&self, event: Event<'_>) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Waiting { address } => {
                self.printer.status(&format!("waiting for another process that fetches from {address}"));
            }
            Event::Missing { address, files, bytes } => *bar = self.start(address, files, bytes),
            Event::Received { files, bytes } => {
                if let Some(bar) = &mut *bar {
                    bar.reach(files, bytes);
                }
            }
            Event::Complete => {
                if let Some(bar) = bar.take() {
                    bar.progress.finish();
                }
            }
            Event::Retrying { reason, pause } => {
                self.printer.warn(&format!("{reason}; trying again in {} s", pause.as_secs().max(1)));
            }
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
