//! Reports what a run does while it trains: to its log, to TensorBoard and to the person.

use std::fmt::Display;

use cliptune_store::{Event, EventLog, StoreError};
use cliptune_terminal::Printer;

use crate::board::Board;
use crate::progress::TrainingProgress;

/// Passes events on. A recipient that cannot take an event never stops the training: a log that cannot be written keeps
/// its events until it can be, TensorBoard misses the event, and either failure causes a single warning.
#[derive(Debug)]
pub struct Journal<'a> {
    log: EventLog,
    board: Board,
    progress: TrainingProgress<'a>,
    printer: &'a Printer,
    log_warned: bool,
    board_warned: bool,
}

impl<'a> Journal<'a> {
    /// Creates a journal that reports to these three and prints its warnings to the printer.
    pub fn new(log: EventLog, board: Board, progress: TrainingProgress<'a>, printer: &'a Printer) -> Self {
        Self { log, board, progress, printer, log_warned: false, board_warned: false }
    }

    /// Passes on an event.
    pub fn tell(&mut self, event: &Event) {
        if let Err(error) = self.log.append(event) {
            self.warn_of_log(&error);
        }
        if let Err(error) = self.board.show(event) {
            once(&mut self.board_warned, self.printer, "TensorBoard will miss a part of the run", &error);
        }
        self.progress.show(event);
    }

    /// Prints a warning for the person.
    pub(crate) fn warn(&self, text: &str) {
        self.printer.warn(text);
    }

    /// Makes the log durable, as far as that is possible at the moment.
    pub fn sync(&mut self) {
        if let Err(error) = self.log.sync() {
            self.warn_of_log(&error);
        }
    }

    /// Makes the log durable at the end of a run.
    ///
    /// # Errors
    ///
    /// Returns an error when the log lacks events that cannot be written.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.progress.finish();
        self.log.sync()
    }

    fn warn_of_log(&mut self, error: &StoreError) {
        once(
            &mut self.log_warned,
            self.printer,
            "the event log is kept in memory until it can be written",
            error,
        );
    }
}

fn once(warned: &mut bool, printer: &Printer, what: &str, error: &dyn Display) {
    if !*warned {
        printer.warn(&format!("{what}: {error}"));
    }
    *warned = true;
}
