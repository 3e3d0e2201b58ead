//! How runs are listed: as tables for people, CSV, Markdown and JSON.

use std::collections::BTreeMap;

use cliptune_documents::{csv_line, markdown_line};
use cliptune_query::{Cell, Key, Listing, Part};
use cliptune_terminal::{Align, Column, Printer, Table, format};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

/// The runs to list.
pub(super) struct Shown<'a> {
    pub(super) listing: &'a Listing<'a>,
    /// The numbers of the runs, one experiment after the other.
    pub(super) runs: &'a [usize],
    /// The columns, if they were asked for.
    pub(super) columns: &'a [Key],
    /// Whether it is known which runs the present YAML stands for.
    pub(super) is_marked: bool,
}

impl Shown<'_> {
    /// Prints a table for each experiment.
    pub(super) fn print(&self, printer: &Printer) {
        let blocks =
            self.runs.chunk_by(|one, other| self.listing.experiment(*one) == self.listing.experiment(*other));
        for (at, block) in blocks.enumerate() {
            let between = if at == 0 { "" } else { "\n" };
            let experiment = format::visible(self.listing.experiment(block[0]));
            printer.data(&format!("{between}{experiment}: {}\n", format::counted(block.len() as u64, "run")));
            printer.table(&self.table(block));
        }
    }

    fn table(&self, block: &[usize]) -> Table {
        let keys = self.keys(block);
        let is_marked = self.is_marked && self.columns.is_empty();
        let mut columns: Vec<Column> = is_marked.then(|| Column::left("")).into_iter().collect();
        columns.extend(keys.iter().map(|key| self.column(block, key)));
        let row = |run: &usize| -> Vec<String> {
            let mark = is_marked.then(|| self.mark(*run).to_owned());
            mark.into_iter().chain(keys.iter().map(|key| self.text(*run, key))).collect()
        };
        let rows: Vec<Vec<String>> = block.par_iter().map(row).collect();
        let mut table = Table::new(columns);
        rows.into_iter().for_each(|row| _ = table.row(row));
        table
    }

    /// Returns the column of a table for people. Numbers are on the right, unless they have an interval.
    fn column(&self, block: &[usize], key: &Key) -> Column {
        let is_number = !matches!(key, Key::Metric(_, _, Part::Value))
            && block.iter().all(|run| self.listing.value(*run, key).number().is_some());
        let header = match key.to_string() {
            name if self.columns.is_empty() && name == "started" => "started (UTC)".to_owned(),
            name => name,
        };
        Column::new(header, if is_number { Align::Right } else { Align::Left })
    }

    fn mark(&self, run: usize) -> &'static str {
        if self.listing.value(run, &Key::Present) == Cell::Truth(true) { "*" } else { "" }
    }

    /// Returns the columns of some runs: those that were asked for, or what tells these runs apart.
    fn keys(&self, runs: &[usize]) -> Vec<Key> {
        if !self.columns.is_empty() {
            return self.columns.to_vec();
        }
        let named = |name: &str| self.listing.key(name).ok();
        let has = |key: &Key| runs.iter().any(|run| self.listing.value(*run, key) != Cell::Null);
        let differs = |key: &Key| {
            let mut values = runs.iter().map(|run| self.listing.value(*run, key));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let is_said = |key: &Key| {
            runs.iter().any(|run| !matches!(self.listing.value(*run, key).spelled().as_ref(), "" | "false"))
        };
        let mut keys: Vec<Key> = ["run", "status"].into_iter().filter_map(named).collect();
        keys.extend(["tool", "name", "tags", "pinned", "note"].into_iter().filter_map(named).filter(is_said));
        keys.extend(self.listing.varying(runs));
        keys.extend(named("seed").filter(differs));
        keys.extend(["kept", "error"].into_iter().filter_map(named).filter(has));
        keys.extend(self.listing.main_metrics(runs));
        keys.extend(named("started"));
        keys
    }

    /// Returns a value for people.
    fn text(&self, run: usize, key: &Key) -> String {
        let value = self.listing.value(run, key);
        match key {
            Key::Metric(split, name, Part::Value) => {
                let end = |part| self.listing.value(run, &Key::Metric(*split, name.clone(), part)).number();
                let number = |number: Option<f64>| number.unwrap_or(f64::NAN);
                value.number().map_or_else(String::new, |value| {
                    format::estimate(value, number(end(Part::Low)), number(end(Part::High)))
                })
            }
            Key::Metric(..) => value.number().map_or_else(String::new, format::number),
            Key::Run(_) if self.columns.is_empty() => match key.to_string().as_str() {
                "run" => self.without_experiment(run, &value.spelled()),
                "started" => to_the_minute(&value.spelled()),
                _ => format::visible(&value.spelled()),
            },
            _ => format::visible(&value.spelled()),
        }
    }

    /// Returns the name of a run without its experiment, which the block is named after.
    fn without_experiment(&self, run: usize, name: &str) -> String {
        let own = name.strip_prefix(self.listing.experiment(run)).and_then(|name| name.strip_prefix('/'));
        format::visible(own.unwrap_or(name))
    }

    /// Returns the columns of one table of all runs.
    fn all_keys(&self) -> Vec<Key> {
        if !self.columns.is_empty() {
            return self.columns.to_vec();
        }
        let mut keys = self.keys(self.runs);
        if self.is_marked {
            keys.insert(1.min(keys.len()), Key::Present);
        }
        keys
    }

    fn lines(&self, line: fn(&[String]) -> String, below_header: impl Fn(usize) -> Option<String>) -> String {
        let keys = self.all_keys();
        let header: Vec<String> = keys.iter().map(Key::to_string).collect();
        let rows = self.runs.iter().map(|run| {
            let cells: Vec<String> =
                keys.iter().map(|key| self.listing.value(*run, key).spelled().into_owned()).collect();
            line(&cells)
        });
        let lines = std::iter::once(line(&header)).chain(below_header(keys.len())).chain(rows);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Returns one table of all runs as CSV.
    pub(super) fn csv(&self) -> String {
        self.lines(|cells| csv_line(cells.iter().map(String::as_str)), |_| None)
    }

    /// Returns one table of all runs as Markdown.
    pub(super) fn markdown(&self) -> String {
        let rule = |columns: usize| Some(format!("|{}", "---|".repeat(columns)));
        self.lines(|cells| markdown_line(cells.iter().map(String::as_str)), rule)
    }

    /// Returns the runs as JSON: the columns that were asked for, or everything that is known.
    pub(super) fn json(&self) -> Vec<Value> {
        let row = |run: &usize| match self.columns {
            [] => self.everything(*run),
            columns => self.object(*run, columns.iter().cloned()).into(),
        };
        self.runs.iter().map(row).collect()
    }

    fn object(&self, run: usize, keys: impl Iterator<Item = Key>) -> Map<String, Value> {
        keys.map(|key| (key.to_string(), json!(self.listing.value(run, &key)))).collect()
    }

    fn everything(&self, run: usize) -> Value {
        let mut row = self.object(run, self.listing.columns_of_runs());
        row.insert("present".to_owned(), json!(self.listing.value(run, &Key::Present)));
        row.insert("settings".to_owned(), json!(self.listing.settings(run).collect::<BTreeMap<_, _>>()));
        row.insert("scores".to_owned(), json!(self.listing.scores(run)));
        let told = self.listing.told(run);
        if !told.is_empty() {
            row.insert("told".to_owned(), told.into());
        }
        row.into()
    }
}

/// Shortens a timestamp to the minute: `2026-11-23T09:41:07.123Z` becomes `2026-11-23 09:41`.
fn to_the_minute(time: &str) -> String {
    format::visible(time).chars().take(16).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::to_the_minute;

    #[test]
    fn times_end_at_the_minute() {
        assert_eq!(to_the_minute("2026-11-23T09:41:07.123Z"), "2026-11-23 09:41");
        assert_eq!(to_the_minute(""), "");
    }
}
