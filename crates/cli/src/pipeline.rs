//! `cliptune run`: brings every stale stage of every experiment up to date, in order.

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

/// The stages of each round; one report of everything follows. Every dataset is made before the first training starts,
/// so that a problem with one of them does not show up hours later.
const ROUNDS: [&[Tool]; 2] = [&[Tool::Ingest], &[Tool::Train, Tool::Score]];

/// Everything that `cliptune run` works with.
pub(crate) struct Pipeline<'a> {
    common: &'a CommonArgs,
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
        printer: &'a Printer,
        selection: &'a Selection,
        store: &'a Store,
        standings: Standings,
    ) -> Self {
        Self { common, printer, selection, store, standings, endings: Endings::default() }
    }

    /// Brings every experiment up to date. An experiment that fails does not stop the others; an interruption does.
    pub(crate) fn experiments(mut self) -> Result<Endings, CliError> {
        for stages in ROUNDS {
            self.round(stages)?;
            if self.endings.interrupted() {
                break;
            }
        }
        Ok(self.endings)
    }

    /// Brings these stages up to date for every experiment that has had no problem so far.
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

    /// Checks whether the standing of any of the experiment's plans is unknown. A warning has already given the reason.
    fn is_unknown(&self, experiment: &Experiment) -> bool {
        self.standings.unknown.iter().any(|unknown| unknown.plan.experiment == experiment.name)
    }

    /// Returns an experiment that this one starts from and that lacks what these stages need: its dataset when
    /// ingesting, its weights after that. An experiment whose scoring failed still has weights.
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

    /// Brings these stages of one experiment up to date.
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
            // The tool may have failed at a base of this experiment and still have finished the experiment itself.
            if exit != Exit::Done && (tool == Tool::Ingest || self.stale(&experiment.name, tool) > 0) {
                return Ok(self.failed(experiment, tool));
            }
            ending = Ending::Done { time: started.elapsed() };
        }
        Ok(if stages.contains(&Tool::Ingest) { self.unless_leaking(experiment, ending) } else { ending })
    }

    /// Refuses an experiment whose test images its base has seen or will see, before either of them is trained. For a
    /// dataset that was just made, ingest has already reported this.
    fn unless_leaking(&self, experiment: &Experiment, ending: Ending) -> Ending {
        let planned = &self.standings.known;
        let own = planned.iter().filter(|standing| standing.plan.experiment == experiment.name);
        let leak = own.map(|standing| standing.refuse_leak(self.store, planned)).find_map(Result::err);
        match leak {
            Some(error @ StoreError::Leak { .. }) => {
                self.printer.warn(&error.to_string());
                self.failed(experiment, Tool::Ingest)
            }
            // The tools report anything else that is wrong when they need it.
            _ => ending,
        }
    }

    /// Counts the runs of an experiment that lack what a tool makes.
    fn stale(&self, experiment: &ExperimentName, tool: Tool) -> usize {
        let own = self.standings.known.iter().filter(|standing| standing.plan.experiment == *experiment);
        own.filter(|standing| Stages::of(standing).needs(tool)).count()
    }

    /// Prints which experiment and tool are next: `[2/4] tuned: train 3 runs`.
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

    /// Runs one tool for one experiment. The experiments that it starts from are passed along because they may be in
    /// another folder.
    fn stage(&self, experiment: &Experiment, tool: Tool) -> Result<Exit, CliError> {
        let mut command = tool_of_this_run(tool, self.common)?;
        command.args(self.selection.arguments(&self.selection.with_bases(experiment)));
        finish(tool, command, self.printer)
    }
}

/// Makes the report of all the experiments that the command line names.
pub(crate) fn report(paths: &[PathBuf], common: &CommonArgs, printer: &Printer) -> Result<Exit, CliError> {
    printer.status("report");
    let mut command = tool_of_this_run(Tool::Report, common)?;
    command.args(paths).args(common.set.iter().map(|set| format!("--set={set}")));
    finish(Tool::Report, command, printer)
}

/// Builds the command for a tool that prints messages but no data, since this command's own summary covers the data.
fn tool_of_this_run(tool: Tool, common: &CommonArgs) -> Result<Command, CliError> {
    let mut command = sibling::command(tool)?;
    command.arg("--store").arg(&common.store).stdout(Stdio::null());
    for (flag, is_on) in [("--quiet", common.quiet), ("--offline", common.offline)] {
        if is_on {
            command.arg(flag);
        }
    }
    Ok(command)
}

/// Waits for a tool. A crash counts as an ordinary failure, so that the remaining work can still be done.
fn finish(tool: Tool, command: Command, printer: &Printer) -> Result<Exit, CliError> {
    match sibling::wait(tool, command) {
        Err(error @ CliError::Killed { .. }) => {
            printer.warn(&error.to_string());
            Ok(Exit::Failed)
        }
        other => other,
    }
}
