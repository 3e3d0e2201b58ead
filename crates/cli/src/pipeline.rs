//! `cliptune run`: brings every stale stage of every experiment up to date, in order.

mod board;
mod child;
pub(crate) mod commands;
pub(crate) mod crew;
pub(crate) mod endings;
mod jobs;
mod outcome;
mod room;
pub(crate) mod state;
pub(crate) mod steps;
pub(crate) mod summary;
mod todo;

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;

use cliptune_experiment::{Experiment, ExperimentName};
use cliptune_store::{Standings, Store};
use cliptune_terminal::{CommonArgs, Diagnostic as _, Exit, Printer};

use crate::error::{CliError, ProgramError};
use crate::selection::{Selection, bases, left_out, look};
use crate::sibling;
use crate::tool::Tool;
use commands::{Commands, with_threads};
use crew::{Crew, Means};
use endings::{Ending, Endings, Failure};
use jobs::{Job, Jobs, Step};
use room::Need;
use todo::{RunTodo, needs_dataset, plans_of, share_images};

/// Everything that `cliptune run` works with.
pub(crate) struct Pipeline<'a> {
    commands: Commands<'a>,
    means: Means,
    /// Whether work that another process is at is waited for.
    wait: bool,
    printer: &'a Printer,
    selection: &'a Selection,
    store: &'a Store,
    /// The standing of every plan, updated after every stage.
    standings: Standings,
    endings: Endings,
}

impl<'a> Pipeline<'a> {
    /// Creates a pipeline for experiments with these standings.
    pub(crate) fn new(
        common: &'a CommonArgs,
        (means, wait): (Means, bool),
        printer: &'a Printer,
        selection: &'a Selection,
        store: &'a Store,
        standings: Standings,
    ) -> Self {
        let (commands, endings) = (Commands::new(common, selection), Endings::default());
        Self { commands, means, wait, printer, selection, store, standings, endings }
    }

    /// Brings every experiment up to date. An experiment that fails does not stop the others; an interruption does.
    ///
    /// Every dataset is made before the first training starts, so that a problem with one of them does not show up hours
    /// later.
    pub(crate) fn experiments(mut self) -> Result<Endings, CliError> {
        self.ingest()?;
        if !self.endings.interrupted() {
            self.give_up_unknown();
            self.make_runs()?;
            self.sum_up();
        }
        Ok(self.endings)
    }

    /// Says of each experiment whose dataset could not be made that it is incomplete. What was wrong was said at once.
    fn sum_up(&self) {
        for experiment in &self.selection.experiments {
            let failures = self.endings.of(&experiment.name).failures();
            if failures.iter().any(|failure| failure.tool == Some(Tool::Ingest)) {
                self.printer.warn(&format!("{} is incomplete: {} failed", experiment.name, Tool::Ingest));
            }
        }
    }

    /// Makes the dataset of every experiment, side by side where none needs another one. The standings are determined anew
    /// after each round, because a dataset may serve several experiments.
    fn ingest(&mut self) -> Result<(), CliError> {
        loop {
            let round = self.round();
            if round.is_empty() {
                return Ok(());
            }
            // Nobody knows how much memory a dataset needs. Where it was declared, one is made at a time.
            let at_once = if self.means.memory.is_some() { 1 } else { round.len() };
            let means = self.means.for_jobs(at_once);
            let need = means.memory.map(|_| Need::Unknown);
            let jobs = Jobs::datasets(round.iter().map(|experiment| &experiment.name), need);
            let command = |job: &Job, _| self.ingest_command(job, means.threads_of_one());
            let jobs = Crew::new(jobs, means, self.printer, &command).work()?;
            self.look_again();
            for (experiment, job) in round.into_iter().zip(jobs.all()) {
                let ending = match outcome::ending(&[job]) {
                    done @ Ending::Done { .. } => self.unless_leaking(experiment, done),
                    ending => ending,
                };
                self.endings.add(&experiment.name, ending);
            }
            if self.endings.interrupted() {
                return Ok(());
            }
        }
    }

    /// Determines the standings anew, and warns about experiments that have none any more.
    fn look_again(&mut self) {
        let standings = look(self.store, &self.selection.experiments, self.printer);
        let told = self.standings.unknown.iter().map(|unknown| unknown.plan.experiment.clone());
        let mut told: HashSet<ExperimentName> = told.collect();
        for unknown in &standings.unknown {
            if told.insert(unknown.plan.experiment.clone()) {
                self.printer.warn(&left_out(unknown));
            }
        }
        self.standings = standings;
    }

    /// Returns the experiments whose datasets can be made now, each from other images, and notes the ending of those for which
    /// there is nothing to make.
    fn round(&mut self) -> Vec<&'a Experiment> {
        let mut round = Vec::<&Experiment>::new();
        for experiment in &self.selection.experiments {
            let has_ended =
                |base: &&ExperimentName| self.endings.has(base) || self.selection.get(base).is_none();
            if self.endings.has(&experiment.name) || !bases(experiment).all(|base| has_ended(&base)) {
                continue;
            }
            let ending = if let Some(unknown) = self.unknown(experiment) {
                unknown
            } else if let Some(base) = bases(experiment).find(|base| !self.endings.is_good(base)) {
                self.skipped(experiment, base)
            } else if !needs_dataset(&experiment.name, &self.standings) {
                self.unless_leaking(experiment, Ending::Fresh)
            } else {
                if !round.iter().any(|other| share_images(other, experiment)) {
                    round.push(experiment);
                }
                continue;
            };
            self.endings.add(&experiment.name, ending);
        }
        round
    }

    /// Returns the ending of an experiment of which the standing of any plan is unknown. A warning has already given the
    /// reason.
    fn unknown(&self, experiment: &Experiment) -> Option<Ending> {
        let mut unknown = self.standings.unknown.iter();
        let found = unknown.find(|unknown| unknown.plan.experiment == experiment.name)?;
        let (exit, why) = (found.error.exit(), found.error.in_one_line());
        Some(Ending::Unknown(Failure { run: None, tool: None, exit, why }))
    }

    /// Gives up the experiments that had a standing and have none any more, because their data or the store could not be read at
    /// the last look, with what starts from them. Without a standing, there would be nothing left to do for them.
    fn give_up_unknown(&mut self) {
        let selection = self.selection;
        for experiment in &selection.experiments {
            if !self.endings.is_good(&experiment.name) {
                continue;
            }
            let ending = if let Some(unknown) = self.unknown(experiment) {
                unknown
            } else if let Some(base) = bases(experiment).find(|base| !self.endings.is_good(base)) {
                self.skipped(experiment, base)
            } else {
                continue;
            };
            self.endings.add(&experiment.name, ending);
        }
    }

    fn skipped(&self, experiment: &Experiment, base: &ExperimentName) -> Ending {
        self.printer
            .warn(&format!("{} is skipped: {base}, which it starts from, is incomplete", experiment.name));
        Ending::Skipped
    }

    /// Refuses an experiment whose test images its base has seen or will see, before either of them is trained. For a
    /// dataset that was just made, ingest has already reported this.
    fn unless_leaking(&self, experiment: &Experiment, ending: Ending) -> Ending {
        match todo::leak(&experiment.name, &self.standings, self.store) {
            Some(error) => {
                self.printer.warn(&error.to_string());
                let (tool, exit, why) = (Some(Tool::Ingest), error.exit(), error.in_one_line());
                Ending::Failed(vec![Failure { run: None, tool, exit, why }])
            }
            None => ending,
        }
    }

    /// Trains and scores the runs of every experiment that has had no problem so far.
    fn make_runs(&mut self) -> Result<(), CliError> {
        let jobs = {
            let good = self.selection.experiments.iter().filter(|one| self.endings.is_good(&one.name));
            Jobs::of(&RunTodo::all(plans_of(good, &self.standings)), self.means.counts_memory())
        };
        let command = |job: &Job, step| self.command(job, step);
        let jobs = Crew::new(jobs, self.means, self.printer, &command).work()?;
        let good: Vec<&Experiment> =
            self.selection.experiments.iter().filter(|one| self.endings.is_good(&one.name)).collect();
        for experiment in good {
            let own: Vec<&Job> =
                jobs.all().iter().filter(|job| job.plan.experiment == experiment.name).collect();
            outcome::tell(experiment, &own, self.printer);
            self.endings.add(&experiment.name, outcome::ending(&own));
        }
        Ok(())
    }

    /// Builds the command for a step of a run.
    fn command(&self, job: &Job, step: Step) -> Result<Command, CliError> {
        let mut command = self.commands.of_run(step.tool(), &job.plan)?;
        if step == Step::Estimate {
            command.args(["--dry-run", "--untimed", "--json"]);
        } else if self.wait || job.goes_on_with(step) {
            command.arg("--wait");
        }
        Ok(with_threads(command, self.means.threads_of_one()))
    }

    /// Builds the command that makes the dataset of an experiment.
    fn ingest_command(&self, job: &Job, threads: Option<usize>) -> Result<Command, CliError> {
        Ok(with_threads(self.commands.of_dataset(&job.plan.experiment)?, threads))
    }
}

/// Makes the report of all the experiments that the command line names.
pub(crate) fn report(paths: &[PathBuf], common: &CommonArgs, printer: &Printer) -> Result<Exit, CliError> {
    printer.status("report");
    finish(Tool::Report, commands::of_report(paths, common)?, printer)
}

/// Waits for a tool. A crash counts as an ordinary failure, so that the remaining work can still be done.
fn finish(tool: Tool, command: Command, printer: &Printer) -> Result<Exit, CliError> {
    match sibling::wait(tool, command) {
        Err(error @ CliError::Program(ProgramError::Killed { .. })) => {
            printer.warn(&error.to_string());
            Ok(Exit::Failed)
        }
        other => other,
    }
}
