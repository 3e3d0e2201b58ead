//! Reports what a run does while it trains: to its log, to TensorBoard and to the person.

use std::fmt::Display;
use std::io;

use cliptune_store::{Event, EventLog, StoreError};
use cliptune_terminal::Printer;

use crate::board::Board;
use crate::progress::TrainingProgress;
use crate::watch::{Seen, Watch};

/// Passes events on. A recipient that cannot take an event never stops the training: a log that cannot be written keeps
/// its events until it can be, TensorBoard misses the event, and either failure causes a single warning.
#[derive(Debug)]
pub struct Journal<'a> {
    /// The event log; `None` in a process that keeps no records.
    log: Option<EventLog>,
    board: Board,
    progress: TrainingProgress<'a>,
    watch: Option<Watch>,
    printer: &'a Printer,
    log_warned: bool,
    board_warned: bool,
}

impl<'a> Journal<'a> {
    /// Creates a journal that reports to these three and prints its warnings to the printer.
    pub fn new(log: EventLog, board: Board, progress: TrainingProgress<'a>, printer: &'a Printer) -> Self {
        Self { log: Some(log), board, progress, watch: None, printer, log_warned: false, board_warned: false }
    }

    /// Creates a journal that reports to nobody: that of a process that helps another one, which keeps the records.
    pub fn silent(printer: &'a Printer) -> Self {
        let (board, progress) = (Board::hidden(), TrainingProgress::hidden());
        Self { log: None, board, progress, watch: None, printer, log_warned: false, board_warned: false }
    }

    /// Also passes on what the run uses of its machine.
    pub fn watched(self, watch: Option<Watch>) -> Self {
        Self { watch, ..self }
    }

    /// Passes on an event.
    pub fn tell(&mut self, event: &Event) {
        // TensorBoard takes nothing that comes after the end of a run.
        if matches!(event, Event::Finished { .. } | Event::Diverged { .. } | Event::Interrupted { .. }) {
            self.end_watch();
        }
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.append(event)) {
            self.warn_of_log(&error);
        }
        if let Err(error) = self.board.show(event) {
            self.warn_of_board(&error);
        }
        self.progress.show(event);
        if let (Event::Step { step, .. }, Some(watch)) = (event, &self.watch) {
            watch.at_step(*step);
        }
        let seen: Vec<Seen> = self.watch.iter().flat_map(Watch::seen).collect();
        self.show_usage(&seen);
    }

    /// Shows what the run used up to now, and stops recording.
    fn end_watch(&mut self) {
        let Some(watch) = self.watch.take() else { return };
        let seen = watch.end();
        if let Some(error) = seen.last().and_then(|seen| seen.error.as_ref()) {
            self.printer.warn(error);
        }
        self.show_usage(&seen);
    }

    fn show_usage(&mut self, seen: &[Seen]) {
        for Seen { sample, .. } in seen {
            if let Err(error) = self.board.show_usage(sample) {
                self.warn_of_board(&error);
            }
        }
    }

    /// Prints a warning for the person.
    pub(crate) fn warn(&self, text: &str) {
        if self.log.is_some() {
            self.printer.warn(text);
        }
    }

    /// Makes the log durable, as far as that is possible at the moment.
    pub fn sync(&mut self) {
        if let Some(Err(error)) = self.log.as_mut().map(EventLog::sync) {
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
        self.log.as_mut().map_or(Ok(()), EventLog::sync)
    }

    fn warn_of_board(&mut self, error: &io::Error) {
        once(&mut self.board_warned, self.printer, "TensorBoard will miss a part of the run", error);
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
