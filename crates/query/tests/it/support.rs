//! A store with a few runs, and ways to ask it.

use std::path::PathBuf;

use cliptune_experiment::{Plan, Split};
use cliptune_query::{Query, QueryError, Runs};
use cliptune_store::{Outcome, Run, Store};
use tempfile::TempDir;

use crate::drawn;

/// A store with two experiments: `first` with three runs of which one failed, `second` with one.
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
        for (run, accuracy) in runs.iter().zip([0.5, 0.75]) {
            drawn::score(run, Split::Validation, accuracy);
            drawn::score(run, Split::Test, accuracy - 0.125);
            drawn::log(run, 4);
        }
        Self { folder, store, runs }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asks, and returns the rows with `|` between the values.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<String>, QueryError> {
        let runs = Runs::open(&self.store)?;
        let answer = Query::open(&self.store, &runs, sql, None)?.answer()?;
        let rows = answer.rows().map(|row| {
            let cells: Vec<&str> = row.into_iter().map(|cell| cell.unwrap_or("NULL")).collect();
            cells.join("|")
        });
        Ok(rows.collect())
    }

    pub(crate) fn answer(&self, sql: &str) -> Vec<String> {
        self.ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
