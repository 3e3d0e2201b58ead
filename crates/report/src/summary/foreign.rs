//! Reads the imported runs that are shown beside some experiments, and compares them on the same items.

use std::collections::BTreeSet;

use cliptune_compare::{Answers, correct, difference};
use cliptune_experiment::{ExperimentName, Split};
use cliptune_query::predictions_of;
use cliptune_store::{ForeignRun, Scores, Standing, imported_beside, read_scores, unless_damaged};

use super::boards::Scored;
use crate::data::{Board, ForeignEntry, ForeignScore, Measure, main_metric};
use crate::error::ReportError;

/// Returns the imported runs that are to be shown beside one of the experiments of some plans.
pub(super) fn beside(standings: &[Standing]) -> Result<Vec<ForeignRun>, ReportError> {
    let names: BTreeSet<&ExperimentName> =
        standings.iter().map(|standing| &standing.plan.experiment).collect();
    let datasets = standings.iter().filter_map(|standing| standing.dataset.as_ref());
    Ok(imported_beside(datasets, |name| names.contains(name))?)
}

/// Returns what a report shows of imported runs.
pub(super) fn entries(
    imported: &[ForeignRun],
    boards: &[Board],
    scored: &[Scored],
) -> Result<Vec<ForeignEntry>, ReportError> {
    imported.iter().map(|run| entry(run, boards, scored)).collect()
}

/// Corrects all differences of a report for being several.
pub(super) fn correct_all(boards: &mut [Board], foreign: &mut [ForeignEntry]) {
    let rows = boards.iter_mut().flat_map(|board| &mut board.rows);
    let others = foreign.iter_mut().filter_map(|one| one.scored.as_mut()?.difference.as_mut());
    correct(rows.filter_map(|row| row.difference.as_mut()).chain(others));
}

fn entry(run: &ForeignRun, boards: &[Board], scored: &[Scored]) -> Result<ForeignEntry, ReportError> {
    let name = format!("{} (foreign: {})", run.record().name, run.origin());
    let told = run.record().told.last_metrics().map(|(name, value)| (name.to_owned(), value)).collect();
    let found = match unless_damaged(read_scores(run, Split::Test))? {
        Some(scores) => score(run, &name, &scores, boards, scored)?,
        None => None,
    };
    Ok(ForeignEntry { name, run: run.id(), scored: found, told })
}

fn score(
    run: &ForeignRun,
    name: &str,
    scores: &Scores,
    boards: &[Board],
    scored: &[Scored],
) -> Result<Option<ForeignScore>, ReportError> {
    let main = main_metric(scores.task);
    let Some(score) = scores.metrics.get(main).cloned() else { return Ok(None) };
    let answers = Answers::alone(vec![predictions_of(run, Split::Test)?]);
    let answers_of = |entry: usize| scored.iter().find(|one| one.entry == entry).map(|one| &one.answers);
    let has_items = |board: &&Board| {
        let own = board.rows.first().and_then(|row| answers_of(row.entry));
        board.task == scores.task && own.is_some_and(|own| own.expect_same_items(&answers).is_ok())
    };
    let at = boards.iter().position(|board| has_items(&board));
    let only = |board: &Board| if let [only] = board.rows.as_slice() { Some(only.entry) } else { None };
    let against = at.map(|at| &boards[at]).and_then(|board| board.baseline.or_else(|| only(board)));
    let difference = match against.and_then(answers_of) {
        Some(own) => {
            let found = difference(&answers.right(), &own.right(), &own.grouping());
            Some(found.map_err(|source| ReportError::Statistics { entry: name.to_owned(), source })?)
        }
        None => None,
    };
    let others = scores.metrics.0.iter().filter(|(name, _)| name != main);
    let others = others.map(|(name, estimate)| {
        let interval = Some((estimate.low, estimate.high));
        (name.clone(), Measure { value: estimate.value, interval })
    });
    Ok(Some(ForeignScore { board: at, score, others: others.collect(), against, difference }))
}
