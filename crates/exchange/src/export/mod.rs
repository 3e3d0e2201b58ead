//! Runs as other tools lay them out.
//!
//! [`export`] writes runs into a folder of its own, which has its name only when all of it is there.

mod content;
mod dvc;
mod facts;
mod files;
mod lineage;
mod mlflow;
mod model_card;
mod tables;
mod tensorboard;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use cliptune_durable::StagedFolder;
use cliptune_store::{AnyRun, Listed, Run, Store, StoreError};
use fs_err as fs;

use crate::error::ExchangeError;
use content::Reader;
use tables::Form;

/// The tool or the kind of tables that runs are written for. The command line shows these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A tracking database and artifacts for `mlflow server`
    Mlflow,
    /// Parameters, metrics and plots for `dvc`, with a pipeline that calls the tools
    Dvc,
    /// Event files for `tensorboard --logdir DIR`
    Tensorboard,
    /// A README.md for the Hugging Face Hub, with the scores and how the model is used
    ModelCard,
    /// Tables of CSV: runs, settings, metrics, events
    Csv,
    /// The same tables as parquet files
    Parquet,
    /// The same tables as JSON
    Json,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The format.
    pub format: Format,
    /// Whether the weights and graphs come along where the format has a place for them.
    pub weights: bool,
}

/// What was written.
#[derive(Debug)]
pub struct Exported {
    /// The paths of all files in the folder, in order.
    pub files: Vec<PathBuf>,
    /// The names of the runs that have no scores, and were written without.
    pub without_scores: Vec<String>,
    /// The names of the runs that TensorBoard has nothing to show of, and that were left out.
    pub without_events: Vec<String>,
    /// The errors about parts of runs that were left out because they are damaged.
    pub damage: Vec<StoreError>,
}

/// Writes some runs, of which there is at least one, into a folder that is not there yet or empty.
///
/// # Errors
/// Returns an error when something is in the folder already, when it would lie in the store, when the format cannot hold a run, or
/// when something cannot be read or written. Nothing is left behind then.
pub fn export(store: &Store, runs: &[AnyRun], wanted: Wanted, to: &Path) -> Result<Exported, ExchangeError> {
    expect_outside(store, to)?;
    let staged = StagedFolder::claiming(to)?;
    let folder = staged.path();
    let (mut reader, mut without_events) = (Reader::default(), Vec::new());
    match wanted.format {
        Format::Mlflow => {
            mlflow::write(store, runs, &mut reader, wanted.weights, folder, &place(folder, to)?)?;
        }
        Format::Dvc => {
            let place = place(folder, to)?;
            each(&own(runs)?, |run, own| {
                dvc::write(store, &reader.read(run), &folder.join(own), &place.join(own))
            })?;
        }
        Format::Tensorboard => without_events = tensorboard::write(&own(runs)?, folder)?,
        Format::ModelCard => {
            each(&own(runs)?, |run, own| model_card::write(store, &reader.read(run), &folder.join(own)))?;
        }
        Format::Csv => tables::write(store, runs, &mut reader, Form::Csv, folder)?,
        Format::Parquet => tables::write(store, runs, &mut reader, Form::Parquet, folder)?,
        Format::Json => tables::write(store, runs, &mut reader, Form::Json, folder)?,
    }
    let files = files::listed(folder)?;
    staged.claim()?;
    Ok(Exported { files, without_scores: reader.unscored, without_events, damage: reader.damage })
}

/// Returns the runs, if none of them was imported: of those, there is nothing but what tables and MLflow hold.
fn own(runs: &[AnyRun]) -> Result<Vec<Run>, ExchangeError> {
    let own = |run: &AnyRun| run.own().cloned().ok_or_else(|| ExchangeError::Foreign { run: run.id() });
    runs.iter().map(own).collect()
}

/// Makes sure that a folder is not made in the store, where its own folders would be taken for runs.
fn expect_outside(store: &Store, to: &Path) -> Result<(), ExchangeError> {
    let root = fs::canonicalize(store.root())?;
    let place = std::path::absolute(to)?;
    let above = place.ancestors().find_map(|folder| fs::canonicalize(folder).ok());
    match above.is_some_and(|folder| folder.starts_with(&root)) {
        true => Err(ExchangeError::InStore { path: to.to_path_buf() }),
        false => Ok(()),
    }
}

/// Writes each run into the folder itself if there is only one, and else into a folder of its own in it.
fn each(
    runs: &[Run],
    mut write: impl FnMut(&Run, &Path) -> Result<(), ExchangeError>,
) -> Result<(), ExchangeError> {
    match runs {
        [run] => write(run, Path::new("")),
        runs => runs.iter().try_for_each(|run| write(run, &files::own(run))),
    }
}

/// Returns the path that a staged folder will have, without links and dots in it as far as that can be said.
fn place(staged: &Path, to: &Path) -> Result<PathBuf, ExchangeError> {
    let above = fs::canonicalize(staged.parent().unwrap_or(staged))?;
    Ok(match to.file_name() {
        Some(name) => above.join(name),
        None => std::path::absolute(to)?,
    })
}
