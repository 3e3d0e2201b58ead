//! What Slurm has of a store: the steps that were submitted, each with the state of its job.

use std::path::PathBuf;
use std::time::Duration;

use cliptune_store::{Standing, Store, Submission, SubmittedStep};
use cliptune_terminal::Printer;
use serde::Serialize;

use super::batch::{JobRef, Place};
use super::client;
use super::state::JobState;
use crate::error::CliError;
use crate::pipeline::state::Stages;
use crate::pipeline::steps::PlannedStep;
use crate::selection::warn_of;
use crate::tool::Tool;

/// How long a job is asked for. Whoever has thousands of them would wait long for what was forgotten long ago.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The steps that were submitted and that Slurm still knows, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Vec<Known>);

#[derive(Debug)]
struct Known {
    step: SubmittedStep,
    job: u64,
    task: Option<usize>,
    state: JobState,
    log: PathBuf,
}

/// A job as people and machines see it beside a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ShownJob {
    /// The number, with that of the task behind it: `12_3`.
    pub(crate) id: String,
    pub(crate) state: JobState,
    /// The step that it takes.
    step: String,
    /// The file that it writes to, once there is one.
    pub(crate) log: Option<PathBuf>,
}

impl Jobs {
    /// Asks Slurm about everything that was submitted for a store. Where nothing was, no command is started.
    pub(crate) fn of(store: &Store, printer: &Printer) -> Result<Self, CliError> {
        let submissions = store.submissions()?;
        submissions.damage.iter().for_each(|error| warn_of(error, printer));
        let all = submissions.known.iter().map(|(_, submission)| submission);
        let recent: Vec<&Submission> = all.filter(is_recent).collect();
        let tasks = |submission: &&Submission| {
            let job = submission.job;
            submission.tasks().map(|(task, _)| (job, task)).collect::<Vec<_>>()
        };
        let wanted: Vec<(u64, Option<usize>)> = recent.iter().flat_map(tasks).collect();
        let states = client::states(&wanted)?;
        let logs = store.job_logs_folder();
        let mut known = Vec::new();
        for submission in recent {
            for (task, step) in submission.tasks() {
                let name = name(submission.job, task);
                let Some(state) = states.get(&name).cloned() else { continue };
                let log = logs.join(format!("{}-{name}.log", submission.name));
                known.push(Known { step: step.clone(), job: submission.job, task, state, log });
            }
        }
        Ok(Self(known))
    }

    /// Returns where Slurm has a step that it has not ended, if it has.
    pub(crate) fn place(&self, step: &PlannedStep) -> Option<Place> {
        let mut live = self.0.iter().rev().filter(|known| known.state.is_live());
        let found = live.find(|known| is_same(&known.step, step))?;
        Some(Place { job: JobRef::Known(found.job), task: found.task })
    }

    /// Returns the job that is at a plan or will be, or the last one that failed at what the plan lacks.
    pub(crate) fn about(&self, standing: &Standing) -> Option<ShownJob> {
        let stages = Stages::of(standing);
        // Scores wait in a job even where the run that they need has failed.
        let tools: &[Tool] = match stages.needs(Tool::Train) {
            true => &[Tool::Train, Tool::Ingest],
            false => &[Tool::Score],
        };
        let wanted = tools.iter().copied().filter(|tool| stages.needs(*tool));
        let of = |tool: Tool| self.0.iter().rev().filter(move |known| is_about(&known.step, tool, standing));
        let live = wanted.clone().find_map(|tool| of(tool).find(|known| known.state.is_live()));
        // What failed first is why the rest could not be done.
        let failed = || {
            let ended = |tool| of(tool).next().filter(|known| known.state != JobState::Done);
            wanted.rev().find_map(ended)
        };
        live.or_else(failed).map(Known::shown)
    }
}

impl Known {
    fn shown(&self) -> ShownJob {
        ShownJob {
            id: name(self.job, self.task),
            state: self.state.clone(),
            step: self.step.id.clone(),
            log: self.log.is_file().then(|| self.log.clone()),
        }
    }
}

fn is_recent(submission: &&Submission) -> bool {
    submission.age().is_none_or(|age| age <= KEPT)
}

/// Returns the name of a job or a task, as Slurm's commands have it.
pub(super) fn name(job: u64, task: Option<usize>) -> String {
    task.map_or_else(|| job.to_string(), |task| format!("{job}_{task}"))
}

/// Checks whether a submitted step makes the same as a planned one. A report is told by its command, because it is about whatever
/// there is.
fn is_same(submitted: &SubmittedStep, planned: &PlannedStep) -> bool {
    submitted.stage == planned.stage.as_str()
        && submitted.experiment == planned.experiment
        && submitted.keys == planned.keys
        && (!planned.keys.is_empty() || submitted.command == planned.call.command)
}

/// Checks whether a submitted step is what a tool does for a plan.
fn is_about(submitted: &SubmittedStep, tool: Tool, standing: &Standing) -> bool {
    let key = if tool == Tool::Ingest { &standing.dataset_hash } else { &standing.key };
    submitted.stage == tool.as_str()
        && submitted.experiment.as_ref() == Some(&standing.plan.experiment)
        && submitted.keys.contains(key)
}

/// Returns the record of a job that was submitted.
pub(super) fn record(job: u64, name: String, is_array: bool, steps: &[PlannedStep]) -> Submission {
    let steps = steps.iter().map(|step| SubmittedStep {
        id: step.id.clone(),
        stage: step.stage.to_string(),
        experiment: step.experiment.clone(),
        keys: step.keys.clone(),
        command: step.call.command.clone(),
    });
    Submission::now(job, name, is_array, steps.collect())
}
