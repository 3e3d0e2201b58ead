//! `cliptune run`: every stage of every experiment that is stale, in order.

pub(crate) mod endings;
pub(crate) mod state;
pub(crate) mod summary;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use cliptune_experiment::{Experiment, ExperimentName};
use cliptune_store::{Standings, Store, StoreError};
use cliptune_terminal::{CommonArgs, Exit, Printer, format};

use crate::error::CliError;
use crate::selection::{Selection, bases, look};
use crate::sibling;
use crate::tool::Tool;
use endings::{Ending, Endings};
use state::Stages;

/// The stages, round by round; the report is of all of them. Every dataset is made before the first training starts, so
/// that what is wrong with one is not found after hours.
const ROUNDS: [&[Tool]; 2] = [&[Tool::Ingest], &[Tool::Train, Tool::Score]];

/// All that a run needs to know.
pub(crate) struct Pipeline<'a> {
    common: &'a CommonArgs,
    printer: &'a Printer,
    selection: &'a Selection,
    store: &'a Store,
    /// Where every plan stands; looked at again after every stage.
    standings: Standings,
    endings: Endings,
}

impl<'a> Pipeline<'a> {
    /// A run of what stands like this.
    pub(crate) fn new(
        common: &'a CommonArgs,
        printer: &'a Printer,
        selection: &'a Selection,
        store: &'a Store,
        standings: Standings,
    ) -> Self {
        Self { common, printer, selection, store, standings, endings: Endings::default() }
    }

    /// Brings every experiment up to date, as far as nothing fails and nobody interrupts.
    pub(crate) fn experiments(mut self) -> Result<Endings, CliError> {
        for stages in ROUNDS {
            self.round(stages)?;
            if self.endings.interrupted() {
                break;
            }
        }
        Ok(self.endings)
    }

    /// Brings some stages of every experiment up to date, of those that nothing is wrong with so far.
    fn round(&mut self, stages: &[Tool]) -> Result<(), CliError> {
        for (at, experiment) in self.selection.experiments.iter().enumerate() {
            if !self.endings.is_good(&experiment.name) {
                continue;
            }
            let ending = if self.is_unknown(experiment) {
                Ending::Unknown
            } else if let Some(base) = self.missing_base(experiment, stages) {
                self.skipped(experiment, base)
            } else {
                self.experiment(at, experiment, stages)?
            };
            self.endings.add(&experiment.name, ending);
            if self.endings.interrupted() {
                break;
            }
        }
        Ok(())
    }

    /// Whether it cannot be told where a plan of an experiment stands. A warning has said why.
    fn is_unknown(&self, experiment: &Experiment) -> bool {
        self.standings.unknown.iter().any(|unknown| unknown.plan.experiment == experiment.name)
    }

    /// An experiment that this one starts from and that has nothing for these stages: weights, once it is more than the
    /// data. One that could not be scored has some.
    fn missing_base<'e>(&self, experiment: &'e Experiment, stages: &[Tool]) -> Option<&'e ExperimentName> {
        bases(experiment).find(|base| {
            if stages.contains(&Tool::Ingest) {
                return !self.endings.is_good(base);
            }
            let mut plans = self.standings.known.iter().filter(|standing| standing.plan.experiment == **base);
            plans.any(|standing| standing.run.is_none())
        })
    }

    fn skipped(&self, experiment: &Experiment, base: &ExperimentName) -> Ending {
        self.printer
            .warn(&format!("{} is skipped: {base}, which it starts from, is incomplete", experiment.name));
        Ending::Skipped
    }

    /// Brings some stages of one experiment up to date.
    fn experiment(
        &mut self,
        at: usize,
        experiment: &Experiment,
        stages: &[Tool],
    ) -> Result<Ending, CliError> {
        let started = Instant::now();
        let mut ending = Ending::Fresh;
        for &tool in stages {
            let stale = self.stale(&experiment.name, tool);
            if stale == 0 {
                continue;
            }
            self.announce(at, experiment, tool, stale);
            let exit = self.stage(experiment, tool)?;
            if exit == Exit::Interrupted {
                return Ok(Ending::Interrupted);
            }
            self.standings = look(self.store, &self.selection.experiments, self.printer);
            // A tool may have failed at what this experiment starts from and done its work here.
            if exit != Exit::Done && (tool == Tool::Ingest || self.stale(&experiment.name, tool) > 0) {
                return Ok(self.failed(experiment, tool));
            }
            ending = Ending::Done { time: started.elapsed() };
        }
        Ok(if stages.contains(&Tool::Ingest) { self.unless_leaking(experiment, ending) } else { ending })
    }

    /// Refuses an experiment whose test images its base has seen or will have seen, before either is trained. Ingest has
    /// said so of a dataset that it has just made.
    fn unless_leaking(&self, experiment: &Experiment, ending: Ending) -> Ending {
        let planned = &self.standings.known;
        let own = planned.iter().filter(|standing| standing.plan.experiment == experiment.name);
        let leak = own.map(|standing| standing.refuse_leak(self.store, planned)).find_map(Result::err);
        match leak {
            Some(error @ StoreError::Leak { .. }) => {
                self.printer.warn(&error.to_string());
                self.failed(experiment, Tool::Ingest)
            }
            // Whatever else is wrong is for the tools to say, once they need it.
            _ => ending,
        }
    }

    /// How many runs of an experiment lack what a tool makes.
    fn stale(&self, experiment: &ExperimentName, tool: Tool) -> usize {
        let own = self.standings.known.iter().filter(|standing| standing.plan.experiment == *experiment);
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

    fn failed(&self, experiment: &Experiment, tool: Tool) -> Ending {
        self.printer.warn(&format!("{} is incomplete: {tool} failed", experiment.name));
        Ending::Failed { tool }
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
