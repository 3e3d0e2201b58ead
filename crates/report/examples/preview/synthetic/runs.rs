//! Runs that never ran.

use std::collections::BTreeMap;

use cliptune_experiment::{Objective, Plan, Precision, Seed, Split, TaskKind, Tune};
use cliptune_report::data::{Curve, Entry, EpochPoint, Role, RunSummary, Start, StepPoint};
use cliptune_store::{
    Base, End, Measured, Metrics, Outcome, Parity, Precisions, Provenance, ReducedPrecision, RunRecord,
    Sample, Scores, Usage,
};

use super::DATASET;
use super::boards::estimate;
use super::noise::Noise;
use super::plans::{experiment, fraction, plan, train};

pub(super) struct Shape {
    pub(super) first: f64,
    pub(super) last: f64,
    pub(super) accuracy: (f64, f64),
    pub(super) epochs: usize,
}

pub(super) const NOTHING: Shape = Shape { first: 0.0, last: 0.0, accuracy: (0.0, 0.0), epochs: 0 };

pub(super) fn tuned(name: &str, tune: Tune, first: f64, last: f64, accuracy: f64) -> Entry {
    let shape = Shape { first, last, accuracy: (0.31, accuracy), epochs: 6 };
    entry(name, plan(name, Some(train(Objective::Choice, tune))), 3, shape)
}

pub(super) fn entry(name: &str, plan: Plan, seeds: u32, shape: Shape) -> Entry {
    let plan = Plan { experiment: experiment(name), ..plan };
    let runs = (0..seeds).map(|seed| run(name, &plan, seed, &shape));
    Entry {
        name: name.to_owned(),
        dataset: Some(DATASET.to_owned()),
        runs: runs.collect(),
        plan,
        label: String::new(),
        role: Role::default(),
    }
}

fn run(name: &str, plan: &Plan, seed: u32, shape: &Shape) -> RunSummary {
    let epochs: Vec<EpochPoint> = (0..=shape.epochs).map(|epoch| epoch_point(shape, epoch, seed)).collect();
    let best = epochs.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy)).map_or(0, |point| point.epoch);
    RunSummary {
        seed: Seed(seed),
        fold: None,
        record: Some(record(name, plan, seed, best)),
        damaged_lines: usize::from(name == "locked-image" && seed == 1),
        scores: vec![scores(plan)],
        precisions: (name == "tuned").then(|| precisions(seed)),
        curve: curve(plan, shape, epochs, seed),
        machine: machine(shape, seed),
    }
}

/// A machine with two processors, 16 GiB and no GPU, which is warm after a few seconds.
fn machine(shape: &Shape, seed: u32) -> Vec<Sample> {
    let mut noise = Noise::new(u64::from(seed) * 31 + shape.first.to_bits());
    let sample = |at: usize| {
        let warm = 1.0 - (-0.6 * at as f64).exp();
        let usage = Usage {
            cpu: Some(0.96 * warm),
            processors: Some(1.9 * warm + 0.05 * noise.next()),
            processors_limit: Some(2.0),
            memory: Some((340.0 + 420.0 * warm) as u64 * (1 << 20)),
            memory_limit: Some(16 << 30),
            joules: Some(36.0),
            ..Usage::default()
        };
        Sample { time: 0.0, seconds: 2.0 * at as f64, over: 2.0, step: 6 * at, usage }
    };
    (1..=shape.epochs * 14).map(sample).collect()
}

fn curve(plan: &Plan, shape: &Shape, epochs: Vec<EpochPoint>, seed: u32) -> Curve {
    let steps = shape.epochs * 90;
    let mut noise = Noise::new(u64::from(seed) * 77 + shape.last.to_bits());
    let points = (1..=steps).map(|step| {
        let progress = 1.0 - (-3.2 * step as f64 / steps as f64).exp();
        let loss = shape.first - (shape.first - shape.last * 0.93) * progress + 0.16 * noise.next();
        StepPoint { step, loss }
    });
    let trainable = match plan.train.as_ref().map(|train| train.tune) {
        Some(Tune::Full) => 2_412_545,
        Some(Tune::LockedImage { .. }) => 1_180_160,
        Some(_) => 65_537,
        None => 0,
    };
    Curve {
        start: Some(Start {
            epochs: shape.epochs,
            steps,
            train_items: 2880,
            parameters: 2_412_545,
            trainable,
        }),
        steps: points.collect(),
        epochs,
        interpolated: None,
        items_per_second: (steps > 0).then_some(310.0 + 40.0 * f64::from(seed)),
    }
}

fn epoch_point(shape: &Shape, epoch: usize, seed: u32) -> EpochPoint {
    let share = if shape.epochs == 0 { 0.0 } else { 1.0 - (-3.4 * epoch as f64 / shape.epochs as f64).exp() };
    let mut noise = Noise::new(u64::from(seed) * 1009 + epoch as u64 * 31 + shape.last.to_bits());
    let spread = if epoch == 0 { 0.0 } else { 0.018 };
    EpochPoint {
        epoch,
        loss: shape.first - (shape.first - shape.last) * share + 2.0 * spread * noise.next(),
        accuracy: shape.accuracy.0 + (shape.accuracy.1 - shape.accuracy.0) * share + spread * noise.next(),
    }
}

fn record(name: &str, plan: &Plan, seed: u32, best_epoch: usize) -> RunRecord {
    let trained = plan.train.is_some();
    RunRecord {
        format_version: 1,
        run: format!("20261123T0932{seed:02}Z-4be1f0-s{seed}"),
        experiment: experiment(name),
        seed: Seed(seed),
        key: "4be1f0c2".repeat(8),
        plan: Plan { seed: Seed(seed), ..plan.clone() },
        dataset: DATASET.to_owned(),
        base: Base::Run { run: "pretrain/20261123T091500Z-11aa22-s0".to_owned(), key: "11aa22".repeat(10) },
        lineage: Vec::new(),
        provenance: Provenance {
            cliptune: "0.1.0".to_owned(),
            binary: "77e0".repeat(16),
            git_commit: Some("295ec89d41f0a4ce7bb7a1f0e3f5d2a96c1b8e07".to_owned()),
            host: "workshop".to_owned(),
            device: "cpu".to_owned(),
            threads: 2,
            processes: None,
        },
        started: "2026-11-23T09:32:00.000Z".to_owned(),
        end: Some(End {
            at: "2026-11-23T09:35:00.000Z".to_owned(),
            outcome: Outcome::Done { best_epoch },
            seconds: if trained { 171.0 + 6.0 * f64::from(seed) } else { 2.1 },
            peak_memory: Some(812 << 20),
            usage: None,
            files: BTreeMap::new(),
        }),
    }
}

fn scores(plan: &Plan) -> Scores {
    Scores {
        format_version: 1,
        split: Split::Test,
        task: plan.data.columns.task.kind(),
        n_items: 360,
        n_groups: 90,
        n_tied: 0,
        n_equal_choices: 2,
        chance: 0.2,
        majority: 0.2,
        logit_scale: 38.2,
        is_scale_constant: false,
        metrics: Metrics::default(),
        chances: BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity {
            n_items: 16,
            max_logit_difference: 2.4e-5,
            answers_agree: 16,
            tolerance: 1e-3,
        }),
    }
}

/// fp16 costs nothing; int8 a little, and with the last seed too much.
fn precisions(seed: u32) -> Precisions {
    let kept = seed < 2;
    let fall = if kept { 0.003 + 0.004 * f64::from(seed) } else { 0.025 };
    let measured = |bytes, score, image_milliseconds, text_milliseconds| Measured {
        bytes,
        score,
        image_milliseconds,
        text_milliseconds,
    };
    let reduced = |precision, measured: Measured, half: f64, logit, answers_agree| ReducedPrecision {
        precision,
        difference: estimate(measured.score - 0.71, half),
        measured,
        max_logit_difference: logit,
        answers_agree,
        margin: None,
        kept: true,
    };
    let fp16 = measured(289 << 20, 0.71, 44.6, 6.93);
    let int8 = measured(153 << 20, 0.71 - fall, 11.9, 2.31);
    Precisions {
        format_version: 1,
        task: TaskKind::Choice,
        n_items: 360,
        n_groups: 90,
        fp32: measured(577 << 20, 0.71, 30.9, 5.41),
        reduced: vec![
            reduced(Precision::Fp16, fp16, 0.0, 0.021, 360),
            ReducedPrecision {
                margin: Some(fraction(0.01)),
                kept,
                ..reduced(Precision::Int8, int8, 0.009, 1.34, 349)
            },
        ],
    }
}
