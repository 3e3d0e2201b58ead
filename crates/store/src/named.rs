//! Finds runs by name.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::any_run::{AnyRun, Listed};
use crate::error::StoreError;
use crate::ranking::ranked;
use crate::run::{Run, RunStatus};
use crate::store::Store;

/// What stands behind the name of an experiment to mean its best run.
const BEST: &str = "@best";

impl Store {
    /// Returns the runs of cliptune's that a name can stand for. A name is unambiguous when there is exactly one.
    ///
    /// A name can be a run as it is listed (`tuned/20260101T090000Z-0a1b2c-s0`, with or without its experiment), the
    /// folder of a run, an experiment with a seed (`tuned@0`), an experiment that has one run, the name that a run was
    /// given, or the beginning of one of these. Of the runs of one experiment, seed and point of the matrix, the newest
    /// complete one is meant, or the newest one if none is complete. `tuned@best` is the one of these that has the best first
    /// metric of the validation split.
    ///
    /// # Errors
    /// Returns an error when the store cannot be read, or when the best run is asked for and none has such a score.
    pub fn named(&self, name: &str) -> Result<Vec<Run>, StoreError> {
        let Some(experiment) = name.strip_suffix(BEST) else {
            return Ok(own(self.meant(name, newest_of_each)?).0);
        };
        let (runs, _) = own(self.meant(experiment, newest_of_each)?);
        let best = ranked(&runs.iter().collect::<Vec<_>>(), None)?.into_iter().next().cloned();
        match best {
            None if !runs.is_empty() => Err(StoreError::NoBest { name: experiment.to_owned() }),
            best => Ok(best.into_iter().collect()),
        }
    }

    /// Returns the runs that a name can stand for, by the same rules, and imported ones, too: as they are listed, by their folders,
    /// and by the names that they were imported by or given.
    ///
    /// # Errors
    /// Returns an error when the store cannot be read, or when the best run is asked for and none has such a score.
    pub fn any_named(&self, name: &str) -> Result<Vec<AnyRun>, StoreError> {
        match name.ends_with(BEST) {
            true => Ok(self.named(name)?.into_iter().map(AnyRun::from).collect()),
            false => self.meant(name, newest_of_each),
        }
    }

    /// Returns all runs that a name can stand for. An experiment or an experiment and a seed stand for all of their runs,
    /// so that the name of one that is to be removed leaves no doubt.
    pub fn all_named(&self, name: &str) -> Result<Vec<AnyRun>, StoreError> {
        self.meant(name, <[Run]>::to_vec)
    }

    /// Returns the folders of runs whose records cannot be read that a name stands for, each with the error. The name is that
    /// of the folder, with or without its experiment, its path, or the beginning of one.
    ///
    /// # Errors
    /// Returns an error when the store cannot be listed.
    pub fn damaged_named(&self, name: &str) -> Result<Vec<(PathBuf, StoreError)>, StoreError> {
        if name.is_empty() {
            return Ok(Vec::new());
        }
        let damaged = self.runs()?.damaged;
        let own = |folder: &Path| [self.id_of(folder), last_name(folder)];
        let readings: [&dyn Fn(&Path) -> bool; 3] = [
            &|folder| own(folder).iter().any(|own| own == name),
            &|folder| is_same_folder(folder, name),
            &|folder| own(folder).iter().any(|own| own.starts_with(name)),
        ];
        let reading = readings.iter().find(|reading| damaged.iter().any(|(folder, _)| reading(folder)));
        Ok(damaged
            .into_iter()
            .filter(|(folder, _)| reading.is_some_and(|is_meant| is_meant(folder)))
            .collect())
    }

    /// Returns the name of the run in a folder, `<experiment>/<run>`, by the folder's place in the store.
    pub fn id_of(&self, folder: &Path) -> String {
        folder.strip_prefix(self.root()).unwrap_or(folder).display().to_string()
    }

    /// Returns the runs that a name stands for, given which of the runs of an experiment are meant by its name.
    fn meant(&self, name: &str, of_experiment: fn(&[Run]) -> Vec<Run>) -> Result<Vec<AnyRun>, StoreError> {
        // Every name begins with nothing, such as the value of a variable that is not set.
        if name.is_empty() {
            return Ok(Vec::new());
        }
        let runs: Vec<AnyRun> = self.runs()?.all().collect();
        let readings: [&dyn Fn(&AnyRun) -> bool; 2] =
            [&|run| run.id() == name || run.run() == name, &|run| is_same_folder(run.folder(), name)];
        for reading in readings {
            let found: Vec<AnyRun> = runs.iter().filter(|run| reading(run)).cloned().collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let (of_name, others): (Vec<AnyRun>, Vec<AnyRun>) =
            runs.into_iter().partition(|run| is_of_experiment(run, name));
        let (own, foreign) = own(of_name);
        let mut found: Vec<AnyRun> = of_experiment(&own).into_iter().map(AnyRun::from).collect();
        found.extend(foreign);
        // An experiment that was made after a run got the same name leaves in doubt which of the two is meant.
        found.extend(others.iter().filter(|run| run.is_called(name)).cloned());
        if !found.is_empty() {
            return Ok(found);
        }
        Ok(others.into_iter().filter(|run| begins(run, name)).collect())
    }
}

/// Tells the runs that cliptune has made from those that were imported.
fn own(runs: Vec<AnyRun>) -> (Vec<Run>, Vec<AnyRun>) {
    let (own, foreign): (Vec<AnyRun>, Vec<AnyRun>) =
        runs.into_iter().partition(|run| matches!(run, AnyRun::Own(_)));
    (own.into_iter().filter_map(AnyRun::into_own).collect(), foreign)
}

/// Checks whether one of a run's names begins like this.
fn begins(run: &AnyRun, beginning: &str) -> bool {
    let own = || run.own_name().is_some_and(|own| own.as_str().starts_with(beginning));
    run.id().starts_with(beginning) || run.run().starts_with(beginning) || own()
}

fn is_same_folder(folder: &Path, name: &str) -> bool {
    let (Ok(folder), Ok(named)) = (fs::canonicalize(folder), fs::canonicalize(Path::new(name))) else {
        return false;
    };
    folder == named
}

fn last_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Checks whether a name is the `experiment` or `experiment@seed` of a run, or the name that it was imported by.
fn is_of_experiment(run: &AnyRun, name: &str) -> bool {
    let experiment = run.experiment().as_str();
    let has_seed = |run: &Run| name == format!("{experiment}@{}", run.record().seed);
    name == experiment || run.own().is_some_and(has_seed)
}

/// Returns the newest complete run of each seed and point of the matrix, or the newest one if none is complete. The
/// given runs have to be in order, oldest first.
fn newest_of_each(runs: &[Run]) -> Vec<Run> {
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
