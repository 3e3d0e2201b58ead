//! Plans, records and sources of tests.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use cliptune_experiment::{
    Access, BatchSize, CheckpointInterval, Columns, Compute, DataPlan, Decay, Experiment, ExportPlan,
    Fraction, ImageKey, Join, Label, LearningRate, LogitScale, ModelPlan, ModelSource, NearDuplicates,
    Objective, OptimizerPlan, Plan, Precision, Reduction, Require, Schedule, ScorePlan, Seed, Select, Split,
    SplitBy, SplitPlan, SplitShares, TableFormat, TableSource, Task, TaskKind, TrainPlan, Tune, UpdateRule,
    Verify, Warmup,
};
use cliptune_store::{
    Base, DATASET_FORMAT, Dataset, DatasetRecord, Inputs, Item, ItemCounts, JoinCounts, Leaks, Provenance,
    RUN_FORMAT, Reject, Run, RunRecord, Sources, Store, run_name, utc_now, write_dataset_rows,
};
use fs_err as fs;
use tempfile::TempDir;

/// A folder with images, a table, a base model and a store.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["images", "base"] {
            fs::create_dir(world.path(folder)).unwrap();
        }
        for (file, text) in [
            ("images/1.png", "one"),
            ("images/2.png", "two"),
            ("table.parquet", "rows"),
            ("base/config.json", "{}"),
            ("base/model.safetensors", "weights"),
        ] {
            world.write(file, text);
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path("runs")).unwrap()
    }

    /// A plan that tunes the base folder.
    pub(crate) fn plan(&self, name: &str) -> Plan {
        Plan {
            experiment: name.parse().unwrap(),
            description: None,
            data: data(self.folder.path()),
            model: ModelPlan { from: ModelSource::Folder(self.path("base")), image_fit: None },
            train: Some(training(1e-5)),
            checkpoint: CheckpointInterval::default(),
            resources: None,
            export: ExportPlan { onnx: vec![Precision::Fp32], int8_margin: None },
            score: ScorePlan {
                splits: vec![Split::Validation, Split::Test],
                logit_scale: None,
                controls: None,
            },
            seed: Seed(0),
            axes: BTreeMap::new(),
        }
    }

    pub(crate) fn inputs(&self, plan: &DataPlan) -> Inputs {
        self.store().inputs(plan, &|_, _| {}).unwrap()
    }

    /// Makes the dataset of a plan without looking into its sources.
    pub(crate) fn make_dataset(&self, plan: &DataPlan, items: &[Item], rejects: &[Reject]) -> Dataset {
        let inputs = self.inputs(plan);
        let hash = inputs.hashes.dataset_hash(plan);
        let staged = self.store().stage_dataset(&hash).unwrap();
        let record = DatasetRecord {
            format_version: DATASET_FORMAT,
            hash: hash.clone(),
            task: TaskKind::Choice,
            classes: Vec::new(),
            plan: plan.clone(),
            sources: Sources {
                images_folders: vec![inputs.hashes.images_folders[0].to_string_lossy().into_owned()],
                images_hash: inputs.hashes.images_hash,
                table_hash: inputs.hashes.table_hash,
                bytes: inputs.bytes,
            },
            notes: Default::default(),
            join: JoinCounts::default(),
            rejects: BTreeMap::new(),
            items: ItemCounts::default(),
            splits: BTreeMap::new(),
            leaks: Leaks::default(),
            history: Default::default(),
            tables: Default::default(),
        };
        write_dataset_rows(&staged, &record, items, rejects).unwrap();
        staged.commit().unwrap();
        self.store().dataset(&hash).unwrap().unwrap()
    }
}

pub(crate) fn data(folder: &Path) -> DataPlan {
    let fraction = |share| Fraction::try_from(share).unwrap();
    DataPlan {
        images: vec![folder.join("images").into()],
        metadata: TableSource::at(folder.join("table.parquet"), TableFormat::Parquet),
        access: Access::default(),
        join: Some(Join { image: ImageKey::Name, metadata: "file".to_owned() }),
        columns: Columns {
            task: Task::Choice { choices: "choices".to_owned(), label: Label::of("label") },
            id: None,
            group: None,
            vocabulary: Vec::new(),
        },
        filter: None,
        sample: None,
        deduplicate: true,
        verify: Verify::Whole,
        require: Require::default(),
        split: SplitPlan {
            by: SplitBy::Component { across: Vec::new(), near_duplicates: NearDuplicates::Report },
            shares: SplitShares { train: fraction(0.8), validation: fraction(0.1), test: fraction(0.1) },
            folds: None,
            stratify: None,
            seed: Seed(0),
        },
    }
}

pub(crate) fn training(lr: f64) -> TrainPlan {
    TrainPlan {
        objective: Objective::Choice,
        label_smoothing: 0.0,
        reduction: Reduction::Mean,
        tune: Tune::Full,
        logit_scale: LogitScale::Learned,
        epochs: 5,
        batch_size: BatchSize::try_from(32).unwrap(),
        accumulate: NonZeroUsize::MIN,
        gradient_cache: None,
        gradient_checkpointing: false,
        shuffle: true,
        augment: None,
        optimizer: OptimizerPlan {
            lr: LearningRate::try_from(lr).unwrap(),
            weight_decay: 0.1,
            layer_decay: 1.0,
            rule: UpdateRule::AdamW { betas: (0.9, 0.98), eps: 1e-6 },
        },
        schedule: Schedule { warmup: Warmup::Steps(10), decay: Decay::Cosine },
        clip_grad_norm: None,
        ema: None,
        precision: Compute::Fp32,
        deterministic: false,
        select: Select::ValidationAccuracy,
        patience: None,
        interpolate: Vec::new(),
    }
}

pub(crate) fn experiment(plans: &[Plan]) -> Experiment {
    let name = plans[0].experiment.clone();
    Experiment {
        file: PathBuf::from(format!("{name}.yaml")),
        name,
        description: None,
        plans: plans.to_vec(),
        settings: Vec::new(),
        declared: Default::default(),
    }
}

pub(crate) fn record(plan: &Plan, dataset: &str, base: Base, key: &str) -> RunRecord {
    let started = utc_now();
    RunRecord {
        format_version: RUN_FORMAT,
        run: run_name(&started, key, plan.seed),
        experiment: plan.experiment.clone(),
        seed: plan.seed,
        key: key.to_owned(),
        plan: plan.clone(),
        dataset: dataset.to_owned(),
        base,
        lineage: Vec::new(),
        provenance: Provenance {
            cliptune: "0.1.0".to_owned(),
            binary: "00".to_owned(),
            git_commit: None,
            host: "host".to_owned(),
            device: "cpu".to_owned(),
            threads: 1,
            processes: None,
        },
        started,
        end: None,
    }
}

/// A run of some key, without a dataset or a model.
pub(crate) fn create(world: &World, key: &str) -> Run {
    world.store().create_run(record(&world.plan("tuned"), "dataset", Base::Scratch, key)).unwrap()
}

pub(crate) fn item(number: usize, split: Split) -> Item {
    Item {
        item_id: format!("{number:016x}"),
        id: format!("row {number}"),
        ids: vec![format!("row {number}"), format!("copy; of '{number}'")],
        group: format!("{number}"),
        split,
        folder: 0,
        image: format!("{number}.png"),
        image_hash: format!("{number:064x}").parse().unwrap(),
        width: Some(640),
        height: Some(480),
        texts: vec!["it's \"so\"\n漫画 🐈".to_owned(), "[\"json\"], {}".to_owned(), String::new()],
        label: number % 3,
        vocabulary: Vec::new(),
    }
}
