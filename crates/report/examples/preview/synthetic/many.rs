//! A report of many experiments: a pretrained model and a matrix.

use cliptune_experiment::{LearningRate, Objective, Seed, Tune};
use cliptune_report::data::{
    Board, BoardRow, Difference, Entry, Measure, ReportData, RunSummary, Test, Verdict,
};
use serde_json::{Value, json};

use super::boards::{choice_board, confidence, estimate};
use super::noise::Noise;
use super::plans::{plan, train};
use super::report;
use super::runs::{Shape, entry};

/// Returns a report of so many experiments: two axes up to fifty of them, three beyond.
pub(crate) fn many(count: usize) -> ReportData {
    let zero = entry(
        "zero-shot",
        plan("zero-shot", None),
        1,
        Shape { first: 1.52, last: 1.52, accuracy: (0.31, 0.31), epochs: 0 },
    );
    let points = points(count.saturating_sub(1));
    let entries: Vec<Entry> = std::iter::once(zero).chain(points.iter().map(|point| tuned(point))).collect();
    let rows: Vec<BoardRow> = (0..entries.len()).map(|index| row(index, &entries[index])).collect();
    let best = (1..entries.len()).max_by(|a, b| {
        let score = |index: &usize| entries[*index].validation_score().unwrap_or_default();
        score(a).total_cmp(&score(b))
    });
    let board = Board { baseline: Some(0), headline: best, lineage: None, rows, ..choice_board() };
    let data = ReportData {
        name: "sweep".to_owned(),
        boards: vec![board],
        entries,
        gallery: None,
        pairs: None,
        ..report()
    };
    data.with_roles()
}

/// Returns points of a matrix: of two axes up to fifty of them, three up to two hundred, and four beyond.
fn points(count: usize) -> Vec<Vec<(&'static str, Value)>> {
    let rates = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3].map(|rate| json!(rate));
    let decays = [json!(0.0), json!(0.05), json!(0.1), json!(0.2)];
    let tunes = ["full", "lora", "projections", "locked-image", "locked-text"].map(|tune| json!(tune));
    let mut points = Vec::new();
    for (batch, tune) in [16, 32].into_iter().flat_map(|batch| tunes.iter().map(move |tune| (batch, tune))) {
        for (decay, rate) in decays.iter().flat_map(|decay| rates.iter().map(move |rate| (decay, rate))) {
            let mut point =
                vec![("train.optimizer.lr", rate.clone()), ("train.optimizer.weight_decay", decay.clone())];
            if count > 50 {
                point.push(("train.tune", tune.clone()));
            }
            if count > 200 {
                point.push(("train.batch_size", json!(batch)));
            }
            points.push(point);
        }
    }
    points.truncate(count);
    points
}

fn tuned(point: &[(&'static str, Value)]) -> Entry {
    let mut train = train(Objective::Choice, Tune::Full);
    let rate = point[0].1.as_f64().unwrap();
    train.optimizer.lr = LearningRate::try_from(rate).unwrap();
    train.optimizer.weight_decay = point[1].1.as_f64().unwrap();
    let words: Vec<String> = point
        .iter()
        .map(|(key, value)| {
            format!("{}={}", key.rsplit('.').next().unwrap(), cliptune_experiment::spelled(value))
        })
        .collect();
    let is_full = point.get(2).is_none_or(|(_, tune)| tune == "full");
    let accuracy = 0.72
        - 0.07 * (rate.log10() + 4.3).abs()
        - 0.2 * (point[1].1.as_f64().unwrap() - 0.1).abs()
        - if is_full { 0.0 } else { 0.06 };
    let shape = Shape { first: 1.52, last: 2.2 - 2.0 * accuracy, accuracy: (0.31, accuracy), epochs: 5 };
    let made = entry("sweep", plan("sweep", Some(train)), 3, shape);
    let mut runs = made.runs.clone();
    let mut noise = Noise::new(rate.to_bits() ^ words.len() as u64);
    if noise.uniform() < 0.06 {
        runs[2] = RunSummary::missing(Seed(2), None);
    }
    let axes = point.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Entry {
        name: format!("sweep {}", words.join(" ")),
        plan: cliptune_experiment::Plan { axes, ..made.plan.clone() },
        runs,
        ..made
    }
}

fn row(entry: usize, of: &Entry) -> BoardRow {
    let value = of.validation_score().unwrap_or(0.31) + 0.02 * Noise::new(entry as u64).next();
    let delta = estimate(value - 0.306, 0.06);
    let verdict = Verdict::of(&delta, if delta.low > 0.0 { 0.001 } else { 0.4 }, false);
    let difference = Difference {
        delta,
        detectable: Some(0.086),
        test: Test::Resamples,
        p_value: 0.001,
        holm_p: 0.001,
        is_lower_better: false,
        verdict,
    };
    BoardRow {
        entry,
        per_seed: (0..of.runs.len() as u32).map(|seed| (Seed(seed), value)).collect(),
        per_fold: Vec::new(),
        score: estimate(value, 0.05),
        others: [("nll", 2.0 - value), ("ece", 0.06)]
            .map(|(name, value)| {
                (name.to_owned(), Measure { value, interval: Some((value - 0.04, value + 0.04)) })
            })
            .to_vec(),
        confidence: Some(confidence(value)),
        tied: 0,
        controls: Vec::new(),
        above_chance: Vec::new(),
        difference: (entry > 0).then_some(difference),
    }
}
