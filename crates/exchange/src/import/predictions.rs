//! Somebody's predictions for the items of a split, and the scores that are computed of them here, as those of a run are.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use cliptune_compare::{Answers, Foreign, confidence, guessing, reached};
use cliptune_experiment::{Split, TaskKind};
use cliptune_statistics::{Bootstrap, TiedRank, Unusable, cluster_proportion, risk_coverage};
use cliptune_store::{
    Answered, Chosen, ClassScores, Dataset, Items, Metrics, Part, Position, Prediction, RiskPoint,
    SCORES_FORMAT, Scores,
};
use fs_err as fs;

use super::error::ImportError;

/// The number of likely classes that a prediction keeps, as those of a run do.
const KEPT: usize = 5;

/// The most bytes of a table, all of whose rows have to fit into memory.
const LARGEST: u64 = 2 << 30;

/// The answers to the items of a split, with what they reach.
pub(super) struct Scored {
    pub(super) items: Items,
    pub(super) scores: Scores,
    pub(super) predictions: Vec<Prediction>,
    /// The number of rows that are about no item of the split.
    pub(super) other_rows: usize,
    /// The number of answers that are not the most probable ones.
    pub(super) unlikely: usize,
}

impl Scored {
    /// Reads predictions for a split of a dataset, all of whose items they have to answer.
    pub(super) fn read(path: &Path, dataset: &Dataset, split: Split) -> Result<Self, ImportError> {
        let record = dataset.record();
        if record.task == TaskKind::Pairs {
            return Err(ImportError::Pairs { path: path.to_path_buf() });
        }
        let parts = [Part::Identity, Part::Rows, Part::Group, Part::Texts];
        let items = dataset.columns(&[split], &parts)?;
        if items.all().is_empty() {
            return Err(ImportError::EmptySplit { split });
        }
        let classes = (record.task == TaskKind::Classes).then_some(record.classes.as_slice());
        if fs::metadata(path)?.len() > LARGEST {
            let problem = "it has more than 2 GiB: leave the rows of other splits out of it".to_owned();
            return Err(ImportError::Unreadable { path: path.to_path_buf(), problem });
        }
        let foreign = Foreign::read(path)?;
        let answers = foreign.onto_items(items.all(), classes.map(<[String]>::len))?;
        let scores = scores(&items, &answers, split, classes)?;
        let other_rows = foreign.rows_about_others(items.all());
        let unlikely = answers.items().iter().filter(|one| !is_likeliest(one)).count();
        let predictions = answers.seeds.into_iter().flatten();
        let predictions = match classes {
            Some(_) => predictions.map(of_class).map(kept).collect(),
            None => predictions.map(kept).collect(),
        };
        Ok(Self { items, scores, predictions, other_rows, unlikely })
    }
}

fn scores(
    items: &Items,
    answers: &Answers,
    split: Split,
    classes: Option<&[String]>,
) -> Result<Scores, Unusable> {
    let items = items.all();
    let (task, majority, chances) = match classes {
        Some(names) => {
            (TaskKind::Classes, guessing::majority_of_classes(items), guessing::of_classes(names.len()))
        }
        None => (TaskKind::Choice, guessing::majority_of_choice(items), guessing::of_choice(items)),
    };
    let metrics = reached(task, answers, &Bootstrap::default())?;
    let says_something = |name: &str| name != "top5_accuracy" || chances.contains_key(name);
    let metrics = metrics.into_iter().filter(|(name, _)| says_something(name));
    let metrics = Metrics(metrics.map(|(name, estimate)| (name.to_owned(), estimate)).collect());
    let chance = metrics.0.first().and_then(|(name, _)| chances.get(name)).copied().unwrap_or_default();
    Ok(Scores {
        format_version: SCORES_FORMAT,
        split,
        task,
        n_items: items.len(),
        n_groups: answers.group_count(),
        n_tied: answers.items().iter().filter(|one| is_tied(one)).count(),
        n_equal_choices: items.iter().filter(|item| repeats(item.text_numbers())).count(),
        chance,
        majority,
        logit_scale: 1.0,
        is_scale_constant: false,
        metrics,
        chances,
        classes: classes.map(|names| class_scores(names, answers)).transpose()?,
        positions: if classes.is_none() { positions(answers.items()) } else { Vec::new() },
        risk_coverage: risks(answers.items())?,
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: None,
    })
}

/// Checks whether no other answer is more probable than the one that is named, as far as probabilities are told.
fn is_likeliest(one: &Prediction) -> bool {
    let Some(chosen) = one.chosen().filter(|chosen| !chosen.probs.is_empty()) else { return true };
    let mut probable = chosen.candidates.iter().zip(&chosen.probs);
    let own = probable.find(|(candidate, _)| **candidate == chosen.predicted).map(|(_, prob)| *prob);
    own.is_some_and(|own| chosen.probs.iter().all(|prob| *prob <= own))
}

fn is_tied(one: &Prediction) -> bool {
    let Answered::Choice(chosen) = &one.answered else { return false };
    let is_told = chosen.label < chosen.logits.len();
    is_told && TiedRank::new(&chosen.logits, std::iter::once(chosen.label)).is_tied()
}

/// Checks whether a text occurs twice.
fn repeats(texts: &[u32]) -> bool {
    texts.iter().collect::<HashSet<_>>().len() < texts.len()
}

fn class_scores(names: &[String], answers: &Answers) -> Result<ClassScores, Unusable> {
    ClassScores::of(names, answers.items().iter().map(|one| (one, 1.0)), |own| {
        let right: Vec<f64> = own.iter().map(|(one, _)| one.share).collect();
        let groups: Vec<&str> = own.iter().map(|(one, _)| one.group.as_str()).collect();
        Ok(cliptune_compare::estimate(cluster_proportion(&right, &groups, &Bootstrap::default())?))
    })
}

/// Counts the items by the places of their right text and of the answer.
fn positions(answers: &[Prediction]) -> Vec<Position> {
    let mut cells = BTreeMap::<(usize, usize), usize>::new();
    for chosen in answers.iter().filter_map(Prediction::chosen) {
        *cells.entry((chosen.label, chosen.predicted)).or_default() += 1;
    }
    let cell = |((label, predicted), n_items)| Position { label, predicted, n_items };
    cells.into_iter().map(cell).collect()
}

/// Returns the share of wrong answers among the most confident ones; nothing where the file does not tell how confident they are.
fn risks(answers: &[Prediction]) -> Result<Vec<RiskPoint>, Unusable> {
    let confidence: Vec<f64> = answers.iter().map(confidence).collect();
    if !confidence.iter().all(|one| one.is_finite()) {
        return Ok(Vec::new());
    }
    let right: Vec<f64> = answers.iter().map(|one| one.share).collect();
    let curve = risk_coverage(&confidence, &right, None)?;
    Ok(curve.iter().map(|point| RiskPoint { coverage: point.coverage, risk: point.risk }).collect())
}

/// Returns the answer to an item of classes as runs keep it: with the likeliest classes, the best first, and then the right one.
fn of_class(one: Prediction) -> Prediction {
    let Answered::Choice(chosen) = one.answered else { return one };
    let mut likeliest: Vec<usize> = (0..chosen.probs.len()).collect();
    likeliest.sort_by(|&a, &b| chosen.probs[b].total_cmp(&chosen.probs[a]));
    let right = likeliest.iter().skip(KEPT).copied().find(|&class| class == chosen.label);
    likeliest.truncate(KEPT);
    likeliest.extend(right);
    let of = |values: &[f64]| likeliest.iter().map(|&class| values[class]).collect();
    let chosen =
        Chosen { probs: of(&chosen.probs), logits: of(&chosen.logits), candidates: likeliest, ..chosen };
    Prediction { answered: Answered::Classes(chosen), ..one }
}

/// Returns an answer as a table can hold it. The logarithm of nothing is no number, and then the probabilities say everything.
fn kept(mut one: Prediction) -> Prediction {
    if let Answered::Choice(chosen) | Answered::Classes(chosen) = &mut one.answered
        && !chosen.logits.iter().all(|logit| logit.is_finite())
    {
        chosen.logits.clear();
    }
    one
}
