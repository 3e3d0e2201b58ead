//! A store with a few runs.

use std::path::PathBuf;

use cliptune_experiment::{Plan, Split};
use cliptune_store::{Outcome, Run, Store};
use tempfile::TempDir;

use crate::drawn;

/// A store with two experiments: `first` with two runs that are scored and one that failed, `second` with one that nobody scored.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) store: Store,
    pub(crate) runs: Vec<Run>,
}

impl World {
    /// Draws the store. The accuracies are those of the two runs that are scored, on the validation and on the test split.
    pub(crate) fn scored(accuracies: [[f64; 2]; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs")).unwrap();
        let first = drawn::plans(folder.path(), "first");
        let second = drawn::plans(folder.path(), "second");
        let is_lora = |plan: &&Plan| {
            plan.seed != first[0].seed
                && plan.axes["train.tune"] == "lora"
                && plan.axes["train.optimizer.lr"] == first[0].axes["train.optimizer.lr"]
        };
        let lora = first.iter().find(is_lora).unwrap();
        let done = || Some(Outcome::Done { best_epoch: 2 });
        let failed = Some(Outcome::Failed { message: "=the loss|\u{1b}[31m is NaN".to_owned() });
        let runs = vec![
            drawn::run(&store, &first[0], 1, done()),
            drawn::run(&store, lora, 2, done()),
            drawn::run(&store, &first[0], 3, failed),
            drawn::run(&store, &second[0], 0, done()),
        ];
        for (run, accuracies) in runs.iter().zip(accuracies) {
            for (split, accuracy) in [Split::Validation, Split::Test].into_iter().zip(accuracies) {
                drawn::score(run, split, accuracy);
            }
            drawn::log(run, 4);
        }
        Self { folder, store, runs }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
