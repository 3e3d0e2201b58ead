//! The experiment language: YAML, schema, sweeps and the resolved plan.
//!
//! [`load`] reads files, [`schema`] describes them for editors, and everything else works from a [`Plan`]. A file goes
//! through a few small steps: `yaml` parses it into a tree whose nodes know their place, `document` lays it over the
//! file that it extends, `overrides` and `sweep` lay settings over that, `check` compares it with the tables of
//! `language`, `defaults` fills it in, and the decoders beside the tables read the plan.

mod check;
mod defaults;
mod document;
mod error;
mod language;
mod listing;
mod load;
#[cfg(test)]
mod manual;
mod merge;
mod origins;
mod overrides;
mod plain;
mod plan;
mod point;
mod portable;
mod problem;
mod reference;
mod render;
mod schema;
mod shape;
mod source;
mod spelling;
mod suggest;
mod sweep;
mod usual;
mod values;
mod write;
mod yaml;

pub use error::LoadError;
pub use language::table_format;
pub use listing::{PlanOption, setting_keys};
pub use load::load;
pub use plain::plain_yaml;
pub use plan::{
    Access, Activation, Architecture, Augment, CheckpointInterval, ColorJitter, Columns, Compute, Control,
    DataPlan, Decay, Experiment, ExportPlan, FoldSource, Folds, ImageFit, ImageKey, Join, Label,
    LabelReading, Location, LogitScale, Lora, LoraTarget, LoraTargets, MemorySize, ModelPlan, ModelSource,
    NearDuplicates, Objective, OptimizerPlan, Partition, Plan, Precision, RandomErasing, RandomResizedCrop,
    Reduction, RemoteAddress, Require, Resources, RunReference, Sample, Schedule, ScorePlan, Select, Split,
    SplitBy, SplitPlan, SplitShares, TableFormat, TableSource, Task, TaskKind, Template, Templates,
    TimeLimit, TrainPlan, Transformer, Tune, UpdateRule, Verify, Warmup,
};
pub use portable::{relative, reread};
pub use schema::schema;
pub use spelling::{spelled, spelled_number};
pub use values::{
    BatchSize, EmaDecay, ExperimentName, Fraction, Impossible, LearningRate, RESERVED_NAMES, Seed,
};
pub use write::{WriteError, yaml_text};
