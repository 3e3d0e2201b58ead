//! The runs that experiment files stand for now.

use std::path::PathBuf;

use cliptune_experiment::{Plan, spelled};
use cliptune_store::{Run, Store};
use cliptune_terminal::{CommonArgs, Printer, format};

use crate::error::{CliError, ComparisonError};
use crate::selection::{Selection, look, somewhere, tell};

/// Returns the runs that an experiment file, or a folder of them, stands for now, of which there is at least one, and says which are
/// not there.
pub(crate) fn runs_of_files(
    path: PathBuf,
    store: &Store,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<Vec<Run>, CliError> {
    let paths = std::slice::from_ref(&path);
    let mut selection = Selection::load(paths, common)?;
    // What another experiment starts from is not meant with it.
    let named: Vec<_> = selection.experiments.iter().map(|one| one.is_named_by(paths)).collect();
    let standings = somewhere(look(store, &selection.experiments, printer))?;
    tell(&standings, printer);
    let mut named = named.into_iter();
    selection.experiments.retain(|_| named.next().unwrap_or_default());
    let mut known = standings.known;
    known.retain(|standing| selection.get(&standing.plan.experiment).is_some());
    let missing: Vec<&Plan> =
        known.iter().filter(|standing| standing.run.is_none()).map(|standing| &standing.plan).collect();
    match (missing.len(), known.len()) {
        (all, of) if all == of => return Err(ComparisonError::NotRun { path }.into()),
        (0, _) => {}
        (some, of) => {
            let names: Vec<String> = missing.iter().map(|plan| spelled_out(plan, true)).collect();
            let runs = format::counted(of as u64, "run");
            printer.warn(&format!("{some} of {runs} are not there: {}", format::first_few(&names)));
        }
    }
    Ok(known.into_iter().filter_map(|standing| standing.run).collect())
}

/// Returns the name of a plan, with its seed where that matters: `tuned@0 lr=0.001`.
pub(crate) fn spelled_out(plan: &Plan, has_seed: bool) -> String {
    let seed = if has_seed { format!("@{}", plan.seed) } else { String::new() };
    let point: String =
        plan.named_axes().map(|(name, value)| format!(" {name}={}", spelled(value))).collect();
    format!("{}{seed}{point}", plan.experiment)
}
