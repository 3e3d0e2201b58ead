//! `cliptune run`: every stage of every experiment that is stale, in order.

pub(crate) mod outcome;
pub(crate) mod state;
pub(crate) mod summary;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use cliptune_experiment::{Experiment, ExperimentName};
use cliptune_store::{Standing, Store};
use cliptune_terminal::{CommonArgs, Exit, Printer, format};

use crate::error::CliError;
use crate::selection::{Selection, bases, look};
use crate::sibling;
use crate::tool::Tool;
use outcome::{Outcome, Outcomes};
use state::Stages;

/// The stages of one experiment; the report is of all of them.
const STAGES: [Tool; 3] = [Tool::Ingest, Tool::Train, Tool::Score];

/// All that a run needs to know.
pub(crate) struct Pipeline<'a> {
    common: &'a CommonArgs,
    printer: &'a Printer,
    selection: &'a Selection,
    store: &'a Store,
    /// Where every plan stands; looked at again after every stage.
    standings: Vec<Standing>,
    outcomes: Outcomes,
}

impl<'a> Pipeline<'a> {
    /// A run of what stands like this.
    pub(crate) fn new(
        common: &'a CommonArgs,
        printer: &'a Printer,
        selection: &'a Selection,
        store: &'a Store,
        standings: Vec<Standing>,
    ) -> Self {
        Self { common, printer, selection, store, standings, outcomes: Outcomes::default() }
    }

    /// Brings every experiment up to date, as far as nothing fails and nobody interrupts.
    pub(crate) fn experiments(mut self) -> Result<Outcomes, CliError> {
        for (at, experiment) in self.selection.experiments.iter().enumerate() {
            let outcome = match self.missing_base(experiment) {
                Some(base) => self.skipped(experiment, base),
                None => self.experiment(at, experiment)?,
            };
            self.outcomes.push(experiment.name.clone(), outcome);
            if self.outcomes.interrupted() {
                break;
            }
        }
        Ok(self.outcomes)
    }

    /// An experiment that this one starts from and that this run failed to make.
    fn missing_base<'e>(&self, experiment: &'e Experiment) -> Option<&'e ExperimentName> {
        bases(experiment).find(|base| self.outcomes.is_missing(base))
    }

    fn skipped(&self, experiment: &Experiment, base: &ExperimentName) -> Outcome {
        self.printer
            .warn(&format!("{} is skipped: {base}, which it starts from, is incomplete", experiment.name));
        Outcome::Skipped
    }

    /// Brings one experiment up to date.
    fn experiment(&mut self, at: usize, experiment: &Experiment) -> Result<Outcome, CliError> {
        let started = Instant::now();
        let mut outcome = Outcome::Fresh;
        for tool in STAGES {
            let stale = self.stale(&experiment.name, tool);
            if stale == 0 {
                continue;
            }
            self.announce(at, experiment, tool, stale);
            match self.stage(experiment, tool)? {
                Exit::Done => self.standings = look(self.store, &self.selection.experiments, self.printer)?,
                Exit::Interrupted => return Ok(Outcome::Interrupted),
                _ => return Ok(self.failed(experiment, tool)),
            }
            outcome = Outcome::Done { time: started.elapsed() };
        }
        Ok(outcome)
    }

    /// How many runs of an experiment lack what a tool makes.
    fn stale(&self, experiment: &ExperimentName, tool: Tool) -> usize {
        let own = self.standings.iter().filter(|standing| standing.plan.experiment == *experiment);
        own.filter(|standing| Stages::of(standing).needs(tool)).count()
    }

    /// `[2/4] tuned: train 3 runs`
    fn announce(&self, at: usize, experiment: &Experiment, tool: Tool, stale: usize) {
        let place = format!("[{}/{}] {}", at + 1, self.selection.experiments.len(), experiment.name);
        // One dataset serves all runs of an experiment.
        let what = if tool == Tool::Ingest {
            String::new()
        } else {
            format!(" {}", format::counted(stale as u64, "run"))
        };
        self.printer.status(&format!("{place}: {tool}{what}"));
    }

    fn failed(&self, experiment: &Experiment, tool: Tool) -> Outcome {
        self.printer.warn(&format!("{} is incomplete: {tool} failed", experiment.name));
        Outcome::Failed { tool }
    }

    /// Runs one tool for one experiment. The experiments that it starts from are given, too: they may lie in another
    /// folder.
    fn stage(&self, experiment: &Experiment, tool: Tool) -> Result<Exit, CliError> {
        let mut command = tool_of_this_run(tool, self.common)?;
        command.args(self.selection.arguments(&self.selection.with_bases(experiment)));
        finish(tool, command, self.printer)
    }
}

/// Makes the report of everything, by the name that the command line gives it.
pub(crate) fn report(paths: &[PathBuf], common: &CommonArgs, printer: &Printer) -> Result<Exit, CliError> {
    printer.status("report");
    let mut command = tool_of_this_run(Tool::Report, common)?;
    command.args(paths).args(common.set.iter().map(|set| format!("--set={set}")));
    finish(Tool::Report, command, printer)
}

/// A tool that speaks to the person only: what it would print as data is part of this command's own summary.
fn tool_of_this_run(tool: Tool, common: &CommonArgs) -> Result<Command, CliError> {
    let mut command = sibling::command(tool)?;
    command.arg("--store").arg(&common.store).stdout(Stdio::null());
    if common.quiet {
        command.arg("--quiet");
    }
    Ok(command)
}

/// Waits for a tool. One that crashes fails like one that gives up: the rest can still run.
fn finish(tool: Tool, command: Command, printer: &Printer) -> Result<Exit, CliError> {
    match sibling::wait(tool, command) {
        Err(error @ CliError::Killed { .. }) => {
            printer.warn(&error.to_string());
            Ok(Exit::Failed)
        }
        other => other,
    }
}
