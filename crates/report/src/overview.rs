//! The overview: what there is of each entry, and in which order many of them come.

use crate::data::{Board, Entry, ReportData, RunSummary};
use crate::settings::Setting;

/// Returns the entries in the order of the overview: as they were given, or many of them from the highest score to the lowest,
/// board by board, with those that have no score at the end.
pub(crate) fn order(data: &ReportData) -> Vec<usize> {
    let all = 0..data.entries.len();
    if !data.has_many() {
        return all.collect();
    }
    let mut order: Vec<usize> = data.boards.iter().flat_map(Board::sorted).map(|row| row.entry).collect();
    order.extend(all.filter(|entry| data.row(*entry).is_none()));
    order
}

/// Returns the name of an entry beside columns that have its point of the matrix.
pub(crate) fn name<'a>(entry: &'a Entry, axes: &[&Setting]) -> &'a str {
    match axes.len() >= entry.plan.axes.len() && !entry.plan.axes.is_empty() {
        true => entry.plan.experiment.as_str(),
        false => &entry.name,
    }
}

/// Returns the epochs that the runs of an entry kept, in the order of the runs, if anything was trained.
pub(crate) fn kept_epochs(entry: &Entry) -> Vec<usize> {
    entry.plan.train.iter().flat_map(|_| entry.runs.iter().filter_map(RunSummary::best_epoch)).collect()
}

/// Returns the kept epochs as a cell shows them: `3`, or `2 to 4` of several runs that differ.
pub(crate) fn kept(entry: &Entry) -> String {
    let kept = kept_epochs(entry);
    match (kept.iter().min(), kept.iter().max()) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        _ => "–".to_owned(),
    }
}

/// Returns how many of the declared seeds are done, as a cell shows it.
pub(crate) fn seeds(entry: &Entry) -> String {
    let (done, declared) = entry.seeds_done();
    format!("{done} of {declared}")
}
