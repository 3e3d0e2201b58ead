//! The one thing that writes.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, render};
use crate::output::{self, OutputError};
use crate::progress::Progress;
use crate::style;
use crate::table::Table;

/// Writes data to stdout and everything for a person to stderr; clones share the terminal.
#[derive(Clone, Debug)]
pub struct Printer {
    quiet: bool,
    json: bool,
}

impl Printer {
    /// Makes a printer that keeps `status` and progress to itself when quiet; `json` is what [`is_json`](Self::is_json)
    /// answers.
    pub fn new(quiet: bool, json: bool) -> Self {
        Self { quiet, json }
    }

    /// Says whether the person asked for the result as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a result to stdout, with a final newline if it has none.
    ///
    /// A reader that went away is tolerated; any other failure is reported when the tool ends.
    pub fn data(&self, text: &str) {
        match text.ends_with('\n') {
            true => output::stdout(text),
            false => output::stdout(&format!("{text}\n")),
        }
    }

    /// Writes a result to stdout as one indented JSON document.
    pub fn json(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(&text),
            Err(error) => output::fail(OutputError::Json(error)),
        }
    }

    /// Writes a table to stdout, as wide as the terminal allows; a file or a pipe gets every cell in full.
    pub fn table(&self, table: &Table) {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        self.data(&table.render(width));
    }

    /// Tells the person what is going on, on stderr, unless quiet. A live progress bar stays whole.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            output::stderr(&format!("{text}\n"));
        }
    }

    /// Tells the person about something to look at, on stderr, even when quiet.
    pub fn warn(&self, text: &str) {
        output::stderr(&format!("{} {text}\n", style::label(style::WARNING, "warning")));
    }

    /// Tells the person of an error that does not end the command, on stderr, even when quiet.
    pub fn failure(&self, error: &dyn Diagnostic) {
        output::stderr(&render(error));
    }

    /// Starts to show how far a long step has come: a bar on a terminal, a line now and then in a log file, nothing
    /// when quiet. A total of 0 means that it is unknown; the unit `bytes` is shown as KiB, MiB, GiB.
    pub fn progress(&self, label: &str, total: u64, unit: &'static str) -> Progress {
        match self.quiet {
            true => Progress::hidden(),
            false => Progress::on_stderr(label, total, unit),
        }
    }
}
