//! `run.json`: what a run is, what it was made from, and how it ended.

use std::collections::BTreeMap;

use cliptune_experiment::{ExperimentName, Plan, Seed};
use serde::{Deserialize, Serialize};

/// The record of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this record.
    pub format_version: u32,
    /// Name of the run's folder: `<utc>-<hash6>-s<seed>`.
    pub run: String,
    /// The experiment it belongs to.
    pub experiment: ExperimentName,
    /// The run's seed.
    pub seed: Seed,
    /// Identity of everything that decides the result: dataset, starting weights, settings, seed, version of the
    /// training procedure. BLAKE3, 64 hexadecimal digits. Two runs of the same key have the same result.
    pub key: String,
    /// The resolved plan.
    pub plan: Plan,
    /// Hash of the dataset.
    pub dataset: String,
    /// Where the weights came from.
    pub base: Base,
    /// Datasets whose train and validation splits the starting weights have seen, oldest first.
    pub lineage: Vec<String>,
    /// Who made it, with what.
    pub provenance: Provenance,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// How it ended; absent while it runs and after a crash.
    pub end: Option<End>,
}

impl RunRecord {
    /// Whether the run was trained and has kept its starting weights all the same, because no epoch was better by
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
    /// A folder.
    Folder {
        /// BLAKE3 over its weights and configuration.
        hash: String,
    },
    /// A model of the Hugging Face Hub.
    Hub {
        /// `organisation/name`, and the revision that was asked for, if any.
        id: String,
        /// The commit that was used.
        commit: String,
        /// BLAKE3 over its weights and configuration, as of a folder.
        hash: String,
    },
    /// Another run's model.
    Run {
        /// `<experiment>/<run>`.
        run: String,
        /// That run's key.
        key: String,
    },
}

/// Who made a run, with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of cliptune.
    pub cliptune: String,
    /// BLAKE3 of the training binary.
    pub binary: String,
    /// Commit of the git checkout that the experiment file is in, with `+` when it has changes; if any.
    pub git_commit: Option<String>,
    /// The machine's name.
    pub host: String,
    /// `cpu` or the GPU's name.
    pub device: String,
    /// Threads used.
    pub threads: usize,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// How.
    pub outcome: Outcome,
    /// Seconds spent on the run, summed over the processes that have worked on it; pauses do not count.
    pub seconds: f64,
    /// Peak memory of the process in bytes, where known.
    pub peak_memory: Option<u64>,
    /// The BLAKE3 of every file of the model and its export, by its path in the run's folder; empty unless the run is
    /// done.
    pub files: BTreeMap<String, String>,
}

/// The ways a run can end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// Trained and exported.
    Done {
        /// The epoch whose weights were kept; 0 for the starting weights, because nothing was trained or no epoch was
        /// better.
        best_epoch: usize,
    },
    /// Stopped by a signal after saving.
    Interrupted,
    /// It failed.
    Failed {
        /// The error.
        message: String,
    },
}
