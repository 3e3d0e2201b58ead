//! Runs for MLflow: a tracking database that it opens as it is, and the artifacts beside it.
//!
//! MLflow has two kinds of stores on disk. Its folders of files are in maintenance mode, and since 3.13 it refuses them unless a
//! variable is set; a database of SQLite is what it makes by default.

mod database;
mod entry;
mod foreign;
mod names;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cliptune_durable::write_remade;
use cliptune_query::Runs;
use cliptune_store::{AnyRun, Listed, Scores, Store, write_json};
use fs_err as fs;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::content::{Content, ForeignContent, Reader};
use super::facts::Facts;
use super::files::{copy_file, copy_files};
use crate::error::ExchangeError;
use database::Database;
use entry::Entry;

/// The name that `mlflow server` looks for in its folder.
const DATABASE: &str = "mlflow.db";
/// The folder of all artifacts.
const ARTIFACTS: &str = "mlartifacts";
/// The experiment that every store of MLflow has, with the number 0.
const DEFAULT: &str = "Default";

/// What is escaped in the path of a URI.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Writes runs into a folder that will have the path `place`. One that was imported is in the experiment that it is shown beside.
pub(super) fn write(
    store: &Store,
    runs: &[AnyRun],
    reader: &mut Reader,
    weights: bool,
    folder: &Path,
    place: &Path,
) -> Result<(), ExchangeError> {
    let known = Runs::open(store)?;
    let facts = Facts::of(&known)?;
    let database = Database::create(&folder.join(DATABASE))?;
    let experiments = experiments(runs);
    for (number, name) in experiments.iter().enumerate() {
        database.experiment(number, name, &uri(&place.join(ARTIFACTS).join(number.to_string())))?;
    }
    for run in runs {
        let name = experiment(run);
        let number = experiments.iter().position(|one| *one == name).unwrap_or_default();
        let facts = facts.about(&run.id());
        let make = |mut entry: Entry| -> Result<PathBuf, ExchangeError> {
            let artifacts = Path::new(ARTIFACTS).join(number.to_string()).join(&entry.id).join("artifacts");
            entry.artifacts = uri(&place.join(&artifacts));
            database.run(number, &entry)?;
            Ok(folder.join(artifacts))
        };
        match run {
            AnyRun::Own(run) => {
                let content = reader.read(run);
                write_artifacts(&content, weights, &make(Entry::of(&content, &facts))?)?;
            }
            AnyRun::Foreign(run) => {
                let content = reader.read_foreign(run);
                write_foreign_artifacts(&content, &make(Entry::of_foreign(&content, &facts))?)?;
            }
        }
    }
    Ok(database.finish()?)
}

/// Returns the name of the experiment that a run is in, or that it is shown beside; of an imported one that is beside none, its own.
fn experiment(run: &AnyRun) -> &str {
    match run {
        AnyRun::Own(run) => run.record().experiment.as_str(),
        AnyRun::Foreign(run) => {
            let record = run.record();
            record.experiment.as_ref().unwrap_or(&record.name).as_str()
        }
    }
}

/// Returns the names of the experiments, each at the place that is its number in MLflow.
fn experiments(runs: &[AnyRun]) -> Vec<&str> {
    let mut names = vec![DEFAULT];
    for name in runs.iter().map(experiment) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Writes the artifacts of a run: its record and plan, its log, its scores and predictions, and its model and graphs if asked to.
fn write_artifacts(content: &Content, weights: bool, folder: &Path) -> Result<(), ExchangeError> {
    let run = &content.run;
    fs::create_dir_all(folder)?;
    write_json(&folder.join("run.json"), run.record())?;
    write_remade(&folder.join("experiment.yaml"), run.record().plan.to_yaml()?.as_bytes())?;
    copy_file(&run.events_file(), folder)?;
    copy_scores(run, &content.scores, folder)?;
    if weights {
        copy_files(&run.model_folder(), &folder.join("model"))?;
        copy_files(&run.onnx_folder(), &folder.join("onnx"))?;
    }
    Ok(())
}

/// Writes the artifacts of an imported run: its record, and the scores of its predictions.
fn write_foreign_artifacts(content: &ForeignContent, folder: &Path) -> Result<(), ExchangeError> {
    fs::create_dir_all(folder)?;
    write_json(&folder.join("foreign.json"), content.run.record())?;
    copy_scores(&content.run, &content.scores, folder)
}

/// Copies the scores of a run with its predictions.
fn copy_scores(run: &impl Listed, scores: &[Scores], folder: &Path) -> Result<(), ExchangeError> {
    for split in scores.iter().map(|scores| scores.split) {
        copy_files(&run.scores_folder(split), &folder.join("scores").join(split.as_str()))?;
    }
    Ok(())
}

fn uri(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_bytes(), ESCAPED))
}
