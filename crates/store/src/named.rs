//! Finds runs by name.

use std::path::Path;

use fs_err as fs;

use crate::error::StoreError;
use crate::run::{Run, RunStatus};
use crate::store::Store;

impl Store {
    /// Returns the runs that a name can stand for. A name is unambiguous when there is exactly one.
    ///
    /// A name can be a run as it is listed (`tuned/20260101T090000Z-0a1b2c-s0`, with or without its experiment), the
    /// folder of a run, an experiment with a seed (`tuned@0`), an experiment that has one run, or the beginning of
    /// one of these. Of the runs of one experiment, seed and point of the matrix, the newest complete one is meant,
    /// or the newest one if none is complete.
    pub fn named(&self, name: &str) -> Result<Vec<Run>, StoreError> {
        let runs = self.runs()?.runs;
        let readings: [&dyn Fn(&Run) -> bool; 2] =
            [&|run| run.id() == name || run.record().run == name, &|run| is_folder(run, name)];
        for reading in readings {
            let found: Vec<Run> = runs.iter().filter(|run| reading(run)).cloned().collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let of_experiment = newest_of_each(runs.iter().filter(|run| is_of_experiment(run, name)));
        if !of_experiment.is_empty() {
            return Ok(of_experiment);
        }
        let begins = |run: &&Run| run.id().starts_with(name) || run.record().run.starts_with(name);
        Ok(runs.iter().filter(begins).cloned().collect())
    }
}

fn is_folder(run: &Run, name: &str) -> bool {
    let (Ok(folder), Ok(named)) = (fs::canonicalize(run.folder()), fs::canonicalize(Path::new(name))) else {
        return false;
    };
    folder == named
}

/// Checks whether a name is the `experiment` or `experiment@seed` of a run.
fn is_of_experiment(run: &Run, name: &str) -> bool {
    let record = run.record();
    let experiment = record.experiment.as_str();
    name == experiment || name == format!("{experiment}@{}", record.seed)
}

/// Returns the newest complete run of each seed and point of the matrix, or the newest one if none is complete. The
/// given runs have to be in order, oldest first.
fn newest_of_each<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<Run> {
    let mut newest: Vec<Run> = Vec::new();
    for run in runs {
        let same = |other: &&mut Run| {
            other.record().seed == run.record().seed && other.record().plan.axes == run.record().plan.axes
        };
        match newest.iter_mut().find(same) {
            Some(other) if run.status() == RunStatus::Done || other.status() != RunStatus::Done => {
                *other = run.clone();
            }
            Some(_) => {}
            None => newest.push(run.clone()),
        }
    }
    newest
}
