//! The experiments and runs that a command line names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cliptune_experiment::{Experiment, ExperimentName, ModelSource, load};
use cliptune_store::{AnyRun, Listed, Run, RunStatus, Standings, Store, StoreError, Unknown};
use cliptune_terminal::{CommonArgs, Diagnostic, Exit, Printer, did_you_mean};

use crate::error::{CliError, NameError, OptionError};

/// The experiments that a command line names, each after those that it starts from.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) experiments: Vec<Experiment>,
    /// The `--set` arguments, as they were written.
    settings: Vec<String>,
}

impl Selection {
    /// Loads the experiments from files and folders.
    pub(crate) fn load(paths: &[PathBuf], common: &CommonArgs) -> Result<Self, CliError> {
        Ok(Self { experiments: load(paths, &common.set)?, settings: common.set.clone() })
    }

    /// Returns the experiment with this name.
    pub(crate) fn get(&self, name: &ExperimentName) -> Option<&Experiment> {
        self.experiments.iter().find(|experiment| experiment.name == *name)
    }

    /// Returns the experiment with everything that it starts from, however far back, in the order of the selection.
    pub(crate) fn with_bases<'a>(&'a self, experiment: &'a Experiment) -> Vec<&'a Experiment> {
        let mut wanted = vec![experiment];
        let mut at = 0;
        while let Some(one) = wanted.get(at) {
            let new: Vec<&Experiment> = bases(one).filter_map(|name| self.get(name)).collect();
            wanted.extend(new);
            at += 1;
        }
        let is_wanted = |one: &&Experiment| wanted.iter().any(|wanted| wanted.name == one.name);
        self.experiments.iter().filter(is_wanted).collect()
    }

    /// Returns the arguments with which a sibling program loads these experiments just as they were loaded here.
    ///
    /// A `--set` that applies to none of them is left out, because the sibling would reject it.
    pub(crate) fn arguments(&self, experiments: &[&Experiment]) -> Vec<OsString> {
        let files = experiments.iter().map(|experiment| experiment.file.clone().into_os_string());
        let is_taken = |set: &&String| experiments.iter().any(|one| one.settings.contains(*set));
        let settings = self.settings.iter().filter(is_taken);
        files.chain(settings.map(|set| OsString::from(format!("--set={set}")))).collect()
    }
}

/// Refuses `--set` for a command that reads no experiment.
pub(crate) fn refuse_settings(common: &CommonArgs) -> Result<(), CliError> {
    match common.set.is_empty() {
        true => Ok(()),
        false => Err(OptionError::NeedsFiles { option: "--set" }.into()),
    }
}

/// Returns the names of the experiments that an experiment starts from.
pub(crate) fn bases(experiment: &Experiment) -> impl Iterator<Item = &ExperimentName> {
    experiment.plans.iter().filter_map(|plan| match &plan.model.from {
        ModelSource::Run(reference) => Some(&reference.experiment),
        _ => None,
    })
}

/// Determines the standing of the experiments, and shows progress while files are read for the first time.
pub(crate) fn look(store: &Store, experiments: &[Experiment], printer: &Printer) -> Standings {
    // Most often no file has to be read, and then no progress is shown.
    let progress = OnceLock::new();
    let shown = || progress.get_or_init(|| printer.progress("looking at the data", 0, "bytes"));
    let found = cliptune_store::look(store, experiments, &|done, _| {
        if done > 0 {
            shown().set(done);
        }
    });
    if let Some(progress) = progress.into_inner() {
        progress.finish();
    }
    found
}

/// Returns the standings, or an error when every plan's standing is unknown: one that is no mistake of whoever asks, if there is
/// one.
pub(crate) fn somewhere(mut standings: Standings) -> Result<Standings, CliError> {
    if !standings.known.is_empty() || standings.unknown.is_empty() {
        return Ok(standings);
    }
    let is_failure = |unknown: &Unknown| unknown.error.exit() == Exit::Failed;
    let at = standings.unknown.iter().position(is_failure).unwrap_or_default();
    Err(standings.unknown.swap_remove(at).error.into())
}

/// Warns about damage in the store and about experiments whose standing is unknown.
pub(crate) fn tell(standings: &Standings, printer: &Printer) {
    for error in &standings.damage {
        warn_of(error, printer);
    }
    let mut told: Vec<String> = Vec::new();
    for text in standings.unknown.iter().map(left_out) {
        if !told.contains(&text) {
            printer.warn(&text);
            told.push(text);
        }
    }
}

/// Says that an experiment is left out, and why.
pub(crate) fn left_out(Unknown { plan, error }: &Unknown) -> String {
    format!("{} is left out: {}", plan.experiment, error.in_one_line())
}

/// Warns about damage, with a hint on how to repair it.
pub(crate) fn warn_of(error: &StoreError, printer: &Printer) {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    printer.warn(&format!("{}{hint}", error.in_one_line()));
}

/// Says that the run in a folder cannot be read, and is left out.
pub(crate) fn warn_of_unreadable(folder: &Path, error: &StoreError, printer: &Printer) {
    printer.warn(&format!("{} is no readable run: {}", short(folder), error.in_one_line()));
}

/// Returns the run of cliptune's that a name stands for, following the rules of [`Store::named`].
pub(crate) fn one_run(store: &Store, name: &str) -> Result<Run, CliError> {
    let mut found = store.named(name)?;
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(no_run(store, name)?),
        _ => Err(ambiguous(name, &found)),
    }
}

/// Returns the run that a name stands for, whether cliptune has made it or it was imported, following the rules of
/// [`Store::any_named`].
pub(crate) fn any_run(store: &Store, name: &str) -> Result<AnyRun, CliError> {
    let mut found = store.any_named(name)?;
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(no_run(store, name)?),
        _ => Err(ambiguous(name, &found)),
    }
}

/// Returns the error that a name stands for several runs.
pub(crate) fn ambiguous(name: &str, runs: &[impl Listed]) -> CliError {
    NameError::AmbiguousRun { name: name.to_owned(), runs: runs.iter().map(Listed::id).collect() }.into()
}

/// Returns the error that a name stands for no run of cliptune's, or that the run it stands for cannot be read.
pub(crate) fn no_run(store: &Store, name: &str) -> Result<CliError, CliError> {
    if let Some(AnyRun::Foreign(run)) = store.any_named(name)?.into_iter().next() {
        return Ok(StoreError::Foreign { run: run.id() }.into());
    }
    match store.damaged_named(name)?.into_iter().next() {
        Some((_, error)) => Ok(error.into()),
        None => no_readable_run(store, name),
    }
}

/// Returns the error that a name stands for no run that can be read.
pub(crate) fn no_readable_run(store: &Store, name: &str) -> Result<CliError, CliError> {
    let all = store.runs()?;
    let foreign = all.foreign.iter().map(Listed::id);
    let ids: Vec<String> = all.runs.iter().map(Run::id).chain(foreign).collect();
    let similar = did_you_mean(name, &ids).map(str::to_owned);
    Ok(NameError::NoRun { name: name.to_owned(), store: store.root().to_path_buf(), similar }.into())
}

/// Returns the run if it has a model and that model is the one that the run ended with.
pub(crate) fn complete(run: Run) -> Result<Run, CliError> {
    match run.status() {
        RunStatus::Done => run.verify_model().map(|()| run).map_err(CliError::from),
        status => Err(CliError::NoModel { run: run.id(), status }),
    }
}

/// Shows a path as a person would type it here: relative when it is below the working directory.
pub(crate) fn short(path: &Path) -> std::path::Display<'_> {
    let Ok(here) = std::env::current_dir() else { return path.display() };
    path.strip_prefix(here).unwrap_or(path).display()
}
