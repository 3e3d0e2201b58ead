//! Stores with runs that nobody trained.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_experiment::{Plan, Split, TaskKind, load};
use cliptune_store::{
    Answered, Base, Chosen, End, Estimate, Event, EventLog, Item, Items, Metrics, Outcome, Parity,
    Prediction, Provenance, RUN_FORMAT, Run, RunRecord, SCORES_FORMAT, Scores, Store, run_name, write_scores,
};
use fs_err as fs;

const EXPERIMENT: &str = "
data:
  images: images
  metadata: table.parquet
  join: { image: name, metadata: file }
  columns: { choices: choices, label: label, group: group, id: id }
model: { from: openai/clip-vit-base-patch32 }
train:
  objective: choice
  epochs: 3
  batch_size: 32
  optimizer: { name: adamw, lr: 1e-5 }
seeds: [0, 1]
matrix: { train.tune: [full, lora], train.optimizer.lr: [1e-5, 2e-5] }
";

/// Returns the plans of an experiment with two seeds and four points. `folder` is for its file.
pub(crate) fn plans(folder: &Path, name: &str) -> Vec<Plan> {
    let file = folder.join(format!("{name}.yaml"));
    fs::write(&file, format!("name: {name}\n{EXPERIMENT}")).unwrap();
    load(&[file], &[]).unwrap().swap_remove(0).plans
}

/// Makes a run. The number tells it from others: it is the minute at which the run began.
pub(crate) fn run(store: &Store, plan: &Plan, number: usize, outcome: Option<Outcome>) -> Run {
    run_on(store, plan, number, outcome, &"da".repeat(32))
}

/// Makes a run on a dataset with this hash.
pub(crate) fn run_on(
    store: &Store,
    plan: &Plan,
    number: usize,
    outcome: Option<Outcome>,
    dataset: &str,
) -> Run {
    let started =
        format!("2026-01-{:02}T{:02}:{:02}:00.000Z", 1 + number / 1440, number / 60 % 24, number % 60);
    let key = blake3::hash(format!("{}{number}", plan.experiment).as_bytes()).to_hex().to_string();
    let at = started.replace(":00.000Z", ":30.500Z");
    let end = |outcome| End {
        at,
        outcome,
        seconds: 30.5,
        peak_memory: Some(1 << 30),
        usage: None,
        files: BTreeMap::new(),
    };
    let record = RunRecord {
        format_version: RUN_FORMAT,
        run: run_name(&started, &key, plan.seed),
        experiment: plan.experiment.clone(),
        seed: plan.seed,
        key,
        plan: plan.clone(),
        dataset: dataset.to_owned(),
        base: Base::Hub { id: "openai/clip".to_owned(), commit: "c0".repeat(20), hash: "ba".repeat(32) },
        lineage: Vec::new(),
        provenance: Provenance {
            cliptune: "0.1.0".to_owned(),
            binary: "00".to_owned(),
            git_commit: None,
            host: "=host|\u{1b}[31m".to_owned(),
            device: "cpu".to_owned(),
            threads: 2,
            processes: None,
        },
        started,
        end: outcome.map(end),
    };
    store.create_run(record).unwrap()
}

/// Writes the scores of a split with three predictions.
pub(crate) fn score(run: &Run, split: Split, accuracy: f64) {
    let estimate =
        |value: f64| Estimate { value, low: value - 0.1, high: value + 0.1, method: "bootstrap".to_owned() };
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split,
        task: TaskKind::Choice,
        n_items: 3,
        n_groups: 2,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 0.2,
        majority: 0.2,
        logit_scale: 100.0,
        is_scale_constant: false,
        metrics: Metrics(vec![
            ("accuracy".to_owned(), estimate(accuracy)),
            ("nll".to_owned(), estimate(2.0 - accuracy)),
            ("mrr".to_owned(), estimate(f64::NAN)),
        ]),
        chances: BTreeMap::from([("accuracy".to_owned(), 0.2), ("nll".to_owned(), 3_f64.ln())]),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 1, max_logit_difference: 1e-5, answers_agree: 1, tolerance: 1e-3 }),
    };
    let predictions: Vec<Prediction> = (0..3).map(prediction).collect();
    write_scores(run, &scores, &predictions, Items::of(&[item(split)]).all()).unwrap();
}

fn prediction(number: usize) -> Prediction {
    Prediction {
        item_id: format!("{number:016x}"),
        id: format!("row {number}"),
        group: "group".to_owned(),
        correct: number == 1,
        share: if number == 1 { 1.0 } else { 0.0 },
        rank: 1.0,
        label_prob: 0.5,
        answered: Answered::Choice(Chosen {
            label: 1,
            predicted: number,
            candidates: vec![0, 1, 2],
            probs: vec![0.25, 0.5, 0.25],
            logits: vec![0.0, 1.0, 0.0],
        }),
    }
}

fn item(split: Split) -> Item {
    Item {
        item_id: format!("{:016x}", 0),
        id: "row 0".to_owned(),
        ids: vec!["row 0".to_owned()],
        group: "group".to_owned(),
        split,
        folder: 0,
        image: "1.png".to_owned(),
        image_hash: format!("{:064x}", 1).parse().unwrap(),
        width: None,
        height: None,
        texts: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
        label: 1,
        vocabulary: Vec::new(),
    }
}

/// Writes a log of so many steps.
pub(crate) fn log(run: &Run, steps: usize) {
    let mut log = EventLog::create(&run.events_file()).unwrap();
    for step in 1..=steps {
        let event = Event::Step {
            step,
            epoch: 1 + step / 100,
            loss: 1.0 / step as f64,
            learning_rate: 1e-5,
            grad_norm: 1.0 + (step as f64).sin(),
            logit_scale: 100.0,
            items_per_second: 12.5 + (step as f64).cos(),
        };
        log.append(&event).unwrap();
    }
}
