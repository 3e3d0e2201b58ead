//! The commands by which the steps of a pipeline are done.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use cliptune_experiment::ExperimentName;
use cliptune_store::OnePlan;
use cliptune_terminal::CommonArgs;

use crate::error::CliError;
use crate::selection::Selection;
use crate::sibling;
use crate::tool::Tool;

/// The variables that say how many threads a program takes: for libtorch's and for all others.
const THREADS: [&str; 2] = ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"];

/// Builds the commands for the steps of some experiments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commands<'a> {
    common: &'a CommonArgs,
    selection: &'a Selection,
}

impl<'a> Commands<'a> {
    /// Builds commands with these flags for these experiments.
    pub(crate) fn new(common: &'a CommonArgs, selection: &'a Selection) -> Self {
        Self { common, selection }
    }

    /// Builds the command that makes the dataset of an experiment.
    pub(crate) fn of_dataset(&self, experiment: &ExperimentName) -> Result<Command, CliError> {
        let mut command = tool_of_this_run(Tool::Ingest, self.common)?;
        self.name(experiment, &mut command);
        Ok(command)
    }

    /// Builds the command with which a tool does its part for one run.
    pub(crate) fn of_run(&self, tool: Tool, one: &OnePlan) -> Result<Command, CliError> {
        let mut command = tool_of_this_run(tool, self.common)?;
        command.arg(format!("--only={one}"));
        self.name(&one.experiment, &mut command);
        Ok(command)
    }

    /// Names an experiment to a program. The experiments that it starts from are passed along because they may be in another
    /// folder.
    fn name(&self, experiment: &ExperimentName, command: &mut Command) {
        let experiment = self.selection.get(experiment);
        let experiments = experiment.map(|one| self.selection.with_bases(one)).unwrap_or_default();
        command.args(self.selection.arguments(&experiments));
    }
}

/// Builds the command that makes the report of all the experiments that the command line names.
pub(crate) fn of_report(paths: &[PathBuf], common: &CommonArgs) -> Result<Command, CliError> {
    let mut command = tool_of_this_run(Tool::Report, common)?;
    command.args(paths).args(common.set.iter().map(|set| format!("--set={set}")));
    Ok(command)
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

/// Lets a program take so many threads, if the number was declared.
pub(crate) fn with_threads(mut command: Command, threads: Option<usize>) -> Command {
    if let Some(threads) = threads {
        command.envs(THREADS.map(|variable| (variable, threads.to_string())));
    }
    command
}
