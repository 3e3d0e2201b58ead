//! A store with a few runs, and ways to export them.

use std::path::{Path, PathBuf};

use cliptune_exchange::ExchangeError;
use cliptune_exchange::export::{Exported, Format, Wanted, export};
use cliptune_experiment::{Plan, Split};
use cliptune_store::{AnyRun, Outcome, Run, Store};
use fs_err as fs;
use tempfile::TempDir;

use crate::drawn;

/// A store with two scored runs of one experiment, a third one that failed, and one of another experiment that nobody scored.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) store: Store,
    pub(crate) runs: Vec<Run>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs")).unwrap();
        let first = drawn::plans(folder.path(), "first");
        let second = drawn::plans(folder.path(), "second");
        let other_seed = |plan: &&Plan| plan.seed != first[0].seed;
        let done = || Some(Outcome::Done { best_epoch: 2 });
        let failed = Some(Outcome::Failed { message: "=the loss|\u{1b}[31m is NaN".to_owned() });
        let runs = vec![
            drawn::run(&store, &first[0], 1, done()),
            drawn::run(&store, first.iter().find(other_seed).unwrap(), 2, done()),
            drawn::run(&store, &first[0], 3, failed),
            drawn::run(&store, &second[0], 0, done()),
        ];
        for (run, accuracy) in runs.iter().zip([0.1 + 0.2, 0.75]) {
            drawn::score(run, Split::Validation, accuracy);
            drawn::score(run, Split::Test, accuracy);
            drawn::log(run, 4);
        }
        Self { folder, store, runs }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exports some of the runs into a folder beside the store.
    pub(crate) fn export(&self, runs: &[Run], format: Format, name: &str) -> Result<Exported, ExchangeError> {
        let runs: Vec<AnyRun> = runs.iter().cloned().map(AnyRun::from).collect();
        self.export_any(&runs, format, name)
    }

    /// Exports some runs, whoever has made them.
    pub(crate) fn export_any(
        &self,
        runs: &[AnyRun],
        format: Format,
        name: &str,
    ) -> Result<Exported, ExchangeError> {
        export(&self.store, runs, Wanted { format, weights: false }, &self.path(name))
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }
}

/// Returns the paths as texts.
pub(crate) fn texts(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|path| Path::to_str(path).unwrap()).collect()
}
