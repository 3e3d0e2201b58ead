//! `cliptune export RUN… --as FORMAT`: runs as other tools have them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use cliptune_exchange::export::{Exported, Format, Wanted, export};
use cliptune_store::{AnyRun, Listed, Run, RunStatus, Store, StoreError};
use cliptune_terminal::{CommonArgs, Exit, Printer, format};
use serde_json::json;

use crate::commands::compare::expect_files;
use crate::error::{CliError, OptionError};
use crate::of_files::runs_of_files;
use crate::selection::{ambiguous, complete, no_run, warn_of, warn_of_unreadable};

/// Writes the runs that some names stand for.
pub(super) fn write(
    names: &[String],
    format: Format,
    weights: bool,
    to: &Path,
    common: &CommonArgs,
) -> Result<Exit, CliError> {
    if weights && format != Format::Mlflow {
        return Err(OptionError::OnlyFor { option: "--weights", of: "--as mlflow" }.into());
    }
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    let runs = Names { store: &store, common, printer: &printer, has_files: false }.runs(names)?;
    if weights {
        runs.iter().try_for_each(expect_weights)?;
    }
    let exported = export(&store, &runs, Wanted { format, weights }, to)?;
    warn(&runs, &exported, &printer);
    match printer.is_json() {
        true => printer.json(&json!({
            "runs": runs.iter().map(Listed::id).collect::<Vec<_>>(),
            "folder": to.display().to_string(),
            "files": exported.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        })),
        false => printer.data(&to.display().to_string()),
    }
    Ok(Exit::Done)
}

/// Makes sure that a run has a model, which is the one that it ended with.
fn expect_weights(run: &AnyRun) -> Result<(), CliError> {
    match run.own() {
        Some(run) => complete(run.clone()).map(drop),
        None => Err(StoreError::Foreign { run: run.id() }.into()),
    }
}

/// Finds the runs that are named.
struct Names<'a> {
    store: &'a Store,
    common: &'a CommonArgs,
    printer: &'a Printer,
    /// Whether any name so far was that of files.
    has_files: bool,
}

impl Names<'_> {
    /// Returns the runs that some names stand for, each once.
    fn runs(&mut self, names: &[String]) -> Result<Vec<AnyRun>, CliError> {
        self.warn_of_damaged(names)?;
        let (mut runs, mut known) = (Vec::new(), HashSet::new());
        for name in names {
            let named = self.named(name)?;
            runs.extend(named.into_iter().filter(|run| known.insert(run.id())));
        }
        expect_files(self.common, self.has_files)?;
        Ok(runs)
    }

    /// Says which runs of the experiments that are named cannot be read, and are left out.
    fn warn_of_damaged(&self, names: &[String]) -> Result<(), CliError> {
        let folder = |name: &String| self.store.root().join(name.split('@').next().unwrap_or_default());
        let folders: Vec<PathBuf> = names.iter().map(folder).collect();
        let is_named = |run: &Path| folders.iter().any(|folder| run.parent() == Some(folder.as_path()));
        let damaged = self.store.runs()?.damaged;
        let damaged = damaged.iter().filter(|(run, _)| is_named(run));
        damaged.for_each(|(run, error)| warn_of_unreadable(run, error, self.printer));
        Ok(())
    }

    /// Returns the runs that a name stands for: one run, those of an experiment, or those of experiment files.
    fn named(&mut self, name: &str) -> Result<Vec<AnyRun>, CliError> {
        let runs = self.store.any_named(name)?;
        let experiment = name.split('@').next().unwrap_or_default();
        let of_experiment = format!("{experiment}/");
        let are_of_one = runs.iter().all(|run| run.id().starts_with(&of_experiment));
        match runs.len() {
            0 if Path::new(name).exists() => {
                self.has_files = true;
                let runs = runs_of_files(PathBuf::from(name), self.store, self.common, self.printer)?;
                Ok(runs.into_iter().map(AnyRun::from).collect())
            }
            0 => Err(no_run(self.store, name)?),
            1 => Ok(runs),
            _ if are_of_one => Ok(runs),
            _ => Err(ambiguous(name, &runs)),
        }
    }
}

/// Says what is not all there.
fn warn(runs: &[AnyRun], exported: &Exported, printer: &Printer) {
    exported.damage.iter().for_each(|error| warn_of(error, printer));
    let running = runs.iter().filter_map(AnyRun::own).filter(|run| run.status() == RunStatus::Running);
    let running: Vec<String> = running.map(Run::id).collect();
    if !running.is_empty() {
        let are = format::agreed(running.len() as u64, "is", "are");
        printer.warn(&format!("{} {are} running: exported as of now", format::first_few(&running)));
    }
    if !exported.without_events.is_empty() {
        let left_out = format::first_few(&exported.without_events);
        printer.warn(&format!("left out, because TensorBoard has nothing to show of it: {left_out}"));
    }
    let unscored = &exported.without_scores;
    if !unscored.is_empty() {
        let have = format::agreed(unscored.len() as u64, "has", "have");
        printer.warn(&format!("{} {have} no scores, and went without", format::first_few(unscored)));
    }
}
