//! The table of imported runs.

use cliptune_experiment::spelled_number;
use cliptune_terminal::format;

use crate::data::{ForeignEntry, ForeignScore, ReportData};
use crate::words;

/// What stands above the table.
pub(crate) const CAPTION: &str = "Runs that were imported, and predictions of others. What their predictions reach is computed here, \
     on the same items and with the same intervals as ours. What another tool told is shown as it was told: it has no interval, and \
     nobody knows here which items it is of.";
/// The columns after the name.
pub(crate) const HEADER: [&str; 5] =
    ["score", "difference", "verdict", "compared with", "as told there, without intervals"];
/// The most metrics of another tool that a cell has room for.
const TOLD: usize = 8;

/// A row of the table.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) cells: [String; HEADER.len()],
}

/// Returns whether a column has numbers.
pub(crate) fn is_number(column: usize) -> bool {
    column < 2
}

/// Returns the rows, one for each imported run.
pub(crate) fn lines(data: &ReportData) -> Vec<Line<'_>> {
    data.foreign.iter().map(|one| Line { name: &one.name, cells: cells(data, one) }).collect()
}

fn cells(data: &ReportData, one: &ForeignEntry) -> [String; HEADER.len()] {
    let none = || "–".to_owned();
    let scored = one.scored.as_ref();
    let score =
        |scored: &ForeignScore| format::estimate(scored.score.value, scored.score.low, scored.score.high);
    let difference = scored.and_then(|scored| scored.difference.as_ref());
    let against = scored.and_then(|scored| Some(data.entries.get(scored.against?)?.name.clone()));
    [
        scored.map_or_else(none, score),
        difference.map_or_else(none, |difference| {
            format::difference(difference.delta.value, difference.delta.low, difference.delta.high)
        }),
        difference.map_or_else(none, |difference| {
            format!("{}, {}", difference.verdict.as_str(), words::p_value(difference))
        }),
        against.unwrap_or_else(none),
        told(one).unwrap_or_else(none),
    ]
}

/// Returns the metrics that another tool told, as far as a cell has room for them.
fn told(one: &ForeignEntry) -> Option<String> {
    let mut said: Vec<String> = one
        .told
        .iter()
        .take(TOLD)
        .map(|(name, value)| format!("{name} {}", spelled_number(*value)))
        .collect();
    let more = one.told.len().saturating_sub(TOLD);
    said.extend((more > 0).then(|| format!("and {more} more")));
    (!said.is_empty()).then(|| said.join(", "))
}
