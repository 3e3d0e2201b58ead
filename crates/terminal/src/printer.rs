//! The printer, through which every tool writes its output.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, render};
use crate::format::{self, harmless_json, visible_lines};
use crate::output::{self, OutputError};
use crate::progress::Progress;
use crate::style;
use crate::table::Table;

/// Writes data to stdout and messages for a person to stderr. Clones share the terminal.
///
/// Whatever is written may hold what strangers have written: captions, names, messages of other programs. So no text is
/// taken at its word but [`document`](Self::document): what a terminal would obey is shown escaped.
#[derive(Clone, Debug)]
pub struct Printer {
    quiet: bool,
    json: bool,
}

impl Printer {
    /// Creates a printer. When `quiet`, it hides `status` and progress; `json` is what [`is_json`](Self::is_json)
    /// returns.
    pub fn new(quiet: bool, json: bool) -> Self {
        Self { quiet, json }
    }

    /// Returns whether the person asked for the result as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a result to stdout, and adds a final newline if it has none.
    ///
    /// It is not an error when the reader goes away; any other failure is reported when the tool ends.
    pub fn data(&self, text: &str) {
        self.document(&visible_lines(text));
    }

    /// Writes a text in a format that knows its own escapes to stdout as it is, such as a page or a picture, and adds a
    /// final newline if it has none.
    pub fn document(&self, text: &str) {
        match text.ends_with('\n') {
            true => output::stdout(text),
            false => output::stdout(&format!("{text}\n")),
        }
    }

    /// Writes a result to stdout as one indented JSON document. Characters that a terminal would obey are escaped.
    pub fn json(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.document(&harmless_json(&text)),
            Err(error) => output::fail(OutputError::Json(error)),
        }
    }

    /// Writes a table to stdout, fitted to the width of the terminal. A file or a pipe gets every cell in full.
    pub fn table(&self, table: &Table) {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        self.data(&table.render(width));
    }

    /// Tells the person what is going on, on stderr, unless quiet. A live progress bar is not disturbed.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            output::stderr(&format!("{}\n", visible_lines(text)));
        }
    }

    /// Warns the person on stderr, even when quiet.
    pub fn warn(&self, text: &str) {
        output::stderr(&format!("{} {}\n", style::label(style::WARNING, "warning"), visible_lines(text)));
    }

    /// Reports an error that does not end the command, on stderr, even when quiet.
    pub fn failure(&self, error: &dyn Diagnostic) {
        output::stderr(&render(error));
    }

    /// Starts to show the progress of a long step: a bar on a terminal, a line now and then in a log file, and nothing
    /// when quiet. A total of 0 means that it is unknown; the unit is the noun for one of what is
    /// counted, or `bytes`, which is shown as KiB, MiB, GiB.
    pub fn progress(&self, label: &str, total: u64, unit: &'static str) -> Progress {
        match self.quiet {
            true => Progress::hidden(),
            false => Progress::on_stderr(&format::visible(label), total, unit),
        }
    }
}
