//! `cliptune export RUN… --as FORMAT`: runs as other tools have them.

use std::path::Path;

use clap::ValueEnum;
use cliptune_exchange::export::{self, Exported, Wanted, export};
use cliptune_store::{Run, RunStatus, Store};
use cliptune_terminal::{CommonArgs, Exit, Printer, format};
use serde_json::json;

use crate::error::CliError;
use crate::selection::{complete, no_run, warn_of};

/// The tool or the kind of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A tracking database and artifacts for `mlflow server`
    Mlflow,
    /// Tables of CSV: runs, settings, metrics, events
    Csv,
    /// The same tables as parquet files
    Parquet,
    /// The same tables as JSON
    Json,
}

impl From<Format> for export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Mlflow => Self::Mlflow,
            Format::Csv => Self::Csv,
            Format::Parquet => Self::Parquet,
            Format::Json => Self::Json,
        }
    }
}

/// Writes the runs that some names stand for.
pub(super) fn write(
    names: &[String],
    format: Format,
    weights: bool,
    to: &Path,
    common: &CommonArgs,
) -> Result<Exit, CliError> {
    if weights && format != Format::Mlflow {
        return Err(CliError::OnlyFor { option: "--weights", of: "--as mlflow" });
    }
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    let mut runs = all_named(&store, names)?;
    if weights {
        runs = runs.into_iter().map(complete).collect::<Result<_, _>>()?;
    }
    let exported = export(&store, &runs, Wanted { format: format.into(), weights }, to)?;
    warn(&runs, &exported, &printer);
    match printer.is_json() {
        true => printer.json(&json!({
            "runs": runs.iter().map(Run::id).collect::<Vec<_>>(),
            "folder": to.display().to_string(),
            "files": exported.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        })),
        false => printer.data(&to.display().to_string()),
    }
    Ok(Exit::Done)
}

/// Returns the runs that some names stand for, each once.
fn all_named(store: &Store, names: &[String]) -> Result<Vec<Run>, CliError> {
    let mut runs: Vec<Run> = Vec::new();
    for name in names {
        for run in named(store, name)? {
            if runs.iter().all(|other| other.id() != run.id()) {
                runs.push(run);
            }
        }
    }
    Ok(runs)
}

/// Returns the runs that a name stands for: those of an experiment, or one run.
fn named(store: &Store, name: &str) -> Result<Vec<Run>, CliError> {
    let runs = store.named(name)?;
    let experiment = name.split('@').next().unwrap_or_default();
    let are_of_one = runs.iter().all(|run| run.record().experiment.as_str() == experiment);
    match runs.len() {
        0 => Err(no_run(store, name)?),
        1 => Ok(runs),
        _ if are_of_one => Ok(runs),
        _ => Err(CliError::AmbiguousRun { name: name.to_owned(), runs: runs.iter().map(Run::id).collect() }),
    }
}

/// Says what is not all there.
fn warn(runs: &[Run], exported: &Exported, printer: &Printer) {
    exported.damage.iter().for_each(|error| warn_of(error, printer));
    let running = runs.iter().filter(|run| run.status() == RunStatus::Running);
    let running: Vec<String> = running.map(Run::id).collect();
    if !running.is_empty() {
        let are = format::agreed(running.len() as u64, "is", "are");
        printer.warn(&format!("{} {are} running: exported as of now", format::first_few(&running)));
    }
    let unscored = &exported.without_scores;
    if !unscored.is_empty() {
        let have = format::agreed(unscored.len() as u64, "has", "have");
        printer.warn(&format!("{} {have} no scores, and went without", format::first_few(unscored)));
    }
}
