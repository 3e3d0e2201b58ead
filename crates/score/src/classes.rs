//! Scores items whose candidates are the classes of the dataset.
//!
//! Every image is compared with all classes of the dataset, including those that its split has no item of. A class is
//! the mean direction of its prompts. An answer is one among many: beside the accuracy there is the balanced one, in
//! which a rare class counts as much as a frequent one, and the confusion matrix says which class is taken for which.

use std::collections::HashMap;

use cliptune_compare::guessing::DEPTH;
use cliptune_statistics::{Bootstrap, Statistic, cluster_proportion, cluster_statistic};
use cliptune_store::{ClassScores, ItemSlice, Metrics};

use crate::answer::Answer;
use crate::choice;
use crate::error::ScoreError;
use crate::metrics::{estimate, named};

/// Computes the metrics of a choice, and after the accuracy those of classes, each with its interval over groups.
pub(crate) fn metrics(
    answers: &[Answer],
    classes: usize,
    options: &Bootstrap,
) -> Result<Metrics, ScoreError> {
    let mut metrics = choice::metrics(answers, options)?;
    let groups = groups(answers);
    let mut own = Vec::new();
    if classes > DEPTH {
        let within: Vec<f64> = answers.iter().map(|answer| answer.rank.within(DEPTH)).collect();
        own.push(named(format!("top{DEPTH}_accuracy"), cluster_proportion(&within, &groups, options)?));
    }
    let balanced = Statistic::balanced(&shares(answers), &labels(answers))?;
    let balanced = cluster_statistic(&[balanced], &groups, options)?;
    own.push(named("balanced_accuracy", balanced));
    metrics.0.splice(1..1, own);
    Ok(metrics)
}

/// Returns how each class fares, and which classes are taken for which.
pub(crate) fn class_scores(
    names: &[String],
    answers: &[Answer],
    options: &Bootstrap,
) -> Result<ClassScores, ScoreError> {
    ClassScores::of(names, answers.iter().map(|answer| (&answer.prediction, 1.0)), |own| {
        let right: Vec<f64> = own.iter().map(|(prediction, _)| prediction.share).collect();
        let groups: Vec<&str> = own.iter().map(|(prediction, _)| prediction.group.as_str()).collect();
        Ok(estimate(cluster_proportion(&right, &groups, options)?))
    })
}

/// Returns the items whose class has the same prompts as another class. `rows` has the row of each class; classes with
/// equal rows are equal to the model.
pub(crate) fn with_equal_classes(rows: &[usize], items: ItemSlice<'_>) -> Vec<usize> {
    let mut classes = HashMap::<usize, usize>::new();
    rows.iter().for_each(|&row| *classes.entry(row).or_default() += 1);
    (0..items.len()).filter(|&item| classes[&rows[items.at(item).label()]] > 1).collect()
}

fn groups(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.prediction.group.as_str()).collect()
}

fn shares(answers: &[Answer]) -> Vec<f64> {
    answers.iter().map(|answer| answer.prediction.share).collect()
}

fn labels(answers: &[Answer]) -> Vec<usize> {
    answers.iter().map(|answer| answer.places().0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::tests::item;
    use cliptune_store::{Item, Items};

    fn answer(item: &Item, logits: Vec<f64>) -> Answer {
        Answer::of_class(Items::of(std::slice::from_ref(item)).all().at(0), logits)
    }

    /// Returns 40 items of 4 of 7 classes in 10 groups; logit j of item i is ((5 i + 7 j + i j) mod 13) / 2 + j / 100, and
    /// 2 more for the right class.
    fn sample() -> Vec<Answer> {
        let label = |i: usize| (3 * i * i + i) % 7;
        let logit = |i: usize, j: usize| {
            ((5 * i + 7 * j + i * j) % 13) as f64 / 2.0
                + j as f64 / 100.0
                + if j == label(i) { 2.0 } else { 0.0 }
        };
        let logits = |i| (0..7).map(|j| logit(i, j)).collect();
        (0..40).map(|i| answer(&item(i, i / 4, label(i), 0), logits(i))).collect()
    }

    fn names() -> Vec<String> {
        (0..7).map(|class| format!("class {class}")).collect()
    }

    #[test]
    fn values_are_scikit_learns() {
        // import numpy; from sklearn.metrics import *  (scikit-learn 1.9.1)
        // i, j = numpy.arange(40)[:, None], numpy.arange(7); y = (3 * i[:, 0] ** 2 + i[:, 0]) % 7
        // z = ((5 * i + 7 * j + i * j) % 13) / 2 + j / 100 + 2 * (j == y[:, None])
        // accuracy_score(y, z.argmax(1)); top_k_accuracy_score(y, z, k=5, labels=range(7))
        // balanced_accuracy_score(y, z.argmax(1))
        // p = numpy.exp(z) / numpy.exp(z).sum(1, keepdims=True); own = p[numpy.arange(40), y]
        // own.mean(); -numpy.log(own).mean(); (1 / (1 + (z > z[numpy.arange(40), y][:, None]).sum(1))).mean()
        let metrics = metrics(&sample(), 7, &Bootstrap::default()).unwrap();
        for (name, expected) in REFERENCE {
            let value = metrics.get(name).unwrap().value;
            assert!((value - expected).abs() < 1e-9, "{name} {value}");
        }
    }

    const REFERENCE: [(&str, f64); 6] = [
        ("accuracy", 0.45),
        ("top5_accuracy", 0.925),
        ("balanced_accuracy", 0.439_393_939_393_939_4),
        ("label_prob", 0.350_489_189_665_341_9),
        ("nll", 1.651_304_164_476_477_8),
        ("mrr", 0.617_916_666_666_666_7),
    ];

    #[test]
    fn the_confusion_matrix_is_scikit_learns() {
        // confusion_matrix(y, z.argmax(1), labels=range(7))
        let expected = [
            [4, 1, 2, 0, 3, 2, 0],
            [0; 7],
            [1, 0, 5, 0, 2, 3, 0],
            [0, 0, 0, 7, 2, 2, 0],
            [1, 1, 1, 0, 2, 0, 1],
            [0; 7],
            [0; 7],
        ];
        let scores = class_scores(&names(), &sample(), &Bootstrap::default()).unwrap();
        let mut found = [[0; 7]; 7];
        scores.confusion.iter().for_each(|cell| found[cell.class][cell.predicted] = cell.n_items);
        assert_eq!(found, expected);
        assert!(scores.confusion.iter().all(|cell| cell.n_items > 0), "cells without items are left out");
        for (class, row) in scores.classes.iter().zip(expected) {
            assert_eq!(class.n_items, row.iter().sum::<usize>());
        }
        assert_eq!(scores.classes[4].n_predicted, 9);
    }

    #[test]
    fn a_class_without_items_has_no_accuracy() {
        let scores = class_scores(&names(), &sample(), &Bootstrap::default()).unwrap();
        let accuracies: Vec<Option<f64>> = scores
            .classes
            .iter()
            .map(|class| class.accuracy.as_ref().map(|accuracy| accuracy.value))
            .collect();
        let third = 1.0 / 3.0;
        assert_eq!(
            accuracies,
            [Some(third), None, Some(5.0 / 11.0), Some(7.0 / 11.0), Some(third), None, None]
        );
        assert!(scores.classes[0].accuracy.as_ref().is_some_and(|one| one.low < third && one.high > third));
    }

    #[test]
    fn metrics_come_in_their_order_and_the_first_five_of_five_classes_are_no_news() {
        let names = |classes| {
            let metrics = metrics(&sample(), classes, &Bootstrap::default()).unwrap();
            metrics.0.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let many = [
            "accuracy",
            "top5_accuracy",
            "balanced_accuracy",
            "label_prob",
            "nll",
            "brier",
            "ece",
            "mrr",
            "aurc",
        ];
        assert_eq!(names(7), many);
        assert_eq!(names(5), [&many[..1], &many[2..]].concat());
    }

    #[test]
    fn a_prediction_keeps_the_likely_classes_and_the_right_one() {
        let logits: Vec<f64> = (0..9).map(f64::from).collect();
        let prediction = |label| answer(&item(0, 0, label, 0), logits.clone()).prediction;
        assert_eq!(prediction(7).chosen().unwrap().candidates, [8, 7, 6, 5, 4]);
        let last = prediction(0);
        let chosen = last.chosen().unwrap();
        assert_eq!((chosen.predicted, last.rank), (8, 9.0));
        assert_eq!(chosen.candidates, [8, 7, 6, 5, 4, 0]);
        assert_eq!(chosen.logits, [8.0, 7.0, 6.0, 5.0, 4.0, 0.0]);
        assert!((last.label_prob - chosen.probs[5]).abs() < 1e-15 && chosen.probs[0] > 0.6);
    }

    #[test]
    fn classes_that_the_model_cannot_tell_apart_are_found() {
        let items: Vec<Item> = (0..6).map(|i| item(i, i, i % 3, 0)).collect();
        assert_eq!(with_equal_classes(&[0, 1, 0], Items::of(&items).all()), [0, 2, 3, 5]);
        assert!(with_equal_classes(&[0, 1, 2], Items::of(&items).all()).is_empty());
    }
}
