//! Invented runs with realistic numbers: what the preview shows and what the tests draw.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use cliptune_experiment::{
    BatchSize, CheckpointInterval, Columns, Compute, DataPlan, Decay, ExperimentName, ExportPlan, Fraction,
    ImageKey, Join, LearningRate, LogitScale, ModelPlan, ModelSource, Objective, OptimizerPlan, Plan,
    Precision, Reduction, RunReference, Schedule, ScorePlan, Seed, Select, Split, SplitBy, SplitPlan,
    SplitShares, TableFormat, TableSource, Task, TaskKind, TrainPlan, Tune, UpdateRule, Warmup,
};
use cliptune_report::data::{
    Answer, Board, BoardRow, Curve, Difference, Entry, EpochPoint, Gallery, GalleryItem, Lineage, Measure,
    ReportData, RunSummary, Start, StepPoint, Stratum, StratumCount, Thumbnail, Verdict,
};
use cliptune_store::{
    Base, DatasetRecord, End, Estimate, ItemCounts, JoinCounts, Leaks, Measured, Metrics, Outcome, Parity,
    Precisions, Provenance, ReducedPrecision, RunRecord, Scores, Sources, SplitCounts,
};

const DATASET: &str = "3f6c1f0a8f3e4f7ba1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728";

/// A report like that of the demo: a pretrained model, the same without further training, and three ways to tune it.
pub(crate) fn report() -> ReportData {
    let entries = vec![
        entry(
            "pretrain",
            pairs_plan(),
            1,
            Shape { first: 3.45, last: 1.9, accuracy: (0.01, 0.19), epochs: 12 },
        ),
        entry(
            "zero-shot",
            plan("zero-shot", None),
            1,
            Shape { first: 1.52, last: 1.52, accuracy: (0.31, 0.31), epochs: 0 },
        ),
        tuned("tuned", Tune::Full, 1.52, 0.74, 0.71),
        tuned("locked-image", Tune::LockedImage { unlocked_layers: 0 }, 1.52, 0.96, 0.62),
        tuned("projections", Tune::Projections, 1.52, 1.41, 0.35),
        Entry {
            runs: vec![RunSummary::missing(Seed(0))],
            ..entry(
                "from-scratch",
                plan("from-scratch", Some(train(Objective::Choice, Tune::Full))),
                1,
                NOTHING,
            )
        },
    ];
    ReportData {
        name: "demo".to_owned(),
        arguments: vec!["experiments/demo".to_owned()],
        inputs: "9b1d".repeat(16),
        boards: vec![choice_board(), pairs_board()],
        datasets: vec![dataset()],
        gallery: Some(gallery()),
        entries,
    }
}

/// A report of experiments that have not run.
#[allow(dead_code, reason = "the tests use it, the preview does not")]
pub(crate) fn nothing_run() -> ReportData {
    let full = report();
    let bare = |mut entry: Entry| {
        entry.runs = vec![RunSummary::missing(Seed(0))];
        entry
    };
    ReportData {
        boards: Vec::new(),
        datasets: Vec::new(),
        gallery: None,
        entries: full.entries.into_iter().map(bare).collect(),
        ..full
    }
}

struct Shape {
    first: f64,
    last: f64,
    accuracy: (f64, f64),
    epochs: usize,
}

const NOTHING: Shape = Shape { first: 0.0, last: 0.0, accuracy: (0.0, 0.0), epochs: 0 };

fn tuned(name: &str, tune: Tune, first: f64, last: f64, accuracy: f64) -> Entry {
    let shape = Shape { first, last, accuracy: (0.31, accuracy), epochs: 6 };
    entry(name, plan(name, Some(train(Objective::Choice, tune))), 3, shape)
}

fn entry(name: &str, plan: Plan, seeds: u32, shape: Shape) -> Entry {
    let plan = Plan { experiment: experiment(name), ..plan };
    let runs = (0..seeds).map(|seed| run(name, &plan, seed, &shape));
    Entry { name: name.to_owned(), dataset: Some(DATASET.to_owned()), runs: runs.collect(), plan }
}

fn experiment(name: &str) -> ExperimentName {
    ExperimentName::try_from(name.to_owned()).unwrap()
}

fn run(name: &str, plan: &Plan, seed: u32, shape: &Shape) -> RunSummary {
    let epochs: Vec<EpochPoint> = (0..=shape.epochs).map(|epoch| epoch_point(shape, epoch, seed)).collect();
    let best = epochs.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy)).map_or(0, |point| point.epoch);
    RunSummary {
        seed: Seed(seed),
        record: Some(record(name, plan, seed, best)),
        damaged_lines: usize::from(name == "locked-image" && seed == 1),
        scores: vec![scores(plan)],
        precisions: (name == "tuned").then(|| precisions(seed)),
        curve: curve(plan, shape, epochs, seed),
    }
}

fn curve(plan: &Plan, shape: &Shape, epochs: Vec<EpochPoint>, seed: u32) -> Curve {
    let steps = shape.epochs * 90;
    let mut noise = Noise(u64::from(seed) * 77 + shape.last.to_bits());
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
    let mut noise = Noise(u64::from(seed) * 1009 + epoch as u64 * 31 + shape.last.to_bits());
    let spread = if epoch == 0 { 0.0 } else { 0.018 };
    EpochPoint {
        epoch,
        loss: shape.first - (shape.first - shape.last) * share + 2.0 * spread * noise.next(),
        accuracy: shape.accuracy.0 + (shape.accuracy.1 - shape.accuracy.0) * share + spread * noise.next(),
    }
}

/// About standard normal; the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        (0..4).map(|_| self.uniform()).sum::<f64>() * 1.7 - 3.4
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn plan(name: &str, train: Option<TrainPlan>) -> Plan {
    Plan {
        experiment: experiment(name),
        description: None,
        data: DataPlan {
            images: PathBuf::from("/data/images"),
            metadata: TableSource { path: PathBuf::from("/data/contest.csv"), format: TableFormat::Csv },
            join: Join { image: ImageKey::Name, metadata: "filename".to_owned() },
            columns: Columns {
                task: Task::Choice { choices: "caption_choices".to_owned(), label: "label".to_owned() },
                id: Some("instance_id".to_owned()),
                group: Some("contest_number".to_owned()),
                vocabulary: Vec::new(),
            },
            filter: None,
            deduplicate: true,
            split: SplitPlan {
                by: SplitBy::Component { across: Vec::new() },
                shares: SplitShares { train: fraction(0.8), validation: fraction(0.1), test: fraction(0.1) },
                seed: Seed(0),
            },
        },
        model: ModelPlan {
            from: ModelSource::Run(RunReference { experiment: experiment("pretrain"), seed: None }),
            image_fit: None,
        },
        train,
        checkpoint: CheckpointInterval::default(),
        export: ExportPlan {
            onnx: vec![Precision::Fp32, Precision::Fp16, Precision::Int8],
            int8_margin: Some(fraction(0.01)),
        },
        score: ScorePlan { splits: vec![Split::Validation, Split::Test] },
        seed: Seed(0),
        axes: BTreeMap::new(),
    }
}

fn pairs_plan() -> Plan {
    let plan = plan("pretrain", Some(TrainPlan { epochs: 12, ..train(Objective::Contrastive, Tune::Full) }));
    let task = Task::Pairs { text: "description".to_owned() };
    let columns = Columns { task, ..plan.data.columns.clone() };
    let from = ModelSource::Folder(PathBuf::from("/models/tiny"));
    Plan { data: DataPlan { columns, ..plan.data }, model: ModelPlan { from, image_fit: None }, ..plan }
}

fn fraction(value: f64) -> Fraction {
    Fraction::try_from(value).unwrap()
}

fn train(objective: Objective, tune: Tune) -> TrainPlan {
    TrainPlan {
        objective,
        label_smoothing: 0.0,
        reduction: Reduction::Mean,
        tune,
        logit_scale: LogitScale::Learned,
        epochs: 6,
        batch_size: BatchSize::try_from(32).unwrap(),
        accumulate: NonZeroUsize::MIN,
        gradient_cache: None,
        gradient_checkpointing: false,
        shuffle: true,
        augment: None,
        optimizer: OptimizerPlan {
            lr: LearningRate::try_from(if tune == Tune::Projections { 1e-3 } else { 2e-4 }).unwrap(),
            weight_decay: 0.1,
            layer_decay: 1.0,
            rule: UpdateRule::AdamW { betas: (0.9, 0.98), eps: 1e-6 },
        },
        schedule: Schedule { warmup: Warmup::Steps(50), decay: Decay::Cosine },
        clip_grad_norm: Some(1.0),
        ema: None,
        precision: Compute::Fp32,
        deterministic: false,
        select: Select::ValidationAccuracy,
        patience: None,
        interpolate: Vec::new(),
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
        },
        started: "2026-11-23T09:32:00.000Z".to_owned(),
        end: Some(End {
            at: "2026-11-23T09:35:00.000Z".to_owned(),
            outcome: Outcome::Done { best_epoch },
            seconds: if trained { 171.0 + 6.0 * f64::from(seed) } else { 2.1 },
            peak_memory: Some(812 << 20),
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
        chance: 0.2,
        logit_scale: 38.2,
        metrics: Metrics::default(),
        parity: Parity { n_items: 16, max_logit_difference: 2.4e-5, answers_agree: 16, tolerance: 1e-3 },
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

fn estimate(value: f64, half: f64) -> Estimate {
    let method = "bootstrap over 3 seeds and 90 groups, 10000 resamples, seed 0".to_owned();
    Estimate { value, low: value - half, high: value + half, method }
}

fn choice_board() -> Board {
    Board {
        task: TaskKind::Choice,
        dataset: DATASET.to_owned(),
        n_items: 360,
        n_groups: 90,
        chance: 0.2,
        baseline: Some(1),
        headline: Some(2),
        lineage: Some(Lineage { datasets: 1, unknown: 0, seen_images: 0 }),
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

fn row(entry: usize, score: Estimate, seeds: &[f64], others: [f64; 3], delta: Option<Estimate>) -> BoardRow {
    let names = ["nll", "label_prob", "ece"];
    let measures = others.map(|value| Measure { value, interval: None });
    BoardRow {
        entry,
        per_seed: seeds.iter().enumerate().map(|(seed, &value)| (Seed(seed as u32), value)).collect(),
        score,
        others: names.map(str::to_owned).into_iter().zip(measures).collect(),
        difference: delta.map(|delta| Difference { verdict: Verdict::of(&delta), delta, mid_p: None }),
    }
}

fn pairs_board() -> Board {
    let recalls = [
        ("image_to_text_recall@5", 0.471),
        ("image_to_text_recall@10", 0.611),
        ("text_to_image_recall@1", 0.169),
        ("text_to_image_recall@5", 0.452),
        ("text_to_image_recall@10", 0.598),
    ];
    let others = recalls.map(|(name, value)| {
        (name.to_owned(), Measure { value, interval: Some((value - 0.07, value + 0.07)) })
    });
    Board {
        task: TaskKind::Pairs,
        dataset: DATASET.to_owned(),
        n_items: 90,
        n_groups: 90,
        chance: 0.011,
        baseline: None,
        headline: Some(0),
        lineage: None,
        rows: vec![BoardRow {
            entry: 0,
            per_seed: vec![(Seed(0), 0.182)],
            score: Estimate {
                method: "Wilson score interval over 90 items".to_owned(),
                ..estimate(0.182, 0.078)
            },
            others: others.to_vec(),
            difference: None,
        }],
    }
}

fn dataset() -> DatasetRecord {
    let counts = |items, groups| SplitCounts { items, groups, images: groups, components: groups };
    let splits = [("train", counts(2880, 720)), ("validation", counts(360, 90)), ("test", counts(360, 90))];
    DatasetRecord {
        format_version: 1,
        hash: DATASET.to_owned(),
        task: TaskKind::Choice,
        plan: plan("data", None).data,
        sources: Sources {
            images_folder: "/data/images".to_owned(),
            images_hash: "ab12".repeat(16),
            table_hash: "cd34".repeat(16),
        },
        join: JoinCounts {
            images: 912,
            rows: 3674,
            images_matched: 900,
            rows_matched: 3662,
            rows_filtered: 0,
            rows_per_image: (2, 4.0, 7),
        },
        rejects: [("image_without_row", 12), ("row_without_image", 9), ("label_not_among_choices", 3)]
            .map(|(reason, n)| (reason.to_owned(), n))
            .into(),
        items: ItemCounts {
            items: 3600,
            groups: 900,
            components: 871,
            multiplicities: [(1, 3541), (2, 56), (3, 3)].into(),
            texts_per_item: [(5, 3600)].into(),
        },
        splits: splits.map(|(name, counts)| (name.to_owned(), counts)).into(),
        leaks: Leaks::default(),
    }
}

const CAPTIONS: [&str; 8] = [
    "“He said he'd be back by low tide.”",
    "“Technically, the lease says no pets, but it says nothing about management.”",
    "“I told you we should have taken the tunnel.”",
    "“Your references are excellent, but every one of them mentions the ladder.”",
    "“It's not the altitude, it's the company.”",
    "“We used to call this the living room.”",
    "“Before you say anything, look at the price.”",
    "“I'm not lost, I'm early.”",
];

fn gallery() -> Gallery {
    let items = (0..16).map(|index| gallery_item(index, Stratum::ALL[index / 4]));
    let strata =
        [(Stratum::Gained, 166), (Stratum::Lost, 16), (Stratum::BothRight, 94), (Stratum::BothWrong, 84)];
    Gallery {
        board: 0,
        items: items.collect(),
        strata: strata.map(|(stratum, items)| (stratum, StratumCount { items, shown: 4 })).to_vec(),
    }
}

fn gallery_item(index: usize, stratum: Stratum) -> GalleryItem {
    let label = index * 3 % 5;
    let wrong = (label + 1 + index % 3) % 5;
    let right = |yes: bool| if yes { label } else { wrong };
    let tuned = matches!(stratum, Stratum::Gained | Stratum::BothRight);
    let zero = matches!(stratum, Stratum::Lost | Stratum::BothRight);
    GalleryItem {
        item_id: format!("{:016x}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index as u64 + 1)),
        id: format!("q-{index}"),
        group: (400 + index * 7).to_string(),
        stratum,
        image: if index == 6 { Err("the file is gone".to_owned()) } else { Ok(drawing(index as u64)) },
        texts: (0..5).map(|text| CAPTIONS[(index + text * 3) % CAPTIONS.len()].to_owned()).collect(),
        label,
        answers: vec![
            answer(&[right(zero)], 0.31),
            answer(&[right(tuned), right(tuned), right(tuned || index.is_multiple_of(2))], 0.68),
            answer(&[right(tuned), right(index.is_multiple_of(3)), right(tuned)], 0.52),
            answer(&[right(zero), right(zero), wrong], 0.33),
        ],
    }
}

fn answer(choices: &[usize], top: f64) -> Answer {
    let votes = (0..5).map(|text| choices.iter().filter(|&&choice| choice == text).count());
    let votes: Vec<usize> = votes.collect();
    let share = |votes: usize| votes as f64 / choices.len() as f64;
    let probs = votes.iter().map(|&votes| share(votes) * top + (1.0 - top) / 5.0).collect();
    Answer { votes, probs }
}

/// A landscape in pen strokes.
fn drawing(seed: u64) -> Thumbnail {
    let (width, height) = (360, 270);
    let mut noise = Noise(seed);
    let (sun_x, sun_y) = (60.0 + 240.0 * noise.uniform(), 40.0 + 50.0 * noise.uniform());
    let (phase, tilt) = (6.0 * noise.uniform(), noise.uniform());
    let pixels = image::GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let hill = 165.0 + 28.0 * (x / 52.0 + phase).sin() + 30.0 * tilt * (x / 130.0).cos();
        let sun = ((x - sun_x).hypot(y - sun_y) - 26.0).abs() < 1.4;
        let outline = (y - hill).abs() < 1.6;
        let hatch = y > hill && ((x + y * (0.7 + tilt)) % 9.0) < 1.3;
        image::Luma([if sun || outline {
            20
        } else if hatch {
            90
        } else {
            252
        }])
    });
    let mut jpeg = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 70);
    encoder.encode(&pixels, width, height, image::ExtendedColorType::L8).unwrap();
    Thumbnail { jpeg, width, height }
}
