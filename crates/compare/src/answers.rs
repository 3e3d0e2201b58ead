//! What an experiment said to the items of a split. The folds of a cross-validation are joined: each item is tested once, in
//! one fold, by a model that has not seen it.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_statistics::Weighted;
use cliptune_store::Prediction;

/// The predictions of one run, with its fold and its seed.
#[derive(Clone, Debug)]
pub struct RunAnswers {
    /// The fold that the run was tested on, or `None` outside of a cross-validation.
    pub fold: Option<u32>,
    /// The seed of the run.
    pub seed: u32,
    /// The predictions, in the order of the file.
    pub predictions: Vec<Prediction>,
}

/// The answers of all runs of an experiment to the same items.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The predictions of each seed that answered all folds, in one list per seed and the same order of items.
    pub seeds: Vec<Vec<Prediction>>,
    /// The weight of each item, with a mean of one. Each fold counts alike, whatever its number of items, because the score
    /// of a cross-validation is the mean over its folds.
    pub weights: Vec<f64>,
}

impl Answers {
    /// Joins the predictions of an experiment's runs. Without folds they stay as they are. `folds` is the number of folds that
    /// the experiment has, whether or not all of them were scored.
    pub fn of(runs: Vec<RunAnswers>, folds: Option<usize>) -> Self {
        let Some(folds) = folds else {
            return Self::alone(runs.into_iter().map(|run| run.predictions).collect());
        };
        let mut by_seed: BTreeMap<u32, Vec<RunAnswers>> = BTreeMap::new();
        for run in runs {
            by_seed.entry(run.seed).or_default().push(run);
        }
        // A seed that lacks a fold has answered fewer items than the others.
        let mut whole = by_seed.into_values().filter(|runs| runs.len() == folds).map(joined).peekable();
        let weights = whole.peek().map(|items| weights(items, folds)).unwrap_or_default();
        let seeds = whole.map(|items| items.into_iter().map(|(_, prediction)| prediction).collect());
        Self { seeds: seeds.collect(), weights }
    }

    /// Returns answers outside of a cross-validation, where all items count alike.
    pub fn alone(seeds: Vec<Vec<Prediction>>) -> Self {
        let weights = vec![1.0; seeds.first().map_or(0, Vec::len)];
        Self { seeds, weights }
    }

    /// Returns whether there is no answer.
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// Returns the predictions of the first seed, which stand for the items.
    pub fn items(&self) -> &[Prediction] {
        self.seeds.first().map_or(&[], Vec::as_slice)
    }

    /// Returns the group of each item.
    fn groups(&self) -> Vec<&str> {
        self.items().iter().map(|prediction| prediction.group.as_str()).collect()
    }

    /// Returns the groups of the items, and how much each of these counts.
    pub fn grouping(&self) -> Weighted<'_, Vec<&str>> {
        Weighted { groups: self.groups(), weights: &self.weights }
    }

    /// Returns the number of groups that the items come from.
    pub fn group_count(&self) -> usize {
        self.groups().into_iter().collect::<BTreeSet<_>>().len()
    }

    /// Returns how right each answer is, from 0 to 1, in one list per seed.
    pub fn right(&self) -> Vec<Vec<f64>> {
        self.values(&|prediction| prediction.share)
    }

    /// Returns a number of each answer, in one list per seed.
    pub(crate) fn values(&self, value: &dyn Fn(&Prediction) -> f64) -> Vec<Vec<f64>> {
        self.seeds.iter().map(|seed| seed.iter().map(value).collect()).collect()
    }

    /// Returns how right the seeds are about an item, on average.
    pub fn share_of(&self, item: usize) -> f64 {
        self.seeds.iter().map(|seed| seed[item].share).sum::<f64>() / self.seeds.len() as f64
    }
}

/// Returns the predictions of one seed on all folds, each with its fold, in an order that does not depend on the
/// folds.
fn joined(runs: Vec<RunAnswers>) -> Vec<(Option<u32>, Prediction)> {
    let with_fold = |run: RunAnswers| {
        let fold = run.fold;
        run.predictions.into_iter().map(move |prediction| (fold, prediction))
    };
    let mut items: Vec<_> = runs.into_iter().flat_map(with_fold).collect();
    items.sort_by(|(_, a), (_, b)| (&a.group, &a.item_id, &a.id).cmp(&(&b.group, &b.item_id, &b.id)));
    items
}

fn weights(items: &[(Option<u32>, Prediction)], folds: usize) -> Vec<f64> {
    let mut sizes: BTreeMap<Option<u32>, usize> = BTreeMap::new();
    for (fold, _) in items {
        *sizes.entry(*fold).or_default() += 1;
    }
    let weight = |fold: &Option<u32>| items.len() as f64 / (folds * sizes[fold]) as f64;
    items.iter().map(|(fold, _)| weight(fold)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use cliptune_statistics::{Bootstrap, seeds_and_clusters};
    use cliptune_store::{Answered, Chosen};

    /// Returns the prediction of an item of five texts of which the first is right.
    pub(crate) fn prediction(item: usize, group: usize, share: f64) -> Prediction {
        Prediction {
            item_id: format!("{item:016x}"),
            id: format!("q{item}"),
            group: group.to_string(),
            correct: share == 1.0,
            share,
            rank: 2.0 - share,
            label_prob: 0.2 + share / 2.0,
            answered: Answered::Choice(chosen(share)),
        }
    }

    /// Returns what was chosen, where the first text is right.
    pub(crate) fn chosen(share: f64) -> Chosen {
        Chosen {
            label: 0,
            predicted: usize::from(share < 1.0),
            candidates: vec![0, 1],
            probs: vec![0.2 + share / 2.0, 0.8 - share / 2.0],
            logits: vec![(0.2 + share / 2.0).ln(), (0.8 - share / 2.0).ln()],
        }
    }

    /// Changes what was chosen.
    pub(crate) fn change(prediction: &mut Prediction, change: impl FnOnce(&mut Chosen)) {
        if let Answered::Choice(chosen) = &mut prediction.answered {
            change(chosen);
        }
    }

    /// Returns answers of one seed with these shares.
    pub(crate) fn answers(shares: &[f64], group: impl Fn(usize) -> usize) -> Answers {
        let items = shares.iter().enumerate().map(|(item, &share)| prediction(item, group(item), share));
        Answers::alone(vec![items.collect()])
    }

    /// Returns the answers to items of one fold.
    pub(crate) fn run(fold: u32, seed: u32, shares: &[f64]) -> RunAnswers {
        let item = |(item, &share): (usize, &f64)| Prediction {
            item_id: format!("{fold}/{item}"),
            ..prediction(item, item, share)
        };
        RunAnswers { fold: Some(fold), seed, predictions: shares.iter().enumerate().map(item).collect() }
    }

    #[test]
    fn the_score_is_the_mean_over_the_folds_whatever_their_sizes() {
        let pooled = Answers::of(vec![run(0, 0, &[1.0]), run(1, 0, &[1.0, 0.0, 0.0, 0.0])], Some(2));
        let score = seeds_and_clusters(&pooled.right(), &pooled.grouping(), &Bootstrap::default()).unwrap();
        // (1 + 1/4) / 2
        assert!((score.value - 0.625).abs() < 1e-12, "{score:?}");
        assert!((pooled.weights.iter().sum::<f64>() / 5.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_seed_that_lacks_a_fold_is_left_out() {
        let runs = vec![run(0, 0, &[1.0]), run(1, 0, &[0.0]), run(0, 1, &[1.0])];
        let pooled = Answers::of(runs, Some(2));
        assert_eq!((pooled.seeds.len(), pooled.items().len()), (1, 2));
        assert!(Answers::of(vec![run(0, 0, &[1.0])], Some(2)).is_empty());
    }

    #[test]
    fn the_order_of_folds_does_not_matter() {
        let order = |runs| Answers::of(runs, Some(2)).items().iter().map(|one| one.item_id.clone()).collect();
        let (a, b): (Vec<_>, Vec<_>) = (
            order(vec![run(0, 0, &[1.0, 0.0]), run(1, 0, &[0.0])]),
            order(vec![run(1, 0, &[0.0]), run(0, 0, &[1.0, 0.0])]),
        );
        assert_eq!(a, b);
    }
}
