//! Scores items that have several texts, one of which is right.
//!
//! Each item is judged on its own. Where every caption is right exactly once, answering a whole split jointly would
//! gain accuracy by elimination. That gain would say nothing about the model, so it is not done.

use std::collections::{BTreeMap, HashSet};

use cliptune_statistics::{
    Bootstrap, Statistic, cluster_mean, cluster_proportion, cluster_statistic, range, risk_coverage,
};
use cliptune_store::{Metrics, Position, RiskPoint};

use crate::answer::Answer;
use crate::error::ScoreError;
use crate::metrics::named;

/// Returns how many items have a right text that scores the same as a wrong one.
pub(crate) fn tied(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.rank.is_tied()).count()
}

/// Returns the items in which a text occurs twice. `own_texts` holds the rows of each item's texts; texts with equal
/// rows are equal to the model.
pub(crate) fn with_equal_texts<'a>(own_texts: impl Iterator<Item = &'a [usize]>) -> Vec<usize> {
    let is_repeated = |own: &[usize]| own.iter().collect::<HashSet<_>>().len() < own.len();
    own_texts.enumerate().filter(|(_, own)| is_repeated(own)).map(|(item, _)| item).collect()
}

/// Computes accuracy, label_prob, nll, brier, ece, mrr and aurc, each with its interval over groups.
pub(crate) fn metrics(answers: &[Answer], options: &Bootstrap) -> Result<Metrics, ScoreError> {
    let groups: Vec<&str> = answers.iter().map(|answer| answer.prediction.group.as_str()).collect();
    let of = |value: fn(&Answer) -> f64| answers.iter().map(value).collect::<Vec<f64>>();
    let (right, confidence) = (of(|answer| answer.prediction.share), of(|answer| answer.confidence));
    let statistic = |statistic: Statistic| cluster_statistic(&[statistic], &groups, options);
    Ok(Metrics(vec![
        named("accuracy", cluster_proportion(&right, &groups, options)?),
        named(
            "label_prob",
            cluster_mean(&of(|answer| answer.prediction.label_prob), range::SHARE, &groups, options)?,
        ),
        named("nll", cluster_mean(&of(|answer| answer.nll), range::LOSS, &groups, options)?),
        named("brier", cluster_mean(&of(|answer| answer.brier), range::BRIER, &groups, options)?),
        named("ece", statistic(Statistic::ece(&confidence, &right, options)?)?),
        named(
            "mrr",
            cluster_mean(&of(|answer| answer.rank.reciprocal_rank()), range::SHARE, &groups, options)?,
        ),
        named("aurc", statistic(Statistic::aurc(&confidence, &right)?)?),
    ]))
}

/// Returns the share of wrong answers among those that the model is most confident of, from few to all.
pub(crate) fn risks(answers: &[Answer]) -> Result<Vec<RiskPoint>, ScoreError> {
    let of = |value: fn(&Answer) -> f64| answers.iter().map(value).collect::<Vec<f64>>();
    let (confidence, right) = (of(|answer| answer.confidence), of(|answer| answer.prediction.share));
    let curve = risk_coverage(&confidence, &right, None)?;
    Ok(curve.iter().map(|point| RiskPoint { coverage: point.coverage, risk: point.risk }).collect())
}

/// Counts the items by the places of their right text and of the answer.
pub(crate) fn positions(answers: &[Answer]) -> Vec<Position> {
    let mut cells = BTreeMap::<(usize, usize), usize>::new();
    answers.iter().for_each(|answer| *cells.entry(answer.places()).or_default() += 1);
    let cell = |((label, predicted), n_items)| Position { label, predicted, n_items };
    cells.into_iter().map(cell).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use cliptune_experiment::Split;
    use cliptune_store::{ImageIdentity, Item, Items};
    use proptest::prelude::*;

    pub(crate) fn item(number: usize, group: usize, label: usize, texts: usize) -> Item {
        Item {
            item_id: format!("{number:016x}"),
            id: format!("id{number}"),
            ids: vec![format!("id{number}")],
            group: format!("g{group}"),
            split: Split::Test,
            folder: 0,
            image: "a.png".to_owned(),
            image_hash: ImageIdentity::of(b"h"),
            width: Some(1),
            height: Some(1),
            texts: (0..texts).map(|text| format!("t{text}")).collect(),
            label,
            vocabulary: Vec::new(),
        }
    }

    fn answer(item: &Item, logits: Vec<f64>) -> Answer {
        Answer::new(Items::of(std::slice::from_ref(item)).all().get(0).unwrap(), logits)
    }

    /// Returns 12 items of 3 texts in 4 groups; logit j of item i is ((5 i + 7 j + i j) mod 11) / 2 + j / 10.
    fn sample() -> Vec<Answer> {
        let logit = |i: usize, j: usize| ((5 * i + 7 * j + i * j) % 11) as f64 / 2.0 + j as f64 / 10.0;
        (0..12)
            .map(|i| answer(&item(i, i / 3, (2 * i + 1) % 3, 3), (0..3).map(|j| logit(i, j)).collect()))
            .collect()
    }

    #[test]
    fn values_are_numpys() {
        // import numpy as np
        // i, j = np.arange(12)[:, None], np.arange(3)
        // z = ((5 * i + 7 * j + i * j) % 11) / 2 + j / 10; y = (2 * np.arange(12) + 1) % 3
        // p = np.exp(z) / np.exp(z).sum(1, keepdims=True); own = p[np.arange(12), y]
        // z.argmax(1) == y; own.mean(); -np.log(own).mean()
        // (1 / (1 + (z > z[np.arange(12), y][:, None]).sum(1))).mean()  (no item has a tie with its own text)
        // ((p - np.eye(3)[y]) ** 2).sum(1).mean()
        let metrics = metrics(&sample(), &Bootstrap::default()).unwrap();
        for (name, expected) in REFERENCE {
            let value = metrics.get(name).unwrap().value;
            assert!((value - expected).abs() < 1e-9, "{name} {value}");
        }
    }

    const REFERENCE: [(&str, f64); 5] = [
        ("accuracy", 0.333333333333),
        ("label_prob", 0.374489450412),
        ("nll", 1.396828955727),
        ("mrr", 0.625000000000),
        ("brier", 0.847776681883),
    ];

    #[test]
    fn answers_are_counted_by_their_places() {
        let cells = positions(&sample());
        assert_eq!(cells.iter().map(|cell| cell.n_items).sum::<usize>(), 12);
        let right: usize =
            cells.iter().filter(|cell| cell.label == cell.predicted).map(|cell| cell.n_items).sum();
        assert_eq!(right, 4, "a third of the answers is right");
        // numpy: ((y == 1) & (z.argmax(1) == 0)).sum()
        let cell = cells.iter().find(|cell| (cell.label, cell.predicted) == (1, 0));
        assert_eq!(cell.map(|cell| cell.n_items), Some(1), "{cells:?}");
    }

    #[test]
    fn the_last_risk_is_the_share_of_all_mistakes() {
        let risks = risks(&sample()).unwrap();
        let last = risks.last().unwrap();
        assert!(
            risks.len() == 12 && last.coverage == 1.0 && (last.risk - 8.0 / 12.0).abs() < 1e-12,
            "{risks:?}"
        );
    }

    #[test]
    fn metrics_come_in_their_order_with_groups_in_their_method() {
        let metrics = metrics(&sample(), &Bootstrap::default()).unwrap();
        let names: Vec<&str> = metrics.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["accuracy", "label_prob", "nll", "brier", "ece", "mrr", "aurc"]);
        // Every group happens to have one right answer, so the accuracy does not vary when groups are resampled.
        let (accuracy, others) = metrics.0.split_first().unwrap();
        assert!(accuracy.1.method.contains("4 trials as groups"), "{accuracy:?}");
        assert!(others.iter().all(|(_, estimate)| estimate.method.contains("4 groups")), "{others:?}");
    }

    #[test]
    fn a_tie_is_shared_wherever_the_right_text_stands() {
        for label in 0..2 {
            let answers: Vec<Answer> =
                (0..8).map(|i| answer(&item(i, i, label, 3), vec![1.0, 1.0, 0.0])).collect();
            let metrics = metrics(&answers, &Bootstrap::default()).unwrap();
            for (metric, expected) in [("accuracy", 0.5), ("mrr", 0.75)] {
                assert_eq!(metrics.get(metric).unwrap().value, expected, "{metric}, label {label}");
            }
            let first = &answers[0].prediction;
            assert_eq!((tied(&answers), first.correct, first.rank), (8, false, 1.5));
            let accuracy = metrics.get("accuracy").unwrap();
            assert!(accuracy.low < 0.3 && accuracy.high > 0.7, "{accuracy:?}");
        }
    }

    #[test]
    fn a_tie_of_wrong_texts_is_none() {
        let answer = answer(&item(0, 0, 2, 3), vec![1.0, 1.0, 0.0]);
        assert_eq!(tied(std::slice::from_ref(&answer)), 0);
        assert_eq!((answer.prediction.share, answer.prediction.rank), (0.0, 3.0));
    }

    #[test]
    fn items_that_have_a_text_twice_are_found() {
        let rows: [&[usize]; 3] = [&[0, 1, 2], &[3, 4, 3], &[]];
        assert_eq!(with_equal_texts(rows.into_iter()), [1]);
    }

    #[test]
    fn a_vanishing_probability_has_a_finite_likelihood() {
        let answer = answer(&item(0, 0, 0, 2), vec![0.0, 1000.0]);
        assert_eq!(answer.prediction.label_prob, 0.0);
        assert_eq!(answer.nll, 1000.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_order_of_items_decides_nothing(
            logits in proptest::collection::vec(proptest::collection::vec(-9.0..9.0_f64, 3), 2..30),
        ) {
            let options = Bootstrap { resamples: 100, seed: 0 };
            let mut answers: Vec<Answer> = logits
                .into_iter()
                .enumerate()
                .map(|(i, logits)| answer(&item(i, i % 5, i % 3, 3), logits))
                .collect();
            let before = metrics(&answers, &options).unwrap();
            answers.reverse();
            let after = metrics(&answers, &options).unwrap();
            for ((name, a), (_, b)) in before.0.iter().zip(&after.0) {
                prop_assert!((a.value - b.value).abs() < 1e-9, "{}", name);
                prop_assert!((a.low - b.low).abs() < 1e-9 && (a.high - b.high).abs() < 1e-9, "{}", name);
            }
        }
    }
}
