//! The printer, through which every tool writes its output.

use std::borrow::Cow;

use serde::Serialize;

use crate::diagnostic::{Diagnostic, ErrorDocument, render};
use crate::format::{self, harmless_json, visible_lines};
use crate::output::{self, OutputError};
use crate::progress::Progress;
use crate::relay::{self, Message};
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
            say(text, |text| Message::Status { text });
        }
    }

    /// Tells the person what they want to know at once, such as what this program waits for. Where another program shows
    /// what many programs say, it passes this on, and not every status.
    pub fn notice(&self, text: &str) {
        if !self.quiet {
            say(text, |text| Message::Notice { text });
        }
    }

    /// Warns the person on stderr, even when quiet.
    pub fn warn(&self, text: &str) {
        if relay::is_relayed() {
            return relay::send(&Message::Warning { text: text.to_owned() });
        }
        output::stderr(&format!("{} {}\n", style::label(style::WARNING, "warning"), visible_lines(text)));
    }

    /// Reports an error that does not end the command, on stderr, even when quiet.
    pub fn failure(&self, error: &dyn Diagnostic) {
        if relay::is_relayed() {
            return relay::send(&Message::Error(ErrorDocument::of(error)));
        }
        output::stderr(&render(error));
    }

    /// Reports an error that another program has told, with the name of what it happened to, even when quiet.
    pub fn failure_of(&self, what: &str, error: &ErrorDocument) {
        output::stderr(&error.about(what));
    }

    /// Checks whether progress is shown on a terminal, where lines can be redrawn.
    pub fn is_live(&self) -> bool {
        !self.quiet && output::is_live()
    }

    /// Starts to show the progress of a long step: a bar on a terminal, a line now and then in a log file, and nothing
    /// when quiet. A total of 0 means that it is unknown; the unit is the noun for one of what is
    /// counted, or `bytes`, which is shown as KiB, MiB, GiB.
    pub fn progress(&self, label: &str, total: u64, unit: impl Into<Cow<'static, str>>) -> Progress {
        match self.quiet {
            true => Progress::hidden(),
            false => Progress::on_stderr(&format::visible(label), total, unit.into()),
        }
    }
}

/// Says something to the person, or to the program that shows them what this one says.
fn say(text: &str, message: impl FnOnce(String) -> Message) {
    match relay::is_relayed() {
        true => relay::send(&message(text.to_owned())),
        false => output::stderr(&format!("{}\n", visible_lines(text))),
    }
}
