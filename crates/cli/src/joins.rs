//! How the sources of experiments join that do not say so. `cliptune-ingest` finds it, as it does before it makes a dataset.

use std::path::PathBuf;
use std::process::Stdio;

use cliptune_experiment::{Experiment, ExperimentName};
use cliptune_terminal::{CommonArgs, Exit};
use serde::Deserialize;
use serde_json::Value;

use crate::error::CliError;
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
    /// Asks for the joins that experiments do not declare. No program is started where all of them do. Where a join cannot
    /// be found, the other program has said why, and the exit code is returned in place of the joins.
    pub(crate) fn of(
        experiments: &[Experiment],
        paths: &[PathBuf],
        common: &CommonArgs,
    ) -> Result<Result<Self, Exit>, CliError> {
        let mut plans = experiments.iter().flat_map(|experiment| &experiment.plans);
        if plans.all(|plan| plan.data.join.is_some()) {
            return Ok(Ok(Self(Vec::new())));
        }
        let mut command = sibling::command(Tool::Ingest)?;
        command.args(common.forward()).arg("--find-join").arg("--").args(paths);
        let program = PathBuf::from(command.get_program());
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|source| CliError::Start { program, source })?;
        match serde_json::from_slice(&output.stdout) {
            Ok(told) if output.status.success() => Ok(Ok(Self(told))),
            _ => {
                // With `--json`, an error is a document.
                if !output.stdout.is_empty() {
                    common.printer().document(&String::from_utf8_lossy(&output.stdout));
                }
                Ok(Err(output.status.code().map_or(Exit::Failed, Exit::from_code)))
            }
        }
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
