//! What `cliptune-ingest` finds out about the sources of experiments before it makes a dataset of them: how those join that do
//! not say so, and whether the columns and the SQL that experiments name can be read.

use std::path::PathBuf;

use cliptune_experiment::{Experiment, ExperimentName};
use cliptune_terminal::{CommonArgs, Exit};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{CliError, ProgramError};
use crate::sibling;
use crate::tool::Tool;

/// The joins of some experiments.
pub(crate) struct Joins(Vec<Told>);

/// What is known about the join of some experiments with the same data.
#[derive(Deserialize)]
struct Told {
    experiments: Vec<ExperimentName>,
    found: Option<Value>,
    said: String,
}

impl Joins {
    /// Asks for the joins that experiments do not declare. Where one cannot be found, or something that an experiment names is
    /// not in its table, the other program has said so, and the exit code is returned in place of the joins.
    pub(crate) fn of(
        experiments: &[Experiment],
        paths: &[PathBuf],
        common: &CommonArgs,
    ) -> Result<Result<Self, Exit>, CliError> {
        let mut plans = experiments.iter().flat_map(|experiment| &experiment.plans);
        let mut command = match sibling::command(Tool::Ingest) {
            Err(CliError::Program(ProgramError::NoTool { .. }))
                if plans.all(|plan| plan.data.join.is_some()) =>
            {
                common.printer().status("the columns are not looked at: cliptune-ingest does that");
                return Ok(Ok(Self(Vec::new())));
            }
            found => found?,
        };
        command.args(common.forward()).arg("--look").arg("--").args(paths);
        Ok(sibling::answer(command, common)?.map(Self))
    }

    /// Returns the join of an experiment in words, if it had to be found.
    pub(crate) fn said(&self, experiment: &Experiment) -> Option<&str> {
        self.told(experiment).map(|told| told.said.as_str())
    }

    /// Returns the join of an experiment that was found.
    pub(crate) fn found(&self, experiment: &Experiment) -> Option<&Value> {
        self.told(experiment)?.found.as_ref()
    }

    fn told(&self, experiment: &Experiment) -> Option<&Told> {
        self.0.iter().find(|told| told.experiments.contains(&experiment.name))
    }
}
