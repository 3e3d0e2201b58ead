//! `model`: the starting point of the weights.

use std::path::PathBuf;

use cliptune_hub::HubId;
use serde::{Deserialize, Serialize};

use super::architecture::Architecture;
use crate::language::{Vocabulary, words};
use crate::values::{ExperimentName, Seed};

/// `model`: the starting point of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPlan {
    /// The starting point.
    pub from: ModelSource,
    /// The way an image becomes a square. When absent, the starting point's preprocessor decides.
    pub image_fit: Option<ImageFit>,
}

/// The starting point of a run's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelSource {
    /// The weights are random, in a declared architecture.
    Scratch(Architecture),
    /// A folder in the layout of Hugging Face or open_clip.
    Folder(PathBuf),
    /// A model on the Hugging Face Hub.
    Hub(HubId),
    /// The model of another experiment's run.
    Run(RunReference),
}

/// Writes the starting point as in an experiment file.
impl std::fmt::Display for ModelSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scratch(_) => f.write_str("scratch"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Hub(id) => id.fmt(f),
            Self::Run(reference) => f.write_str(&reference.written()),
        }
    }
}

/// The run of another experiment: `run:NAME`, `run:NAME@SEED` or `run:NAME@{seed}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReference {
    /// The name of the experiment.
    pub experiment: ExperimentName,
    /// The seed of the run. It may be absent when the experiment has a single run.
    pub seed: Option<Seed>,
    /// Whether every seed starts from the run of its own seed. [`seed`](Self::seed) is then that of the plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_paired: bool,
}

impl RunReference {
    /// Checks whether the run of an experiment with a seed is one that is meant.
    pub fn means(&self, experiment: &ExperimentName, seed: Seed) -> bool {
        self.experiment == *experiment && self.seed.is_none_or(|wanted| wanted == seed)
    }

    /// What stands for the seed of the run that starts from another one.
    pub(crate) const PAIRED: &str = "{seed}";

    /// Returns the reference as it is written in an experiment file.
    pub fn written(&self) -> String {
        match self.is_paired {
            true => format!("run:{}@{}", self.experiment, Self::PAIRED),
            false => self.to_string(),
        }
    }
}

/// Writes the run that is meant.
impl std::fmt::Display for RunReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "run:{}@{seed}", self.experiment),
            None => write!(f, "run:{}", self.experiment),
        }
    }
}

words! {
    /// How an image becomes a square.
    pub enum ImageFit {
        /// The shorter side is resized, and the middle is kept.
        Crop = "crop",
        /// The longer side is resized, and the rest is filled.
        Pad = "pad",
        /// Both sides are resized, whatever that does to the proportions.
        Squash = "squash",
    }
}

impl ModelSource {
    /// Settles which run is meant by a reference that pairs seeds.
    pub(crate) fn for_seed(&mut self, seed: Seed) {
        if let Self::Run(reference) = self
            && reference.is_paired
        {
            reference.seed = Some(seed);
        }
    }
}

impl ImageFit {
    /// Returns the word for this fit in the language.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}
