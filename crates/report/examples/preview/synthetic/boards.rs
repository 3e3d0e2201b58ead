//! Results on two test splits.

use std::collections::BTreeMap;

use cliptune_experiment::{Seed, TaskKind};
use cliptune_report::data::{
    BaselineRule, Board, BoardRow, COLUMNS, Confidence, Difference, Lineage, Measure, Place, Test, Verdict,
};
use cliptune_statistics::{Reliability, Risk};
use cliptune_store::{Estimate, TestLook, TestLooks};

use super::DATASET;

pub(super) fn estimate(value: f64, half: f64) -> Estimate {
    let method = "bootstrap over 3 seeds and 90 groups, 10000 resamples, seed 0".to_owned();
    Estimate { value, low: value - half, high: value + half, method }
}

pub(super) fn choice_board() -> Board {
    Board {
        task: TaskKind::Choice,
        dataset: DATASET.to_owned(),
        n_items: 360,
        n_groups: 90,
        chance: 0.2,
        chances: BTreeMap::from([("accuracy".to_owned(), 0.2)]),
        majority: None,
        classes: None,
        equal_choices: 2,
        baseline: Some(1),
        baseline_rule: Some(BaselineRule::Untrained),
        headline: Some(2),
        lineage: Some(Lineage { datasets: 1, unknown: 0, seen_images: 0 }),
        test_looks: looks(14),
        rows: vec![
            row(1, estimate(0.306, 0.052), &[0.306], [1.52, 0.241, 0.071], None),
            row(
                2,
                estimate(0.724, 0.049),
                &[0.711, 0.742, 0.719],
                [0.79, 0.612, 0.048],
                Some(estimate(0.418, 0.06)),
            ),
            row(
                3,
                estimate(0.611, 0.055),
                &[0.594, 0.617, 0.622],
                [1.02, 0.468, 0.052],
                Some(estimate(0.305, 0.063)),
            ),
            row(
                4,
                estimate(0.339, 0.051),
                &[0.331, 0.345, 0.341],
                [1.44, 0.262, 0.066],
                Some(estimate(0.033, 0.041)),
            ),
        ],
    }
}

/// Returns looks of one experiment, one a day.
fn looks(count: usize) -> TestLooks {
    let look = |number: usize| {
        let (experiment, at) = ("tuned".parse().ok()?, format!("2026-11-{:02}T10:00:00.000Z", number + 1));
        Some(TestLook::new(DATASET.to_owned(), experiment, format!("tuned/{}", number / 2), Some(at)))
    };
    TestLooks { looks: (0..count).filter_map(look).collect(), unreadable: 0 }
}

fn row(entry: usize, score: Estimate, seeds: &[f64], others: [f64; 3], delta: Option<Estimate>) -> BoardRow {
    let names = ["nll", "label_prob", "ece"];
    let value = score.value;
    let measures = others.map(|value| Measure { value, interval: None });
    BoardRow {
        entry,
        per_seed: seeds.iter().enumerate().map(|(seed, &value)| (Seed(seed as u32), value)).collect(),
        per_fold: Vec::new(),
        score,
        confidence: Some(confidence(value)),
        tied: usize::from(entry == 1) * 3,
        others: names.map(str::to_owned).into_iter().zip(measures).collect(),
        controls: Vec::new(),
        above_chance: Vec::new(),
        difference: delta.map(difference),
    }
}

/// The confidences of a model that is a little too sure, and prefers the first of five places.
pub(super) fn confidence(accuracy: f64) -> Confidence {
    let bin = |bin: usize| {
        let confidence = 0.22 + 0.05 * bin as f64;
        let accuracy = (confidence - 0.06 + (accuracy - 0.5) * 0.3).clamp(0.02, 0.98);
        Reliability { confidence, accuracy, low: accuracy * 0.8, high: accuracy + (1.0 - accuracy) * 0.2 }
    };
    let histogram: Vec<f64> = (0..COLUMNS).map(|column| if column < 4 { 0.0 } else { 1.0 / 16.0 }).collect();
    let point = |percent: usize| {
        let coverage = percent as f64 / 100.0;
        Risk { coverage, risk: (1.0 - accuracy) * coverage.sqrt() }
    };
    let place = |place: usize| Place {
        labels: 0.2,
        answers: if place == 0 { 0.28 } else { 0.18 },
        accuracy: Some(accuracy + if place == 0 { 0.08 } else { -0.02 }),
    };
    Confidence {
        reliability: (0..15).map(bin).collect(),
        histogram,
        risk: (1..=100).map(point).collect(),
        places: (0..5).map(place).collect(),
    }
}

/// One of the three of the report.
fn difference(delta: Estimate) -> Difference {
    let (p_value, holm_p) = if delta.low > 0.0 { (0.0002, 0.0006) } else { (0.11, 0.11) };
    let verdict = Verdict::of(&delta, holm_p, false);
    let (test, detectable) = (Test::Permutation(Some(10_000)), Some(0.086));
    Difference { delta, detectable, test, p_value, holm_p, is_lower_better: false, verdict }
}

pub(super) fn pairs_board() -> Board {
    let others = [
        ("image_to_text_recall@5", 0.471),
        ("image_to_text_recall@10", 0.611),
        ("text_to_image_recall@1", 0.169),
        ("text_to_image_recall@5", 0.452),
        ("text_to_image_recall@10", 0.598),
        ("image_to_text_median_rank", 6.0),
        ("text_to_image_median_rank", 7.0),
    ];
    let others = others.map(|(name, value)| {
        (name.to_owned(), Measure { value, interval: Some((value - 0.07, value + 0.07)) })
    });
    let chances = [
        ("image_to_text_recall@1", 0.011),
        ("image_to_text_recall@5", 0.055),
        ("image_to_text_recall@10", 0.108),
        ("text_to_image_recall@1", 0.011),
        ("text_to_image_recall@5", 0.056),
        ("text_to_image_recall@10", 0.111),
    ];
    Board {
        task: TaskKind::Pairs,
        dataset: DATASET.to_owned(),
        n_items: 90,
        n_groups: 90,
        chance: 0.011,
        chances: chances.map(|(name, chance)| (name.to_owned(), chance)).into_iter().collect(),
        majority: Some(0.033),
        classes: None,
        equal_choices: 0,
        baseline: None,
        baseline_rule: None,
        headline: Some(0),
        lineage: None,
        test_looks: looks(1),
        rows: vec![BoardRow {
            entry: 0,
            per_seed: vec![(Seed(0), 0.182)],
            per_fold: Vec::new(),
            score: Estimate {
                method: "Wilson score interval over 90 items".to_owned(),
                ..estimate(0.182, 0.078)
            },
            confidence: None,
            tied: 0,
            others: others.to_vec(),
            controls: Vec::new(),
            above_chance: Vec::new(),
            difference: None,
        }],
    }
}
