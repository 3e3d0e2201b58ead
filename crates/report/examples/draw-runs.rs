//! Draws experiments with their runs for `scripts/bench report`: `draw-runs FOLDER EXPERIMENTS`.
//!
//! Each experiment has a matrix of five learning rates and two seeds, 200 steps of training in its logs, and answers to 520 questions
//! about 130 images. Nothing is trained or scored: what is measured is reading and drawing.

#![expect(clippy::unwrap_used, reason = "what cannot be drawn is not measured")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_experiment::{Plan, Split, TaskKind, load};
use cliptune_random::Random;
use cliptune_store::{
    Answered, Base, Chosen, DATASET_FORMAT, DatasetRecord, Estimate, Event, EventLog, ImageIdentity, Item,
    Items, Leaks, Metrics, Outcome, Parity, Prediction, Provenance, RUN_FORMAT, RunRecord, SCORES_FORMAT,
    Scores, Sources, Standing, Store, run_name, standings, write_dataset_rows, write_scores,
};
use fs_err as fs;

const IMAGES: usize = 130;
const ITEMS: usize = 4 * IMAGES;
const STEPS: usize = 200;
const EPOCHS: usize = 5;

const EXPERIMENT: &str = "
data:
  images: ../images
  metadata: ../table.csv
  join: { image: name, metadata: filename }
  columns: { choices: choices, label: label, group: contest }
model:
  from: scratch
  architecture:
    image_size: 16
    patch_size: 8
    vision: { width: 8, layers: 1, heads: 1 }
    text: { width: 8, layers: 1, heads: 1 }
    context_length: 8
    vocab_size: 600
    projection_dim: 8
train: { objective: choice, epochs: 5, batch_size: 8, optimizer: { name: adamw, lr: 1e-4 } }
seeds: [0, 1]
matrix: { train.optimizer.lr: [1e-5, 2e-5, 5e-5, 1e-4, 2e-4] }
";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, experiments] = arguments.as_slice() else { panic!("draw-runs FOLDER EXPERIMENTS") };
    let (folder, experiments): (&Path, usize) = (Path::new(folder), experiments.parse().unwrap());
    fs::create_dir_all(folder.join("images")).unwrap();
    fs::create_dir_all(folder.join("experiments")).unwrap();
    for image in 0..IMAGES {
        let gray = image::GrayImage::from_fn(96, 80, |x, y| image::Luma([(x * 2 + y + image as u32) as u8]));
        gray.save(folder.join(format!("images/{image}.png"))).unwrap();
    }
    fs::write(folder.join("table.csv"), "filename,choices,label,contest\n").unwrap();
    let files: Vec<PathBuf> = (0..experiments).map(|number| experiment(folder, number)).collect();
    let store = Store::open(&folder.join("runs")).unwrap();
    let all = load(&files, &[]).unwrap();
    let planned = standings(&store, &all, &|_, _| {}).unwrap();
    dataset(&store, folder, &planned[0]);
    planned.iter().enumerate().for_each(|(number, standing)| run(&store, standing, number));
}

fn experiment(folder: &Path, number: usize) -> PathBuf {
    let file = folder.join(format!("experiments/sweep-{number:03}.yaml"));
    // Experiments differ in a setting that makes their keys differ.
    let decay = number as f64 / 1000.0;
    let text = EXPERIMENT.replace("lr: 1e-4 }", &format!("lr: 1e-4, weight_decay: {decay} }}"));
    fs::write(&file, format!("name: sweep-{number:03}\n{text}")).unwrap();
    file
}

fn item(index: usize) -> Item {
    Item {
        item_id: format!("{:016x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        id: format!("q{index}"),
        ids: vec![format!("q{index}")],
        group: (index / 4).to_string(),
        split: Split::Test,
        folder: 0,
        image: format!("{}.png", index / 4),
        image_hash: ImageIdentity::of(b""),
        width: Some(96),
        height: Some(80),
        texts: (0..5).map(|text| format!("caption {text} of question {index}, which is not funny")).collect(),
        label: index % 5,
        vocabulary: Vec::new(),
    }
}

fn dataset(store: &Store, folder: &Path, standing: &Standing) {
    let record = DatasetRecord {
        format_version: DATASET_FORMAT,
        hash: standing.dataset_hash.clone(),
        task: TaskKind::Choice,
        classes: Vec::new(),
        plan: standing.plan.data.clone(),
        sources: Sources {
            images_folders: vec![folder.join("images").display().to_string()],
            images_hash: "1".repeat(64),
            table_hash: "2".repeat(64),
            bytes: Default::default(),
        },
        notes: Default::default(),
        join: Default::default(),
        rejects: Default::default(),
        items: Default::default(),
        splits: Default::default(),
        leaks: Leaks::default(),
        history: Default::default(),
        tables: Default::default(),
    };
    let hashed = |item: Item| {
        let bytes = fs::read(folder.join("images").join(&item.image)).unwrap();
        Item { image_hash: ImageIdentity::of(&bytes), ..item }
    };
    let items: Vec<Item> = (0..ITEMS).map(item).map(hashed).collect();
    let staged = store.stage_dataset(&standing.dataset_hash).unwrap();
    write_dataset_rows(&staged, &record, &items, &[]).unwrap();
    staged.commit().unwrap();
}

fn run(store: &Store, standing: &Standing, number: usize) {
    let started =
        format!("2026-11-{:02}T{:02}:{:02}:00.000Z", 1 + number / 1440, number / 60 % 24, number % 60);
    let mut run = store.create_run(record(standing, &started)).unwrap();
    fs::create_dir_all(run.model_folder()).unwrap();
    Preprocessor::openai(16, Fit::Crop).save(&run.model_folder()).unwrap();
    log(&run.events_file(), number);
    run.finish(Outcome::Done { best_epoch: 1 + number % EPOCHS }, None).unwrap();
    let predictions = predictions(number, &standing.plan);
    for split in &standing.plan.score.splits {
        let scores = scores(*split, &predictions);
        write_scores(&run, &scores, &predictions, Items::of(&[]).all()).unwrap();
    }
}

fn record(standing: &Standing, started: &str) -> RunRecord {
    RunRecord {
        format_version: RUN_FORMAT,
        run: run_name(started, &standing.key, standing.plan.seed),
        experiment: standing.plan.experiment.clone(),
        seed: standing.plan.seed,
        key: standing.key.clone(),
        plan: standing.plan.clone(),
        dataset: standing.dataset_hash.clone(),
        base: Base::Scratch,
        lineage: Vec::new(),
        provenance: Provenance {
            cliptune: env!("CARGO_PKG_VERSION").to_owned(),
            binary: "3".repeat(64),
            git_commit: Some("295ec89d41f0a4ce7bb7a1f0e3f5d2a96c1b8e07".to_owned()),
            host: "here".to_owned(),
            device: "cpu".to_owned(),
            threads: 2,
            processes: None,
        },
        started: started.to_owned(),
        end: None,
    }
}

fn log(path: &Path, number: usize) {
    let mut random = Random::new(number as u64);
    let mut log = EventLog::create(path).unwrap();
    let mut append = |event: Event| log.append(&event).unwrap();
    append(Event::Started {
        epochs: EPOCHS,
        steps: STEPS,
        train_items: 2080,
        validation_items: 260,
        parameters: 100_000,
        trainable: 90_000,
        device: "cpu".to_owned(),
    });
    for epoch in 0..=EPOCHS {
        append(Event::Epoch {
            epoch,
            step: epoch * STEPS / EPOCHS,
            validation_loss: 1.6 - 0.15 * epoch as f64 + 0.05 * random.unit(),
            validation_accuracy: 0.2 + 0.08 * epoch as f64 + 0.04 * random.unit(),
            best: true,
        });
        for step in epoch * STEPS / EPOCHS + 1..=((epoch + 1) * STEPS / EPOCHS).min(STEPS) {
            append(Event::Step {
                step,
                epoch: epoch + 1,
                loss: 1.6 - 0.004 * step as f64 + 0.3 * random.unit(),
                learning_rate: 1e-4,
                grad_norm: random.unit(),
                logit_scale: 10.0,
                items_per_second: 100.0 + random.unit(),
            });
        }
    }
}

/// Answers questions, of which more are right in some runs than in others.
fn predictions(number: usize, plan: &Plan) -> Vec<Prediction> {
    let mut random = Random::new(1_000_000 + number as u64);
    let rate = plan.train.as_ref().map_or(1e-5, |train| train.optimizer.lr.get());
    let accuracy = 0.72 - 0.08 * (rate.log10() + 4.2).abs();
    let predict = |index: usize| {
        let item = item(index);
        let right = random.unit() < accuracy;
        let predicted = if right { item.label } else { (item.label + 1 + index % 4) % 5 };
        let top = 0.3 + 0.69 * random.unit();
        let probs: Vec<f64> =
            (0..5).map(|text| if text == predicted { top } else { (1.0 - top) / 4.0 }).collect();
        Prediction {
            item_id: item.item_id,
            id: item.id,
            group: item.group,
            correct: right,
            share: f64::from(u8::from(right)),
            rank: if right { 1.0 } else { 2.0 },
            label_prob: probs[item.label],
            answered: Answered::Choice(Chosen {
                label: item.label,
                predicted,
                candidates: (0..5).collect(),
                logits: probs.iter().map(|prob| prob.ln()).collect(),
                probs,
            }),
        }
    };
    (0..ITEMS).map(predict).collect()
}

fn scores(split: Split, predictions: &[Prediction]) -> Scores {
    let right = predictions.iter().filter(|one| one.correct).count() as f64 / ITEMS as f64;
    let estimate = |value: f64| Estimate {
        value,
        low: value - 0.04,
        high: value + 0.04,
        method: "cluster bootstrap over 130 groups, 10000 resamples, seed 0".to_owned(),
    };
    let metrics = ["accuracy", "label_prob", "nll", "brier", "ece", "mrr", "aurc"];
    Scores {
        format_version: SCORES_FORMAT,
        split,
        task: TaskKind::Choice,
        n_items: ITEMS,
        n_groups: IMAGES,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 0.2,
        majority: 0.2,
        logit_scale: 10.0,
        is_scale_constant: false,
        metrics: Metrics(metrics.map(|name| (name.to_owned(), estimate(right))).to_vec()),
        chances: BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 8, max_logit_difference: 1e-6, answers_agree: 8, tolerance: 1e-3 }),
    }
}
