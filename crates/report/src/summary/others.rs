//! The metrics beside the score.

use cliptune_compare::reached;
use cliptune_statistics::{Bootstrap, Unusable};
use cliptune_store::Estimate;
use rayon::prelude::*;

use super::boards::{Scored, failed, score, test_scores};
use crate::data::{BoardRow, Entry, Measure, ReportData, Role, main_metric, mean};
use crate::error::ReportError;

/// Fewer resamples than usual: of the metrics beside the score, over seeds, and of the scores of many entries. Their ends are known to
/// a fortieth of the half-width by ten thousand, which a report of hundreds of experiments has no time for.
pub(super) const FEWER: Bootstrap = Bootstrap { resamples: 2_000, seed: 0 };

/// Returns the report with the other metrics of all entries. Of many entries, only those that are drawn by name have intervals over
/// seeds, and scores with as many resamples as usual.
pub(super) fn with_others(mut data: ReportData, scored: &[Scored]) -> Result<ReportData, ReportError> {
    let is_few = !data.has_many();
    let rows: Vec<&BoardRow> = data.boards.iter().flat_map(|board| &board.rows).collect();
    let of = |row: &&BoardRow| {
        let entry = &data.entries[row.entry];
        let own = scored.iter().find(|one| one.entry == row.entry);
        let own = own.filter(|_| is_few || entry.role != Role::Other);
        let again = own.filter(|_| !is_few).map(|own| score(entry, own, &Bootstrap::default()));
        let found = again.transpose().and_then(|score| Ok((score, others(entry, own)?)));
        found.map_err(|source| failed(entry, source))
    };
    let found = rows.par_iter().map(of).collect::<Result<Vec<_>, ReportError>>()?;
    let rows = data.boards.iter_mut().flat_map(|board| &mut board.rows);
    for (row, (score, others)) in rows.zip(found) {
        row.others = others;
        row.score = score.unwrap_or_else(|| row.score.clone());
    }
    Ok(data)
}

/// Returns the other metrics of an entry. A single run keeps the estimates that scoring made; several seeds are resampled with
/// the groups, if their answers are given. What the predictions do not tell is the mean over the runs, without an interval.
fn others(entry: &Entry, scored: Option<&Scored>) -> Result<Vec<(String, Measure)>, Unusable> {
    let Some(first) = test_scores(entry).next() else { return Ok(Vec::new()) };
    let is_single = |one: &&Scored| one.answers.seeds.len() == 1 && entry.folds().is_none();
    let told = match scored.filter(|one| !is_single(one)) {
        Some(scored) => reached(entry.task(), &scored.answers, &FEWER)?,
        None => Vec::new(),
    };
    let main = main_metric(entry.task());
    let names = first.metrics.0.iter().map(|(name, _)| name).filter(|name| *name != main);
    let of = |name: &String| match told.iter().find(|(told, _)| told == name) {
        Some((_, Estimate { value, low, high, .. })) => {
            Some(Measure { value: *value, interval: Some((*low, *high)) })
        }
        None => measure(entry, name),
    };
    Ok(names.filter_map(|name| Some((name.clone(), of(name)?))).collect())
}

fn measure(entry: &Entry, name: &str) -> Option<Measure> {
    let found: Vec<&Estimate> = test_scores(entry).filter_map(|scores| scores.metrics.get(name)).collect();
    let interval = match found.as_slice() {
        [only] => Some((only.low, only.high)),
        _ => None,
    };
    Some(Measure { value: mean(found.iter().map(|estimate| estimate.value))?, interval })
}
