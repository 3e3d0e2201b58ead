//! The resolved plan, which states what one run does, with every default filled in and every path absolute.
//!
//! A plan is made once from the YAML and never changes. The tools use it as it is; nothing after it looks at YAML,
//! defaults or overrides again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::values::{ExperimentName, Seed};

mod access;
mod architecture;
mod augment;
mod checkpoint;
mod data;
mod label;
mod location;
mod model;
mod objective;
mod optimizer;
mod outputs;
mod require;
mod resources;
mod sample;
mod schedule;
mod split;
mod templates;
mod train;
mod tune;

pub use access::Access;
pub use architecture::{Activation, Architecture, Transformer};
pub(crate) use architecture::{Configuration, NAME_OR_SIZES};
pub use augment::{Augment, ColorJitter, RandomErasing, RandomResizedCrop};
pub use checkpoint::CheckpointInterval;
pub use data::{Columns, DataPlan, ImageKey, Join, TableFormat, TableSource, Task, TaskKind, Verify};
pub use label::{Label, LabelReading};
pub use location::{Location, RemoteAddress};
pub use model::{ImageFit, ModelPlan, ModelSource, RunReference};
pub use objective::{Objective, Reduction};
pub use optimizer::{OptimizerPlan, UpdateRule};
pub use outputs::{Control, ExportPlan, Precision, ScorePlan};
pub use require::Require;
pub use resources::{MemorySize, Partition, Resources, TimeLimit};
pub use sample::Sample;
pub use schedule::{Decay, Schedule, Warmup};
pub use split::{FoldSource, Folds, NearDuplicates, Split, SplitBy, SplitPlan, SplitShares};
pub use templates::{Template, Templates};
pub use train::{Compute, Select, TrainPlan};
pub use tune::{LogitScale, Lora, LoraTarget, LoraTargets, Tune};

/// An experiment file and the runs that it stands for, in the order of its matrix and seeds.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The experiment's name.
    pub name: ExperimentName,
    /// The YAML file that it was read from.
    pub file: PathBuf,
    /// The author's description of the experiment.
    pub description: Option<String>,
    /// A plan for each point of the matrix and each seed. There is at least one.
    pub plans: Vec<Plan>,
    /// The settings (`key.path=value`) that had a meaning in the experiment, as they were written.
    pub settings: Vec<String>,
    /// The dotted keys that somebody declares: the file, those that it extends, its matrix or a setting. All other settings
    /// of the plans are defaults.
    pub declared: BTreeSet<String>,
}

impl Experiment {
    /// Returns the settings of the first plan that nobody declares, each with its dotted key, in the order of a resolved
    /// experiment.
    pub fn defaults(&self) -> Vec<(String, serde_json::Value)> {
        let is_declared = |key: &str| {
            let sections = key.match_indices('.').filter_map(|(at, _)| key.get(..at));
            sections.chain([key]).any(|key| self.declared.contains(key))
        };
        let settings = self.plans.first().map(Plan::settings).unwrap_or_default();
        settings.into_iter().filter(|(key, _)| !is_declared(key)).collect()
    }

    /// Checks whether one of some files and folders names the experiment. Otherwise it came along, because another one
    /// starts from it.
    pub fn is_named_by(&self, paths: &[PathBuf]) -> bool {
        paths.iter().any(|path| self.file.starts_with(path))
    }
}

/// The axis of a matrix whose values are the folds of one cross-validation.
const FOLD_AXIS: &str = "data.split.test_fold";

impl Plan {
    /// Returns the fold that is tested, if the plan is one of those that a matrix has for the folds.
    pub fn fold(&self) -> Option<u32> {
        let folds = self.data.split.folds.as_ref()?;
        self.axes.contains_key(FOLD_AXIS).then_some(folds.test)
    }

    /// Returns the plan's point of the matrix without its fold. The plans of one cross-validation share it.
    pub fn point(&self) -> BTreeMap<String, serde_json::Value> {
        let mut point = self.axes.clone();
        point.remove(FOLD_AXIS);
        point
    }

    /// Returns the axes of the plan with their values, each by the last part of its key: `lr`. Where that would not tell it
    /// from another axis or from the run's seed, it is called by the last two: `split.seed`.
    pub fn named_axes(&self) -> impl Iterator<Item = (&str, &serde_json::Value)> {
        let last = |key: &'_ str| key.rfind('.').map_or(0, |dot| dot + 1);
        self.axes.iter().map(move |(key, value)| {
            let own = &key[last(key)..];
            let is_shared = self.axes.keys().filter(|other| other[last(other)..] == *own).count() > 1;
            let from = match own == "seed" || is_shared {
                true => last(key[..last(key)].trim_end_matches('.')),
                false => last(key),
            };
            (&key[from..], value)
        })
    }

    /// Returns the settings that all seeds and all folds of the plan's point of the matrix share.
    pub fn shared_settings(&self) -> Vec<(String, serde_json::Value)> {
        let mut settings = self.settings();
        settings.retain(|(key, _)| self.fold().is_none() || key != FOLD_AXIS);
        settings
    }

    /// Returns every path of the plan that is on this machine: those of its sources and that of a model folder.
    pub fn local_paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let model = match &mut self.model.from {
            ModelSource::Folder(folder) => Some(folder),
            ModelSource::Scratch(_) | ModelSource::Hub(_) | ModelSource::Run(_) => None,
        };
        self.data.local_paths_mut().chain(model)
    }
}

/// What one run is to do: all its settings and its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The name of the experiment that the run belongs to.
    pub experiment: ExperimentName,
    /// The author's description of the experiment.
    pub description: Option<String>,
    /// The dataset.
    pub data: DataPlan,
    /// The starting point of the weights.
    pub model: ModelPlan,
    /// How the weights are trained. Without it the model is scored as it is.
    pub train: Option<TrainPlan>,
    /// The interval at which training saves a checkpoint. Runs recorded before this could be chosen have the default.
    #[serde(default)]
    pub checkpoint: CheckpointInterval,
    /// What a scheduler sets aside for the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// What is exported.
    pub export: ExportPlan,
    /// What is scored.
    pub score: ScorePlan,
    /// The run's seed, which decides the initial weights and the order of the data.
    pub seed: Seed,
    /// The point of `matrix:` that this run belongs to, by dotted key. It is empty without a matrix.
    pub axes: BTreeMap<String, serde_json::Value>,
}
