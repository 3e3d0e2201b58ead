//! `cliptune soup`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cliptune_clip::ModelFolder;
use cliptune_durable::StagedFolder;
use cliptune_store::{Base, Origin, Run, RunStatus, Store};
use cliptune_terminal::{CommonArgs, Exit, Printer};
use serde_json::json;

use crate::error::CliError;
use crate::selection::{complete, one_run};

/// Average the models of runs
///
/// Writes a model folder whose weights are the mean of the runs' (a model soup; Wortsman et al. 2022). An experiment with
/// `model: { from: DIR }` and no `train` section exports and scores it beside the others.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs as `cliptune show` takes them; an experiment's name stands for all of its completed runs
    #[arg(value_name = "RUN|EXPERIMENT", required = true)]
    runs: Vec<String>,

    /// Where to put it: a folder that is not there yet, or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let runs = ingredients(&Store::open(&common.store)?, &args.runs)?;
    let models =
        runs.iter().map(|run| ModelFolder::open(&run.model_folder())).collect::<Result<Vec<_>, _>>()?;
    let Some((first, others)) = models.split_first() else { return Err(CliError::OneRun { run: None }) };
    for (other, run) in others.iter().zip(&runs[1..]) {
        if let Some(what) = first.difference(other) {
            return Err(CliError::Unlike { what, first: runs[0].id(), second: run.id() });
        }
    }
    warn_of_differences(&runs, &printer);
    let staged = StagedFolder::claiming(&args.to)?;
    first.write_mean(others, staged.path())?;
    let origin = Origin::of(&runs);
    origin.write(staged.path())?;
    staged.claim()?;
    match printer.is_json() {
        true => printer.json(&json!({ "runs": origin.runs, "folder": args.to })),
        false => printer.data(&args.to.display().to_string()),
    }
    Ok(Exit::Done)
}

/// Finds the runs that were named and keeps each of them once.
fn ingredients(store: &Store, names: &[String]) -> Result<Vec<Run>, CliError> {
    let mut runs: Vec<Run> = Vec::new();
    for name in names {
        for run in named(store, name)? {
            if runs.iter().all(|other| other.id() != run.id()) {
                runs.push(run);
            }
        }
    }
    match runs.len() {
        0 | 1 => Err(CliError::OneRun { run: runs.first().map(Run::id) }),
        _ => Ok(runs),
    }
}

/// Returns the newest completed run of each key of an experiment or, if there is none, the run that the name stands
/// for.
fn named(store: &Store, name: &str) -> Result<Vec<Run>, CliError> {
    let mut runs = store.runs()?.runs;
    runs.retain(|run| run.record().experiment.as_str() == name && run.status() == RunStatus::Done);
    runs.reverse();
    let mut keys = BTreeSet::new();
    runs.retain(|run| keys.insert(run.record().key.clone()));
    runs.reverse();
    match runs.is_empty() {
        true => Ok(vec![complete(one_run(store, name)?)?]),
        false => runs.into_iter().map(complete).collect(),
    }
}

/// Warns when averaging may not help: when the models started from different weights, and when one of them has seen
/// data that the others have not, because the mean then has seen it as well.
fn warn_of_differences(runs: &[Run], printer: &Printer) {
    let differ = |of: &dyn Fn(&Run) -> String| runs.iter().map(of).collect::<BTreeSet<_>>().len() > 1;
    if differ(&start) {
        printer.warn("these runs have not started from the same weights: their mean is seldom a good model");
    }
    if differ(&|run| run.record().dataset.clone()) {
        printer.warn("these runs were trained on different datasets: their mean has seen all of them");
    }
}

/// Describes the weights that a run started from.
fn start(run: &Run) -> String {
    match &run.record().base {
        // Another seed gives other random weights.
        Base::Scratch => format!("scratch {}", run.record().seed),
        Base::Folder { hash } | Base::Hub { hash, .. } => hash.clone(),
        Base::Run { key, .. } => key.clone(),
    }
}
