//! Finds which entries can be compared, and compares them.

use cliptune_experiment::{ModelSource, Split, TaskKind};
use cliptune_statistics::{Bootstrap, Interval, Unusable, seeds_and_clusters};
use cliptune_store::{Estimate, Prediction, Scores, Standing, read_predictions};

use super::differences::{correct, difference};
use super::lineage::lineage;
use crate::data::{Board, BoardRow, Entry, Measure, main_metric, mean};
use crate::error::ReportError;

/// The predictions of an entry on its test split.
pub(super) struct Scored {
    /// The entry, as an index into the list of entries.
    pub(super) entry: usize,
    /// The predictions of each seed that was scored, in one list per seed.
    pub(super) seeds: Vec<Vec<Prediction>>,
}

impl Scored {
    /// Returns whether all seeds of both entries answered the same items, in the same order.
    fn is_comparable(&self, other: &Self) -> bool {
        let same = |a: &[Prediction], b: &[Prediction]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.item_id == b.item_id && a.id == b.id)
        };
        self.seeds.iter().all(|seed| other.seeds.iter().all(|other| same(seed, other)))
    }

    /// Returns how right each answer is, from 0 to 1, in one list per seed.
    pub(super) fn right(&self) -> Vec<Vec<f64>> {
        let values = |seed: &Vec<Prediction>| seed.iter().map(|one| one.share).collect();
        self.seeds.iter().map(values).collect()
    }

    pub(super) fn groups(&self) -> Vec<&str> {
        self.seeds[0].iter().map(|prediction| prediction.group.as_str()).collect()
    }
}

/// Returns the entries that were scored on their test split, with their predictions.
pub(super) fn scored(entries: &[Entry], grouped: &[Vec<&Standing>]) -> Result<Vec<Scored>, ReportError> {
    let mut all = Vec::new();
    for (entry, plans) in grouped.iter().enumerate() {
        let with_scores =
            plans.iter().zip(&entries[entry].runs).filter(|(_, run)| run.scores_on(Split::Test).is_some());
        let runs = with_scores.filter_map(|(standing, _)| standing.run.as_ref());
        let seeds = runs.map(|run| read_predictions(run, Split::Test)).collect::<Result<Vec<_>, _>>()?;
        if seeds.first().is_some_and(|seed| !seed.is_empty()) {
            all.push(Scored { entry, seeds });
        }
    }
    Ok(all)
}

/// Returns the boards, each with the entries of one task that answered the same test items. Choices come before pairs.
pub(super) fn boards(
    entries: &[Entry],
    scored: &[Scored],
    grouped: &[Vec<&Standing>],
) -> Result<Vec<Board>, ReportError> {
    let mut groups: Vec<Vec<&Scored>> = Vec::new();
    for one in scored {
        let fits = |group: &&mut Vec<&Scored>| {
            task(&entries[group[0].entry]) == task(&entries[one.entry]) && group[0].is_comparable(one)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let boards = groups.iter().filter_map(|group| board(entries, group, grouped).transpose());
    let mut boards = boards.collect::<Result<Vec<_>, _>>()?;
    boards.sort_by_key(|board| board.task == TaskKind::Pairs);
    correct(&mut boards);
    Ok(boards)
}

fn task(entry: &Entry) -> TaskKind {
    entry.plan.data.columns.task.kind()
}

fn board(
    entries: &[Entry],
    group: &[&Scored],
    grouped: &[Vec<&Standing>],
) -> Result<Option<Board>, ReportError> {
    let first = &entries[group[0].entry];
    let Some(scores) = test_scores(first).next() else { return Ok(None) };
    let baseline = baseline(entries, group);
    let rows = group.iter().map(|one| {
        let reference = baseline.filter(|baseline| baseline.entry != one.entry);
        row(&entries[one.entry], one, reference)
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let headline = headline(entries, &rows, baseline.map(|baseline| baseline.entry));
    let plans: Vec<&Standing> = group.iter().flat_map(|one| &grouped[one.entry]).copied().collect();

    Ok(Some(Board {
        task: task(first),
        dataset: first.dataset.clone().unwrap_or_default(),
        n_items: scores.n_items,
        n_groups: scores.n_groups,
        chance: scores.chance,
        majority: scores.uneven_majority(),
        equal_choices: test_scores(first).map(|scores| scores.n_equal_choices).max().unwrap_or_default(),
        baseline: baseline.map(|baseline| baseline.entry),
        headline,
        lineage: lineage(&plans, grouped)?,
        rows,
    }))
}

fn test_scores(entry: &Entry) -> impl Iterator<Item = &Scores> {
    entry.runs.iter().filter_map(|run| run.scores_on(Split::Test))
}

/// Returns the entry without training that most others start from or share their start with; if all entries are
/// trained, returns the first. A single entry has nothing to be compared with.
fn baseline<'a>(entries: &[Entry], group: &[&'a Scored]) -> Option<&'a Scored> {
    if group.len() < 2 {
        return None;
    }
    let mut best: Option<(&Scored, usize)> = None;
    for one in group.iter().filter(|one| !entries[one.entry].is_trained()) {
        let followers =
            group.iter().filter(|other| starts_from(&entries[other.entry], &entries[one.entry])).count();
        if best.is_none_or(|(_, most)| followers > most) {
            best = Some((one, followers));
        }
    }
    best.map(|(one, _)| one).or(group.first().copied())
}

fn starts_from(entry: &Entry, base: &Entry) -> bool {
    let own = &entry.plan.model.from;
    let named = matches!(own, ModelSource::Run(run) if run.experiment == base.plan.experiment);
    named || *own == base.plan.model.from
}

/// Returns the entry other than the baseline that did best on the validation split. Choosing it on the test split would
/// make the number in the title too high.
fn headline(entries: &[Entry], rows: &[BoardRow], baseline: Option<usize>) -> Option<usize> {
    let candidates = rows.iter().map(|row| row.entry).filter(|entry| Some(*entry) != baseline);
    let mut best: Option<(usize, f64)> = None;
    for entry in candidates {
        let score = entries[entry].validation_score().unwrap_or(f64::NEG_INFINITY);
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((entry, score));
        }
    }
    best.map(|(entry, _)| entry)
}

fn row(entry: &Entry, scored: &Scored, baseline: Option<&Scored>) -> Result<BoardRow, ReportError> {
    let metric = main_metric(task(entry));
    let seeds = entry.runs.iter().filter_map(|run| {
        let value = run.scores_on(Split::Test)?.metrics.get(metric)?.value;
        Some((run.seed, value))
    });
    let failed = |source| ReportError::Statistics { entry: entry.name.clone(), source };
    let difference = baseline.map(|baseline| difference(scored, baseline)).transpose().map_err(failed)?;
    Ok(BoardRow {
        entry: scored.entry,
        per_seed: seeds.collect(),
        score: score(entry, scored, metric).map_err(failed)?,
        others: others(entry, metric),
        tied: test_scores(entry).map(|scores| scores.n_tied).max().unwrap_or_default(),
        difference,
    })
}

/// Returns the score of an entry. A single seed keeps the estimate that scoring made; several seeds are resampled with
/// the groups.
fn score(entry: &Entry, scored: &Scored, metric: &str) -> Result<Estimate, Unusable> {
    let single = test_scores(entry).next().and_then(|scores| scores.metrics.get(metric));
    match (scored.seeds.len(), single) {
        (1, Some(estimate)) => Ok(estimate.clone()),
        _ => seeds_and_clusters(&scored.right(), &scored.groups(), &Bootstrap::default()).map(estimate),
    }
}

pub(super) fn estimate(interval: Interval) -> Estimate {
    Estimate { value: interval.value, low: interval.low, high: interval.high, method: interval.method }
}

fn others(entry: &Entry, main: &str) -> Vec<(String, Measure)> {
    let Some(first) = test_scores(entry).next() else { return Vec::new() };
    let names = first.metrics.0.iter().map(|(name, _)| name).filter(|name| *name != main);
    names.filter_map(|name| Some((name.clone(), measure(entry, name)?))).collect()
}

fn measure(entry: &Entry, name: &str) -> Option<Measure> {
    let found: Vec<&Estimate> = test_scores(entry).filter_map(|scores| scores.metrics.get(name)).collect();
    let interval = match found.as_slice() {
        [only] => Some((only.low, only.high)),
        _ => None,
    };
    Some(Measure { value: mean(found.iter().map(|estimate| estimate.value))?, interval })
}
