//! The experiments and runs that a command line names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cliptune_experiment::{Experiment, ExperimentName, ModelSource, load};
use cliptune_store::{Run, RunStatus, Standing, Store, standings};
use cliptune_terminal::{CommonArgs, Printer, did_you_mean};

use crate::error::CliError;

/// The experiments that a command line names, each behind those it starts from.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) experiments: Vec<Experiment>,
    /// The `--set` arguments as they were written.
    settings: Vec<String>,
}

impl Selection {
    /// Loads files and folders.
    pub(crate) fn load(paths: &[PathBuf], common: &CommonArgs) -> Result<Self, CliError> {
        Ok(Self { experiments: load(paths, &common.set)?, settings: common.set.clone() })
    }

    /// The experiment of that name.
    pub(crate) fn get(&self, name: &ExperimentName) -> Option<&Experiment> {
        self.experiments.iter().find(|experiment| experiment.name == *name)
    }

    /// The experiment with all that it starts from, however far back, in their order.
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

    /// The arguments that make a sibling load these experiments as they are loaded here.
    ///
    /// A `--set` that has no place in any of them is left out: alone it would be an error.
    pub(crate) fn arguments(&self, experiments: &[&Experiment]) -> Vec<OsString> {
        let files = experiments.iter().map(|experiment| experiment.file.clone().into_os_string());
        let settings = self.settings.iter().filter(|set| experiments.iter().any(|one| has_place(one, set)));
        files.chain(settings.map(|set| OsString::from(format!("--set={set}")))).collect()
    }
}

/// The experiments that an experiment starts from.
pub(crate) fn bases(experiment: &Experiment) -> impl Iterator<Item = &ExperimentName> {
    experiment.plans.iter().filter_map(|plan| match &plan.model.from {
        ModelSource::Run(reference) => Some(&reference.experiment),
        _ => None,
    })
}

/// Whether a setting concerns an experiment: what lies in an optional section needs that section.
fn has_place(experiment: &Experiment, setting: &str) -> bool {
    let key = setting.trim_start();
    if key.starts_with("train.") {
        return experiment.plans.iter().any(|plan| plan.train.is_some());
    }
    let is_scratch = |plan: &cliptune_experiment::Plan| matches!(plan.model.from, ModelSource::Scratch(_));
    !key.starts_with("model.architecture.") || experiment.plans.iter().any(is_scratch)
}

/// Where the experiments stand, with progress while files are read for the first time.
pub(crate) fn look(
    store: &Store,
    experiments: &[Experiment],
    printer: &Printer,
) -> Result<Vec<Standing>, CliError> {
    // Most often nothing has to be read, and then there is nothing to show.
    let progress = OnceLock::new();
    let shown = || progress.get_or_init(|| printer.progress("looking at the data", 0, "bytes"));
    let found = standings(store, experiments, &|done, _| {
        if done > 0 {
            shown().set(done);
        }
    })?;
    if let Some(progress) = progress.into_inner() {
        progress.finish();
    }
    Ok(found)
}

/// The run that is called so, or the only one that begins so.
pub(crate) fn one_run(store: &Store, name: &str) -> Result<Run, CliError> {
    let runs = store.runs()?.runs;
    let is_meant = |run: &&Run| run.id() == name || run.record().run == name;
    let begins = |run: &&Run| run.id().starts_with(name) || run.record().run.starts_with(name);
    let mut found: Vec<&Run> = runs.iter().filter(is_meant).collect();
    if found.is_empty() {
        found = runs.iter().filter(begins).collect();
    }
    match found[..] {
        [run] => Ok(run.clone()),
        [] => {
            let ids: Vec<String> = runs.iter().map(Run::id).collect();
            let similar = did_you_mean(name, &ids).map(str::to_owned);
            Err(CliError::NoRun { name: name.to_owned(), store: store.root().to_path_buf(), similar })
        }
        _ => Err(CliError::AmbiguousRun {
            name: name.to_owned(),
            runs: found.into_iter().map(Run::id).collect(),
        }),
    }
}

/// The run, if it has a model.
pub(crate) fn complete(run: Run) -> Result<Run, CliError> {
    match run.status() {
        RunStatus::Done => Ok(run),
        status => Err(CliError::NoModel { run: run.id(), status }),
    }
}

/// A path as a person would type it here: relative when it is below the working directory.
pub(crate) fn short(path: &Path) -> std::path::Display<'_> {
    let Ok(here) = std::env::current_dir() else { return path.display() };
    path.strip_prefix(here).unwrap_or(path).display()
}
