//! Plans as an experiment file would give them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use cliptune_experiment::{
    Access, BatchSize, CheckpointInterval, Columns, Compute, DataPlan, Decay, ExperimentName, ExportPlan,
    Fraction, ImageKey, Join, Label, LearningRate, LogitScale, ModelPlan, ModelSource, NearDuplicates,
    Objective, OptimizerPlan, Plan, Precision, Reduction, Require, RunReference, Schedule, ScorePlan, Seed,
    Select, Split, SplitBy, SplitPlan, SplitShares, TableFormat, TableSource, Task, TrainPlan, Tune,
    UpdateRule, Verify, Warmup,
};

pub(super) fn experiment(name: &str) -> ExperimentName {
    ExperimentName::try_from(name.to_owned()).unwrap()
}

pub(super) fn plan(name: &str, train: Option<TrainPlan>) -> Plan {
    Plan {
        experiment: experiment(name),
        description: None,
        data: DataPlan {
            images: vec![PathBuf::from("/data/images").into()],
            metadata: TableSource::at(PathBuf::from("/data/contest.csv"), TableFormat::Csv),
            access: Access::default(),
            join: Some(Join { image: ImageKey::Name, metadata: "filename".to_owned() }),
            columns: Columns {
                task: Task::Choice { choices: "caption_choices".to_owned(), label: Label::of("label") },
                id: Some("instance_id".to_owned()),
                group: Some("contest_number".to_owned()),
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
        },
        model: ModelPlan {
            from: ModelSource::Run(RunReference {
                experiment: experiment("pretrain"),
                seed: None,
                is_paired: false,
            }),
            image_fit: None,
        },
        train,
        checkpoint: CheckpointInterval::default(),
        resources: None,
        export: ExportPlan {
            onnx: vec![Precision::Fp32, Precision::Fp16, Precision::Int8],
            int8_margin: Some(fraction(0.01)),
        },
        score: ScorePlan { splits: vec![Split::Validation, Split::Test], logit_scale: None, controls: None },
        seed: Seed(0),
        axes: BTreeMap::new(),
    }
}

pub(super) fn pairs_plan() -> Plan {
    let plan = plan("pretrain", Some(TrainPlan { epochs: 12, ..train(Objective::Contrastive, Tune::Full) }));
    let task = Task::Pairs { text: "description".to_owned() };
    let columns = Columns { task, ..plan.data.columns.clone() };
    let from = ModelSource::Folder(PathBuf::from("/models/tiny"));
    Plan { data: DataPlan { columns, ..plan.data }, model: ModelPlan { from, image_fit: None }, ..plan }
}

pub(super) fn fraction(value: f64) -> Fraction {
    Fraction::try_from(value).unwrap()
}

pub(super) fn train(objective: Objective, tune: Tune) -> TrainPlan {
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
