//! Joins the folds of a cross-validation: each item is tested once, in one fold, by a model that has not seen it.

use std::collections::BTreeMap;

use cliptune_store::Prediction;

/// The predictions of one run on its test split, with the fold and the seed of the run.
pub(super) struct FoldPredictions {
    pub(super) fold: Option<u32>,
    pub(super) seed: u32,
    pub(super) predictions: Vec<Prediction>,
}

/// The predictions of all folds, as if they were those of one test split.
pub(super) struct Pooled {
    /// The predictions of each seed that was scored on all folds.
    pub(super) seeds: Vec<Vec<Prediction>>,
    /// The weight of each item, with a mean of one. Each fold counts alike, whatever its number of items, because the
    /// score of a cross-validation is the mean over its folds.
    pub(super) weights: Vec<f64>,
}

impl Pooled {
    /// Joins the predictions of an entry's runs. Without folds they stay as they are. `folds` is the number of folds
    /// that the entry has, whether or not all of them were scored.
    pub(super) fn of(runs: Vec<FoldPredictions>, folds: Option<usize>) -> Self {
        let Some(folds) = folds else {
            let seeds: Vec<_> = runs.into_iter().map(|run| run.predictions).collect();
            let weights = vec![1.0; seeds.first().map_or(0, Vec::len)];
            return Self { seeds, weights };
        };
        let mut by_seed: BTreeMap<u32, Vec<FoldPredictions>> = BTreeMap::new();
        for run in runs {
            by_seed.entry(run.seed).or_default().push(run);
        }
        // A seed that lacks a fold has answered fewer items than the others.
        let mut whole = by_seed.into_values().filter(|runs| runs.len() == folds).map(joined).peekable();
        let weights = whole.peek().map(|items| weights(items, folds)).unwrap_or_default();
        let seeds = whole.map(|items| items.into_iter().map(|(_, prediction)| prediction).collect());
        Self { seeds: seeds.collect(), weights }
    }
}

/// Returns the predictions of one seed on all folds, each with its fold, in an order that does not depend on the
/// folds.
fn joined(runs: Vec<FoldPredictions>) -> Vec<(Option<u32>, Prediction)> {
    let with_fold = |run: FoldPredictions| {
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
mod tests {
    use super::*;

    fn run(fold: u32, seed: u32, shares: &[f64]) -> FoldPredictions {
        let prediction = |(item, &share): (usize, &f64)| Prediction {
            item_id: format!("{fold}/{item}"),
            id: item.to_string(),
            group: item.to_string(),
            label: 0,
            predicted: 0,
            correct: share == 1.0,
            share,
            rank: 1.0,
            label_prob: 0.5,
            candidates: Vec::new(),
            probs: vec![0.5; 2],
            logits: vec![0.0; 2],
        };
        let predictions = shares.iter().enumerate().map(prediction).collect();
        FoldPredictions { fold: Some(fold), seed, predictions }
    }

    #[test]
    fn the_score_is_the_mean_over_the_folds_whatever_their_sizes() {
        let pooled = Pooled::of(vec![run(0, 0, &[1.0]), run(1, 0, &[1.0, 0.0, 0.0, 0.0])], Some(2));
        let weighted = pooled.seeds[0].iter().zip(&pooled.weights).map(|(one, weight)| one.share * weight);
        // (1 + 1/4) / 2
        assert!((weighted.sum::<f64>() / 5.0 - 0.625).abs() < 1e-12);
        assert!((pooled.weights.iter().sum::<f64>() / 5.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_seed_that_lacks_a_fold_is_left_out() {
        let runs = vec![run(0, 0, &[1.0]), run(1, 0, &[0.0]), run(0, 1, &[1.0])];
        let pooled = Pooled::of(runs, Some(2));
        assert_eq!((pooled.seeds.len(), pooled.seeds[0].len()), (1, 2));
        assert!(Pooled::of(vec![run(0, 0, &[1.0])], Some(2)).seeds.is_empty());
    }

    #[test]
    fn the_order_of_folds_does_not_matter() {
        let order = |runs| Pooled::of(runs, Some(2)).seeds[0].iter().map(|one| one.item_id.clone()).collect();
        let (a, b): (Vec<_>, Vec<_>) = (
            order(vec![run(0, 0, &[1.0, 0.0]), run(1, 0, &[0.0])]),
            order(vec![run(1, 0, &[0.0]), run(0, 0, &[1.0, 0.0])]),
        );
        assert_eq!(a, b);
    }
}
