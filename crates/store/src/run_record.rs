//! `run.json`: what a run is, what it was made from, and how it ended.

use std::collections::BTreeMap;

use cliptune_experiment::{ExperimentName, Plan, Seed};
use cliptune_machine::Usage;
use serde::{Deserialize, Serialize};

use crate::run::RunStatus;

/// The record of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this record.
    pub format_version: u32,
    /// The name of the run's folder: `<utc>-<hash6>-s<seed>`.
    pub run: String,
    /// The experiment that the run belongs to.
    pub experiment: ExperimentName,
    /// The run's seed.
    pub seed: Seed,
    /// The identity of everything that decides the result: dataset, starting weights, settings, seed and the version
    /// of the training procedure. It is a BLAKE3 in 64 hexadecimal digits. Two runs with the same key have the same
    /// result.
    pub key: String,
    /// The resolved plan.
    pub plan: Plan,
    /// The hash of the dataset.
    pub dataset: String,
    /// The source of the starting weights.
    pub base: Base,
    /// The hashes of the datasets whose train and validation splits the starting weights have seen, oldest first.
    pub lineage: Vec<String>,
    /// The machine, program and commit that the run was made with.
    pub provenance: Provenance,
    /// The time at which the run began, in RFC 3339 and UTC.
    pub started: String,
    /// The record of how the run ended; absent while it runs and after a crash.
    pub end: Option<End>,
}

impl RunRecord {
    /// Checks whether the run was trained but has kept its starting weights, because no epoch was better by
    /// `train.select`.
    pub fn kept_start(&self) -> bool {
        let kept = self.end.as_ref().is_some_and(|end| end.outcome == Outcome::Done { best_epoch: 0 });
        kept && self.plan.train.is_some()
    }
}

/// The starting weights of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Base {
    /// Random weights.
    Scratch,
    /// The model in a folder.
    Folder {
        /// The BLAKE3 of the folder's weights and configuration.
        hash: String,
    },
    /// A model from the Hugging Face Hub.
    Hub {
        /// The identifier: `organisation/name`, and the revision if one was asked for.
        id: String,
        /// The commit that was used.
        commit: String,
        /// The BLAKE3 of the model's weights and configuration, as for a folder.
        hash: String,
    },
    /// Another run's model.
    Run {
        /// The name of that run, `<experiment>/<run>`.
        run: String,
        /// That run's key.
        key: String,
    },
}

/// The machine, program and commit that a run was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of cliptune.
    pub cliptune: String,
    /// The BLAKE3 of the training binary.
    pub binary: String,
    /// The commit of the git checkout that the experiment file is in, with `+` when there are uncommitted changes;
    /// `None` outside a checkout.
    pub git_commit: Option<String>,
    /// The name of the machine.
    pub host: String,
    /// The device: `cpu` or the name of the GPU.
    pub device: String,
    /// The number of threads of each process.
    pub threads: usize,
    /// The number of processes that began the run together, if there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<usize>,
}

/// The record of how a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// The time at which the run ended, in RFC 3339 and UTC.
    pub at: String,
    /// The way in which the run ended.
    pub outcome: Outcome,
    /// The seconds spent on the run, summed over all processes that have worked on it. Pauses do not count.
    pub seconds: f64,
    /// The most memory that one of the run's processes had, in bytes, where known.
    pub peak_memory: Option<u64>,
    /// What all processes that have worked on the run used of their machines, where it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The BLAKE3 of every file of the model and its export, by the file's path in the run's folder. It is empty
    /// unless the run is done.
    pub files: BTreeMap<String, String>,
}

/// The ways a run can end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// The run was trained and exported.
    Done {
        /// The epoch whose weights were kept. It is 0 when the starting weights were kept, either because nothing was
        /// trained or because no epoch was better.
        best_epoch: usize,
    },
    /// The run was stopped by a signal after saving.
    Interrupted,
    /// The run ended with an error.
    Failed {
        /// The error message.
        message: String,
    },
}

impl Outcome {
    /// Returns the status of a run that ended in this way.
    pub(crate) fn status(&self) -> RunStatus {
        match self {
            Self::Done { .. } => RunStatus::Done,
            Self::Interrupted => RunStatus::Interrupted,
            Self::Failed { .. } => RunStatus::Failed,
        }
    }
}
