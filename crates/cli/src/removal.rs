//! What the commands that remove and restore have in common.

use std::time::Duration;

use cliptune_store::{AnyRun, Dependents, Listed as _, Store};
use cliptune_terminal::{Column, Printer, Table, format};
use serde::Serialize;

use crate::error::{CliError, NameError};
use crate::selection::{ambiguous, no_readable_run};

/// One thing that was, or would be, removed or restored.
#[derive(Debug, Serialize)]
pub(crate) struct Removed {
    /// `run`, `damaged run`, `weights`, `dataset`, `scores`, `trash`, `unfinished` or `cache`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dependents: Option<Dependents>,
}

/// Shows a table with a line for each of them.
pub(crate) fn table<'a>(removed: impl IntoIterator<Item = &'a Removed>, printer: &Printer) {
    let mut table = Table::new([Column::left("what"), Column::left("name"), Column::right("size")]);
    for one in removed {
        table.row([one.kind.to_owned(), one.name.clone(), format::bytes(one.bytes)]);
    }
    printer.table(&table);
}

/// Returns the one run that a name can stand for. Unlike where a run is only looked at, the name of an experiment with
/// several runs leaves in doubt which one is meant, and the best one may be another with the next scores.
pub(crate) fn the_only_run(store: &Store, name: &str) -> Result<AnyRun, CliError> {
    let mut found = store.all_named(name)?;
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(no_certain_run(store, name)?),
        _ => Err(ambiguous(name, &found)),
    }
}

/// Returns the error that a name stands for no run, or only where a run is looked at.
fn no_certain_run(store: &Store, name: &str) -> Result<CliError, CliError> {
    match store.any_named(name)?.into_iter().next() {
        Some(run) => Ok(NameError::MayChange { name: name.to_owned(), run: run.id() }.into()),
        None => no_readable_run(store, name),
    }
}

/// Says what depends on something, in words.
pub(crate) fn reasons(dependents: &Dependents) -> Vec<String> {
    let mut reasons: Vec<String> =
        dependents.runs.iter().map(|run| format!("{run} was made from it")).collect();
    reasons.extend(dependents.soups.iter().map(|soup| {
        let folder = format::visible(&soup.folder.to_string_lossy());
        format!("it is part of the soup {folder}, which {} was made from", soup.run)
    }));
    reasons.extend(
        dependents
            .datasets
            .iter()
            .map(|hash| format!("the dataset {} keeps its splits", hash.get(..16).unwrap_or(hash))),
    );
    reasons
}

/// Parses an age: `30d`, `12h`, `90min`, `2w`, or a number of days.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "" | "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        "h" | "hour" | "hours" => 3_600,
        "min" | "minutes" => 60,
        "s" | "seconds" => 1,
        _ => 0,
    };
    let number: Option<u64> = number.parse().ok().filter(|_| seconds > 0);
    let total = number.and_then(|number| number.checked_mul(seconds));
    total.map(Duration::from_secs).ok_or_else(|| "write an age such as 30d, 2w, 12h or 90min".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units_and_days_need_none() {
        let seconds = |text| age(text).map(|age| age.as_secs());
        assert_eq!(
            ["30d", "30", "2w", "12 h", "90min", "5s"].map(seconds),
            [2_592_000, 2_592_000, 1_209_600, 43_200, 5_400, 5].map(Ok)
        );
        for wrong in ["", "d", "-1d", "1.5d", "3 months", "99999999999999999999d", "9999999999999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
