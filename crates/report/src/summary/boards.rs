//! Finds which entries can be compared, and compares them.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_compare::{Answers, Difference, RunAnswers, differences, estimate};
use cliptune_experiment::{Control, ModelSource, Seed, Split, TaskKind};
use cliptune_query::predictions_of;
use cliptune_statistics::{Bootstrap, Unusable, Weighted, cluster_proportion, seeds_and_clusters};
use cliptune_store::{ClassScores, Estimate, ForeignRun, Prediction, Run, Scores, Standing};
use rayon::prelude::*;

use super::confidence::confidences;
use super::inputs::looks;
use super::lineage::lineage;
use super::others::FEWER;
use crate::data::{
    AboveChance, BaselineRule, Board, BoardRow, Entry, RunSummary, is_many, main_metric, mean,
};
use crate::error::ReportError;

/// The answers of an entry to the items of its test split.
pub(super) struct Scored {
    /// The entry, as an index into the list of entries.
    pub(super) entry: usize,
    /// The answers of all its runs.
    pub(super) answers: Answers,
}

impl Scored {
    /// Returns whether all seeds of both entries answered the same items.
    fn is_comparable(&self, other: &Self) -> bool {
        self.answers.expect_same_items(&other.answers).is_ok()
    }
}

/// Returns the entries that were scored on their test split, with their predictions.
pub(super) fn scored(entries: &[Entry], grouped: &[Vec<&Standing>]) -> Result<Vec<Scored>, ReportError> {
    let all = entries.par_iter().zip(grouped).enumerate();
    let all = all.map(|(index, (entry, plans))| Ok(Scored { entry: index, answers: answers(entry, plans)? }));
    let mut all = all.collect::<Result<Vec<Scored>, ReportError>>()?;
    all.retain(|one| !one.answers.is_empty());
    Ok(all)
}

fn answers(entry: &Entry, plans: &[&Standing]) -> Result<Answers, ReportError> {
    let with_scores = plans.iter().zip(&entry.runs).filter(|(_, run)| run.scores_on(Split::Test).is_some());
    let runs = with_scores.filter_map(|(standing, _)| Some((standing, standing.run.as_ref()?)));
    let read = |(standing, run): (&&Standing, &Run)| {
        let Seed(seed) = standing.plan.seed;
        let predictions = predictions_of(run, Split::Test)?;
        Ok(RunAnswers { fold: standing.plan.fold(), seed, predictions })
    };
    let runs = runs.map(read).collect::<Result<Vec<_>, ReportError>>()?;
    Ok(Answers::of(runs, entry.folds()))
}

/// Returns the boards, each with the entries of one task that answered the same test items. Choices and classes come before
/// pairs. Their differences are not corrected yet for being several.
pub(super) fn boards(
    entries: &[Entry],
    scored: &[Scored],
    grouped: &[Vec<&Standing>],
    asked: Option<usize>,
    imported: &[ForeignRun],
) -> Result<Vec<Board>, ReportError> {
    let mut groups: Vec<Vec<&Scored>> = Vec::new();
    for one in scored {
        let fits = |group: &&mut Vec<&Scored>| {
            entries[group[0].entry].task() == entries[one.entry].task() && group[0].is_comparable(one)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let boards =
        groups.iter().filter_map(|group| board(entries, group, grouped, asked, imported).transpose());
    let mut boards = boards.collect::<Result<Vec<_>, _>>()?;
    boards.sort_by_key(|board| board.task == TaskKind::Pairs);
    Ok(boards)
}

fn board(
    entries: &[Entry],
    group: &[&Scored],
    grouped: &[Vec<&Standing>],
    asked: Option<usize>,
    imported: &[ForeignRun],
) -> Result<Option<Board>, ReportError> {
    let first = &entries[group[0].entry];
    let Some(scores) = test_scores(first).next() else { return Ok(None) };
    let chosen = baseline(entries, group, asked);
    let baseline = chosen.map(|(baseline, _)| baseline);
    let differences = differences_from(entries, group, baseline)?;
    let options = resamples(entries.len());
    let rows = group.par_iter().zip(differences);
    let rows = rows.map(|(one, difference)| row(&entries[one.entry], one, difference, &options));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let headline = headline(entries, &rows, baseline.map(|baseline| baseline.entry));
    let plans: Vec<&Standing> = group.iter().flat_map(|one| &grouped[one.entry]).copied().collect();

    let shown = group.iter().find(|one| Some(one.entry) == headline).unwrap_or(&group[0]);
    let shown_entry = &entries[shown.entry];
    Ok(Some(Board {
        task: first.task(),
        dataset: first.dataset.clone().unwrap_or_default(),
        n_items: group[0].answers.items().len(),
        n_groups: group[0].answers.group_count(),
        chance: scores.chance,
        chances: chances(first),
        majority: mean(test_scores(first).filter_map(Scores::uneven_majority)),
        classes: classes(shown_entry, shown).map_err(|source| failed(shown_entry, source))?,
        equal_choices: most_of_a_seed(first, |scores| scores.n_equal_choices),
        baseline: baseline.map(|baseline| baseline.entry),
        baseline_rule: chosen.map(|(_, rule)| rule),
        headline,
        lineage: lineage(&plans, grouped)?,
        test_looks: looks(&plans, imported)?,
        rows,
    }))
}

/// Returns what guessing reaches in each metric, in the mean over runs: folds differ in their items.
fn chances(entry: &Entry) -> BTreeMap<String, f64> {
    let names: BTreeSet<&String> = test_scores(entry).flat_map(|scores| scores.chances.keys()).collect();
    let of = |name: &String| mean(test_scores(entry).filter_map(|scores| scores.chances.get(name).copied()));
    names.into_iter().filter_map(|name| Some((name.clone(), of(name)?))).collect()
}

/// Returns a number of items over all folds, for the seed that has most of them.
fn most_of_a_seed(entry: &Entry, number: impl Fn(&Scores) -> usize) -> usize {
    let mut numbers: BTreeMap<Seed, usize> = BTreeMap::new();
    for run in &entry.runs {
        if let Some(scores) = run.scores_on(Split::Test) {
            *numbers.entry(run.seed).or_default() += number(scores);
        }
    }
    numbers.into_values().max().unwrap_or_default()
}

/// Returns the scores of the classes, of an entry's first seed. In a cross-validation they are counted over the answers
/// of all folds, each of which counts alike in shares, as it does in the score.
fn classes(entry: &Entry, scored: &Scored) -> Result<Option<ClassScores>, Unusable> {
    let Some(told) = test_scores(entry).find_map(|scores| scores.classes.as_ref()) else { return Ok(None) };
    if entry.folds().is_none() {
        return Ok(Some(told.clone()));
    }
    let names: Vec<String> = told.classes.iter().map(|class| class.name.clone()).collect();
    let accuracy = |own: &[(&Prediction, f64)]| -> Result<Estimate, Unusable> {
        let right: Vec<f64> = own.iter().map(|(prediction, _)| prediction.share).collect();
        let groups: Vec<&str> = own.iter().map(|(prediction, _)| prediction.group.as_str()).collect();
        let weights: Vec<f64> = own.iter().map(|(_, weight)| *weight).collect();
        let items = Weighted { groups, weights: &weights };
        Ok(estimate(cluster_proportion(&right, &items, &Bootstrap::default())?))
    };
    let items = scored.answers.items().iter().zip(scored.answers.weights.iter().copied());
    ClassScores::of(&names, items, accuracy).map(Some)
}

pub(super) fn test_scores(entry: &Entry) -> impl Iterator<Item = &Scores> {
    entry.runs.iter().filter_map(|run| run.scores_on(Split::Test))
}

/// Returns the entry that was asked for, if it is among these; else the one without training that most others start from or
/// share their start with; if all entries are trained, the first. A single entry has nothing to be compared with.
fn baseline<'a>(
    entries: &[Entry],
    group: &[&'a Scored],
    asked: Option<usize>,
) -> Option<(&'a Scored, BaselineRule)> {
    if group.len() < 2 {
        return None;
    }
    if let Some(one) = group.iter().find(|one| Some(one.entry) == asked) {
        return Some((one, BaselineRule::Asked));
    }
    let mut best: Option<(&Scored, usize)> = None;
    for one in group.iter().filter(|one| !entries[one.entry].is_trained()) {
        let followers =
            group.iter().filter(|other| starts_from(&entries[other.entry], &entries[one.entry])).count();
        if best.is_none_or(|(_, most)| followers > most) {
            best = Some((one, followers));
        }
    }
    let untrained = best.map(|(one, _)| (one, BaselineRule::Untrained));
    untrained.or_else(|| Some((*group.first()?, BaselineRule::First)))
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

pub(super) fn failed(entry: &Entry, source: Unusable) -> ReportError {
    ReportError::Statistics { entry: entry.name.clone(), source }
}

/// Returns the difference of each side from the baseline; none for the baseline itself.
fn differences_from(
    entries: &[Entry],
    group: &[&Scored],
    baseline: Option<&Scored>,
) -> Result<Vec<Option<Difference>>, ReportError> {
    let Some(baseline) = baseline else { return Ok(vec![None; group.len()]) };
    let others = || group.iter().filter(|one| one.entry != baseline.entry);
    let of: Vec<Vec<Vec<f64>>> = others().map(|one| one.answers.right()).collect();
    let found = differences(&of, &baseline.answers.right(), &baseline.answers.grouping());
    let mut found = found.map_err(|source| failed(&entries[baseline.entry], source))?.into_iter();
    let difference = |one: &&Scored| if one.entry == baseline.entry { None } else { found.next() };
    Ok(group.iter().map(difference).collect())
}

/// Returns how the scores of so many entries are resampled. Of many entries, those that are drawn by name are resampled again, as
/// often as those of few.
fn resamples(entries: usize) -> Bootstrap {
    if is_many(entries) { FEWER } else { Bootstrap::default() }
}

fn row(
    entry: &Entry,
    scored: &Scored,
    difference: Option<Difference>,
    options: &Bootstrap,
) -> Result<BoardRow, ReportError> {
    let metric = main_metric(entry.task());
    let value = |run: &RunSummary| Some(run.scores_on(Split::Test)?.metrics.get(metric)?.value);
    Ok(BoardRow {
        entry: scored.entry,
        per_seed: means(&entry.runs, |run| Some((run.seed, value(run)?))),
        per_fold: means(&entry.runs, |run| Some((run.fold?, value(run)?))),
        score: score(entry, scored, options).map_err(|source| failed(entry, source))?,
        others: Vec::new(),
        confidence: confidences(&scored.answers),
        tied: most_of_a_seed(entry, |scores| scores.n_tied),
        controls: test_scores(entry).next().map(|scores| scores.controls.clone()).unwrap_or_default(),
        above_chance: above_chance(entry),
        difference,
    })
}

/// What each run reaches under a control, and what can be reached without knowing.
type Runs<'r> = Vec<(&'r Estimate, f64)>;

/// Returns the controls in which an entry is above chance in the mean over its runs, each once. Of many runs, one is above chance
/// by chance.
fn above_chance(entry: &Entry) -> Vec<AboveChance> {
    let mut all: Vec<((Control, &str), Runs<'_>)> = Vec::new();
    for scores in test_scores(entry) {
        for (control, (name, score)) in
            scores.controls.iter().flat_map(|one| one.metrics.0.iter().map(|metric| (one.control, metric)))
        {
            let Some(chance) = scores.unknowing(name) else { continue };
            let key = (control, name.as_str());
            match all.iter_mut().find(|(known, _)| *known == key) {
                Some((_, found)) => found.push((score, chance)),
                None => all.push((key, vec![(score, chance)])),
            }
        }
    }
    let mut found: Vec<AboveChance> = Vec::new();
    for ((control, metric), runs) in &all {
        if found.iter().all(|known| known.control != *control) {
            found.extend(above_in_the_mean(*control, metric, runs));
        }
    }
    found
}

/// Returns the mean of what runs reach under a control, if that is above chance. Its interval is as wide as those of the runs are in
/// the mean, because they have their items in common.
fn above_in_the_mean(control: Control, metric: &str, runs: &Runs<'_>) -> Option<AboveChance> {
    let of = |value: fn(&Estimate) -> f64| mean(runs.iter().map(|(score, _)| value(score)));
    let (value, low, high) = (of(|score| score.value)?, of(|score| score.low)?, of(|score| score.high)?);
    let chance = mean(runs.iter().map(|(_, chance)| *chance))?;
    let method = match runs.as_slice() {
        [(only, _)] => only.method.clone(),
        runs => format!("mean over {} runs", runs.len()),
    };
    let score = Estimate { value, low, high, method };
    (low > chance).then(|| AboveChance { control, metric: metric.to_owned(), score, chance })
}

/// Returns the mean of the values that some runs have under the same key, in the order of keys.
fn means<K: Ord>(runs: &[RunSummary], value: impl Fn(&RunSummary) -> Option<(K, f64)>) -> Vec<(K, f64)> {
    let mut values: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for (key, value) in runs.iter().filter_map(value) {
        values.entry(key).or_default().push(value);
    }
    values.into_iter().filter_map(|(key, values)| Some((key, mean(values)?))).collect()
}

/// Returns the score of an entry. A single seed keeps the estimate that scoring made; several seeds are resampled with
/// the groups.
pub(super) fn score(entry: &Entry, scored: &Scored, options: &Bootstrap) -> Result<Estimate, Unusable> {
    let metric = main_metric(entry.task());
    let single = test_scores(entry).next().and_then(|scores| scores.metrics.get(metric));
    match (scored.answers.seeds.len(), single) {
        (1, Some(estimate)) if entry.folds().is_none() => Ok(estimate.clone()),
        _ => seeds_and_clusters(&scored.answers.right(), &scored.answers.grouping(), options).map(estimate),
    }
}
