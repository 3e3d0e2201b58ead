//! What `cliptune new` says once it has written a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cliptune_propose::{Guess, Guesses, Proposal, in_words, split_in_words};
use cliptune_terminal::format::{count, counted, visible};
use cliptune_terminal::{Printer, shell_word};
use serde::Serialize;

use super::place::Place;
use crate::selection::short;
use crate::wording;

/// A file that has been written.
pub(super) struct Written<'a> {
    pub(super) place: &'a Place,
    pub(super) proposal: &'a Proposal,
    /// The table that was made of folders.
    pub(super) table: Option<&'a Path>,
    /// The folder of the contest that has to be drawn first, if the experiment is about one.
    pub(super) contest: Option<PathBuf>,
    /// Whether a person was asked about what is unsure.
    pub(super) is_settled: bool,
}

/// The file as `--json` prints it.
#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    file: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a Path>,
    #[serde(flatten)]
    proposal: &'a Proposal,
    /// The commands to go on with.
    next: Vec<String>,
}

impl Written<'_> {
    pub(super) fn tell(&self, printer: &Printer) {
        match printer.is_json() {
            true => printer.json(&self.document()),
            false => printer.data(&self.text()),
        }
    }

    fn document(&self) -> Document<'_> {
        let Self { place, proposal, table, .. } = self;
        Document { name: place.name.as_str(), file: &place.file, table: *table, proposal, next: self.next() }
    }

    fn text(&self) -> String {
        let table = self.table.map(|table| format!(" and {}", short(table))).unwrap_or_default();
        let mut text = format!("wrote {}{table}\n", short(&self.place.file));
        let lines = self.guesses();
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        // Writing to a String cannot fail.
        for (name, value) in lines {
            let _ = writeln!(text, "  {name:width$}  {value}");
        }
        let commands: String = self.next().iter().map(|command| format!("\n  {command}")).collect();
        text + "next:" + &commands + "\n"
    }

    /// Returns what was guessed and why, line by line.
    fn guesses(&self) -> Vec<(&'static str, String)> {
        let Proposal { join, items, id, group, split, .. } = self.proposal;
        let mut lines: Vec<(&str, String)> =
            self.looked_at().map(|seen| ("seen", seen)).into_iter().collect();
        lines.extend(line("join", join, wording::join));
        lines.extend(line("items", items, in_words));
        lines.extend(line("id", id, Clone::clone));
        lines.extend(line("group", group, Clone::clone));
        lines.extend(line("split", split, split_in_words));
        let unsure =
            [join.is_unsure(), items.is_unsure(), id.is_unsure(), group.is_unsure(), split.is_unsure()];
        if unsure.contains(&true) {
            let asks = if self.is_settled { "" } else { "; --interactive asks" };
            lines.push(("unsure", format!("what else is plausible is in the file as comments{asks}")));
        }
        lines
    }

    /// Says what the guesses are about, if it is known yet.
    fn looked_at(&self) -> Option<String> {
        let Proposal { images, rows, looked_at, columns, .. } = self.proposal;
        let part = match looked_at < rows {
            true => format!("; the columns of {} rows were looked at", count(*looked_at)),
            false => String::new(),
        };
        let (images, rows) = (counted(*images, "image"), (*rows > 0).then(|| counted(*rows, "row"))?);
        Some(format!("{images}, {rows} with {}{part}", counted(*columns, "column")))
    }

    /// Returns the commands to go on with.
    fn next(&self) -> Vec<String> {
        let file = short(&self.place.file).to_string();
        let file = shell_word(&file);
        let contest = self.contest.as_ref().map(|folder| {
            let folder = folder.display().to_string();
            format!("cliptune demo-data {}", shell_word(&folder))
        });
        let own = [format!("cliptune check {file}"), format!("cliptune run {file}")];
        contest.into_iter().chain(own).collect()
    }
}

/// Returns the line about something that is taken.
fn line<T>(
    name: &'static str,
    guesses: &Guesses<T>,
    words: impl Fn(&T) -> String,
) -> Option<(&'static str, String)> {
    let Guess { value, why } = guesses.taken()?;
    Some((name, visible(&format!("{}: {why}", words(value)))))
}
