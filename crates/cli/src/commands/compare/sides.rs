//! What is compared: the answers that the names on a command line stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cliptune_compare::{Answers, Foreign, RunAnswers};
use cliptune_experiment::{Plan, Seed, Split, TaskKind};
use cliptune_store::{AnyRun, ForeignRun, Run, RunStatus, Store, read_predictions, read_scores};
use cliptune_terminal::{CommonArgs, Printer, format};

use super::{Args, expect_files};
use crate::error::{CliError, ComparisonError};
use crate::of_files::{runs_of_files, spelled_out};
use crate::selection::no_run;

/// The settings of what is done with a run besides training it, or around that.
const AFTERWARDS: [&str; 4] = ["checkpoint.", "resources.", "export.", "score."];

/// One side of a comparison: the runs of one experiment at one point of its matrix, an imported run, or a file, with the answers.
pub(super) struct Side {
    pub(super) name: String,
    pub(super) task: TaskKind,
    pub(super) answers: Answers,
    pub(super) runs: Vec<Run>,
    /// The imported run, if it is one.
    pub(super) foreign: Option<ForeignRun>,
}

impl Side {
    /// Returns the names of its runs in the store.
    pub(super) fn ids(&self) -> Vec<String> {
        self.runs.iter().map(Run::id).chain(self.foreign.iter().map(ForeignRun::id)).collect()
    }

    /// Returns the datasets that its runs were scored on.
    pub(super) fn datasets(&self) -> impl Iterator<Item = &str> {
        let foreign = self.foreign.iter().filter_map(|run| run.record().dataset.as_deref());
        self.runs.iter().map(|run| run.record().dataset.as_str()).chain(foreign)
    }
}

/// Returns the baseline, and what is compared with it.
pub(super) fn sides_of(
    args: &Args,
    store: &Store,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<(Side, Vec<Side>), CliError> {
    let mut names = Names { store, common, printer, split: args.split, has_files: false };
    let mut named = args.names.iter().map(|name| names.sides(name)).collect::<Result<Vec<_>, _>>()?;
    expect_files(common, names.has_files)?;
    named.extend(foreign(&args.predictions, &named)?.into_iter().map(|side| vec![side]));
    let mut named = named.into_iter();
    let baseline = one(named.next().unwrap_or_default())?;
    // The baseline may be one of the settings of an experiment that is named after it.
    let of_baseline = baseline.ids();
    let is_other = |side: &Side| {
        let own = side.ids();
        own.is_empty() || own.iter().any(|run| !of_baseline.contains(run))
    };
    let others: Vec<Side> = distinct(named.flatten().filter(is_other), printer);
    match others.is_empty() {
        true => Err(ComparisonError::NothingToCompare { baseline: baseline.name }.into()),
        false => Ok((baseline, others)),
    }
}

/// Returns the sides without those that were named before: a comparison that is made twice would be corrected for being two.
fn distinct(sides: impl Iterator<Item = Side>, printer: &Printer) -> Vec<Side> {
    let mut distinct = Vec::<Side>::new();
    for side in sides {
        match distinct.iter().any(|other| other.name == side.name && other.ids() == side.ids()) {
            true => printer.warn(&format!("{} is named twice and compared once", side.name)),
            false => distinct.push(side),
        }
    }
    distinct
}

/// Returns the baseline where there is one.
fn one(mut sides: Vec<Side>) -> Result<Side, CliError> {
    let points = sides.iter().map(|side| side.name.clone()).collect();
    match (sides.pop(), sides.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(ComparisonError::SeveralBaselines { points }.into()),
    }
}

/// Reads the predictions of others, about the items of the first side that there is, or of the first file.
fn foreign(paths: &[PathBuf], named: &[Vec<Side>]) -> Result<Vec<Side>, CliError> {
    let read = paths.iter().map(|path| Foreign::read(path)).collect::<Result<Vec<_>, _>>();
    let read = read.map_err(ComparisonError::Predictions)?;
    let Some(first) = read.first() else { return Ok(Vec::new()) };
    let ours = named.iter().flatten().next();
    let task = ours.map_or(TaskKind::Choice, |side| side.task);
    // A pair is scored by ranks among all items, which nobody's predictions of single items are.
    if let (Some(pairs), TaskKind::Pairs) = (ours, task) {
        let (name, baseline) = (paths[0].display().to_string(), pairs.name.clone());
        return Err(ComparisonError::OtherTask { name, baseline }.into());
    }
    let reference = match ours {
        Some(side) => side.answers.clone(),
        None => first.alone().map_err(ComparisonError::Predictions)?,
    };
    let side = |(path, foreign): (&PathBuf, Foreign)| -> Result<Side, CliError> {
        let answers = foreign.onto(&reference).map_err(ComparisonError::Predictions)?;
        Ok(Side { name: path.display().to_string(), task, answers, runs: Vec::new(), foreign: None })
    };
    paths.iter().zip(read).map(side).collect()
}

/// Finds what names stand for.
struct Names<'a> {
    store: &'a Store,
    common: &'a CommonArgs,
    printer: &'a Printer,
    split: Split,
    has_files: bool,
}

impl Names<'_> {
    /// Returns the sides that a name stands for: one, or for an experiment with a matrix one for each point of it.
    fn sides(&mut self, name: &str) -> Result<Vec<Side>, CliError> {
        let (runs, foreign) = self.runs(name)?;
        let mut points: Vec<Vec<Run>> = Vec::new();
        for run in runs {
            let of_point = |runs: &&mut Vec<Run>| is_same_point(&runs[0].record().plan, &run.record().plan);
            match points.iter_mut().find(of_point) {
                Some(runs) => runs.push(run),
                None => points.push(vec![run]),
            }
        }
        let sides = points.into_iter().map(|runs| self.side(runs));
        let foreign = foreign.into_iter().map(|run| self.foreign_side(run));
        self.scored(sides.chain(foreign).collect())
    }

    /// Returns the sides that are scored, and says which are not. There has to be one.
    fn scored(&self, sides: Vec<Result<Side, CliError>>) -> Result<Vec<Side>, CliError> {
        let (mut scored, mut unscored) = (Vec::new(), Vec::new());
        for side in sides {
            match side {
                Ok(side) => scored.push(side),
                Err(error @ CliError::Comparison(ComparisonError::NotScored { .. })) => unscored.push(error),
                Err(error) => return Err(error),
            }
        }
        if scored.is_empty() && !unscored.is_empty() {
            return Err(unscored.swap_remove(0));
        }
        unscored.iter().for_each(|error| self.printer.warn(&format!("left out: {error}")));
        Ok(scored)
    }

    /// Returns the runs that a name stands for, of which there is at least one: those of cliptune's, and those that were imported.
    fn runs(&mut self, name: &str) -> Result<(Vec<Run>, Vec<ForeignRun>), CliError> {
        let path = Path::new(name);
        let mut found = self.store.any_named(name)?;
        if found.is_empty() && ["run.json", "foreign.json"].iter().any(|record| path.join(record).is_file()) {
            found.push(self.store.any_run_in(path)?);
        }
        if found.is_empty() && path.exists() {
            self.has_files = true;
            return Ok((
                runs_of_files(path.to_path_buf(), self.store, self.common, self.printer)?,
                Vec::new(),
            ));
        }
        if found.is_empty() {
            return Err(no_run(self.store, name)?);
        }
        let (mut own, mut foreign) = (Vec::new(), Vec::new());
        for run in found {
            match run {
                AnyRun::Own(run) => own.push(*run),
                AnyRun::Foreign(run) => foreign.push(*run),
            }
        }
        Ok((own, foreign))
    }

    /// Reads the answers of an imported run.
    fn foreign_side(&self, run: ForeignRun) -> Result<Side, CliError> {
        let (split, name) = (self.split, format!("{} (foreign: {})", run.record().name, run.origin()));
        let Some(scores) = read_scores(&run, split)? else {
            return Err(ComparisonError::NoPredictions { name, split }.into());
        };
        let answers = Answers::alone(vec![read_predictions(&run, split)?]);
        Ok(Side { name, task: scores.task, answers, runs: Vec::new(), foreign: Some(run) })
    }

    /// Reads the answers of the runs of one point. Runs with other settings than the newest, which an experiment file had
    /// earlier, and runs that are not scored are left out.
    fn side(&self, mut runs: Vec<Run>) -> Result<Side, CliError> {
        runs.sort_by(|a, b| (&a.record().started, a.folder()).cmp(&(&b.record().started, b.folder())));
        let name = name(&runs);
        let newest = runs.iter().rev().find(|run| run.status() == RunStatus::Done).or(runs.last());
        let settings = newest.map(trained_by).unwrap_or_default();
        self.keep(&mut runs, &name, "have other settings than the newest", &|run| {
            Ok(trained_by(run) == settings)
        })?;
        let datasets = newest_datasets(&runs);
        self.keep(&mut runs, &name, "have other data than the newest", &|run| {
            Ok(datasets.get(&run.record().plan.fold()) == Some(&run.record().dataset))
        })?;
        let split = self.split;
        self.keep(&mut runs, &name, &format!("are not scored on the {split} split"), &|run| {
            Ok(read_scores(run, split)?.is_some())
        })?;
        let Some(first) = runs.first() else {
            return Err(ComparisonError::NotScored { name, split }.into());
        };
        let task = first.record().plan.data.columns.task.kind();
        let folds: BTreeSet<u32> = runs.iter().filter_map(|run| run.record().plan.fold()).collect();
        self.tell_missing(&name, &runs, &folds);
        let answers = runs.iter().map(|run| self.answers(run)).collect::<Result<Vec<_>, _>>()?;
        let answers = Answers::of(answers, (!folds.is_empty()).then_some(folds.len()));
        match answers.is_empty() {
            true => Err(ComparisonError::NotScored { name, split }.into()),
            false => Ok(Side { name, task, answers, runs, foreign: None }),
        }
    }

    /// Keeps some of the runs of a side, and says how many are left out.
    fn keep(
        &self,
        runs: &mut Vec<Run>,
        name: &str,
        why: &str,
        is_kept: &dyn Fn(&Run) -> Result<bool, CliError>,
    ) -> Result<(), CliError> {
        let before = runs.len();
        let kept = runs.iter().map(is_kept).collect::<Result<Vec<bool>, _>>()?;
        let mut kept = kept.into_iter();
        runs.retain(|_| kept.next().unwrap_or_default());
        let lost = before - runs.len();
        if lost > 0 && !runs.is_empty() {
            let lost = format::counted(lost as u64, "run");
            self.printer.warn(&format!("{name}: {lost} of {before} left out, which {why}"));
        }
        Ok(())
    }

    /// Says which folds of a cross-validation no run was tested on, and which seeds are left out because they lack a fold.
    fn tell_missing(&self, name: &str, runs: &[Run], folds: &BTreeSet<u32>) {
        let plans = || runs.iter().map(|run| &run.record().plan);
        let declared = plans().filter_map(|plan| plan.data.split.folds.as_ref()?.dealt()).max();
        let all: BTreeSet<u32> = match folds.is_empty() {
            true => BTreeSet::new(),
            false => (0..declared.unwrap_or_default()).chain(folds.iter().copied()).collect(),
        };
        if let Some(missing) = told(all.difference(folds)) {
            let warning = "has no scored run, so that its items are left out";
            self.printer.warn(&format!("{name}: fold {missing} {warning}"));
        }
        let seeds: BTreeSet<u32> = plans().map(|plan| plan.seed.0).collect();
        for seed in seeds {
            let own = plans().filter(|plan| plan.seed.0 == seed).filter_map(Plan::fold).collect();
            if let Some(missing) = told(folds.difference(&own)) {
                self.printer
                    .warn(&format!("{name}: seed {seed} is left out, because it lacks fold {missing}"));
            }
        }
    }

    fn answers(&self, run: &Run) -> Result<RunAnswers, CliError> {
        let plan = &run.record().plan;
        let Seed(seed) = plan.seed;
        Ok(RunAnswers { fold: plan.fold(), seed, predictions: read_predictions(run, self.split)? })
    }
}

/// Returns the dataset of the newest run of each fold. Whoever was tested on other data has answered other questions.
fn newest_datasets(runs: &[Run]) -> BTreeMap<Option<u32>, String> {
    let of = |run: &Run| (run.record().plan.fold(), run.record().dataset.clone());
    // Of several runs, the last one is the newest, and a complete one counts before all others.
    let (done, others): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.status() == RunStatus::Done);
    others.into_iter().chain(done).map(of).collect()
}

/// Returns numbers as people write them, if there are any.
fn told<'n>(numbers: impl Iterator<Item = &'n u32>) -> Option<String> {
    let numbers: Vec<String> = numbers.map(u32::to_string).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

/// Returns the settings that decide what a run has learned, apart from its seed and its fold.
fn trained_by(run: &Run) -> Vec<(String, serde_json::Value)> {
    let mut settings = run.record().plan.shared_settings();
    settings.retain(|(key, _)| !AFTERWARDS.iter().any(|section| key.starts_with(section)));
    settings
}

fn is_same_point(a: &Plan, b: &Plan) -> bool {
    a.experiment == b.experiment && a.point() == b.point()
}

/// Returns the name of a side: the experiment, its point of the matrix, and the seed where one run was named.
fn name(runs: &[Run]) -> String {
    let Some(plan) = runs.first().map(|run| &run.record().plan) else { return String::new() };
    spelled_out(&Plan { axes: plan.point(), ..plan.clone() }, runs.len() == 1)
}
