//! What `run` does, as steps: each with what it needs, and with the command that does it. Whoever has a scheduler can give the
//! steps to it.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use cliptune_experiment::{Experiment, ExperimentName, MemorySize, Resources};
use cliptune_report::{Options, Request};
use cliptune_store::{OnePlan, Standings, Store};
use cliptune_terminal::{CommonArgs, Diagnostic as _, Exit, Printer};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::commands::{Commands, of_report, with_threads};
use super::state::StageState;
use super::todo::{RunTodo, leak, needs_dataset, plans_of, share_images, standings_of};
use crate::error::CliError;
use crate::selection::{Selection, bases};
use crate::tool::Tool;

/// The version of the document.
const FORMAT: u32 = 1;

/// The steps that lead to fresh runs and a report of them, each behind those that it needs.
#[derive(Debug, Serialize)]
pub(crate) struct Steps {
    format_version: u32,
    /// The folder that the commands are run in.
    pub(crate) directory: String,
    /// The steps.
    pub(crate) steps: Vec<PlannedStep>,
    /// Why the steps are not all that was asked for.
    #[serde(skip)]
    pub(crate) exit: Exit,
}

/// One step, which one command does.
#[derive(Debug, Serialize)]
pub(crate) struct PlannedStep {
    /// The step's name, which no other step has.
    pub(crate) id: String,
    /// The tool that does it.
    pub(crate) stage: Tool,
    /// The experiment that it belongs to; `None` for the report, which is about all.
    pub(crate) experiment: Option<ExperimentName>,
    /// The run, as people call it; `None` where it is about all runs.
    pub(crate) run: Option<String>,
    /// The identity of what is made: the hash of a dataset, or the key of a run.
    pub(crate) keys: Vec<String>,
    /// Whether there is anything to do.
    pub(crate) state: StageState,
    /// The names of the steps that come before it.
    pub(crate) needs: Vec<String>,
    /// Whether it is taken even where steps before it have failed.
    pub(crate) even_if_failed: bool,
    #[serde(flatten)]
    pub(crate) call: Call,
    /// What is set aside for it.
    #[serde(serialize_with = "in_numbers")]
    pub(crate) resources: Resources,
}

/// Writes resources in numbers, which no scheduler has to read as cliptune does.
fn in_numbers<S: Serializer>(resources: &Resources, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Resources", 5)?;
    object.serialize_field("cpus", &resources.cpus)?;
    object.serialize_field("memory_bytes", &resources.memory.map(MemorySize::bytes))?;
    object.serialize_field("gpus", &resources.gpus)?;
    object.serialize_field("time_seconds", &resources.time.map(|time| time.duration().as_secs()))?;
    object.serialize_field("partition", &resources.partition)?;
    object.end()
}

/// A program with its arguments, and the variables that it needs beside those of this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Call {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// The variables.
    pub(crate) environment: BTreeMap<String, String>,
}

impl Call {
    /// Returns what a command would start that has these resources.
    fn of(command: Command, resources: &Resources) -> Result<Self, CliError> {
        let command = with_threads(command, resources.cpus.map(usize::from));
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        Ok(Self {
            command: words.map(text).collect::<Result<_, _>>()?,
            environment: variables
                .map(|(name, value)| Ok((text(name)?, text(value)?)))
                .collect::<Result<_, CliError>>()?,
        })
    }
}

fn text(part: &OsStr) -> Result<String, CliError> {
    part.to_str().map(str::to_owned).ok_or_else(|| CliError::NoText { path: PathBuf::from(part) })
}

/// What the steps are made from.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) common: &'a CommonArgs,
    pub(crate) printer: &'a Printer,
    pub(crate) paths: &'a [PathBuf],
    pub(crate) selection: &'a Selection,
    pub(crate) store: &'a Store,
    pub(crate) standings: &'a Standings,
}

impl Steps {
    /// Returns the steps for some experiments: those that are stale, or all. Experiments of which that cannot be said, or whose
    /// base has seen their test images, are told and left out, with what starts from them.
    pub(crate) fn of(ground: Ground<'_>, all: bool) -> Result<Self, CliError> {
        let (good, exit) = good(ground);
        let commands = Commands::new(ground.common, ground.selection);
        let mut steps = datasets(ground, &good, &commands)?;
        steps.extend(runs(ground, &good, &commands)?);
        steps.push(report(ground, &good, &steps)?);
        if !all {
            steps.retain(|step| step.state == StageState::Stale);
        }
        // What is not done again has not to be waited for.
        let there: HashSet<String> = steps.iter().map(|step| step.id.clone()).collect();
        steps.iter_mut().for_each(|step| step.needs.retain(|id| there.contains(id)));
        let directory = text(std::env::current_dir()?.as_os_str())?;
        Ok(Self { format_version: FORMAT, directory, steps, exit })
    }
}

/// Returns the experiments for which steps can be planned, and the exit code of what is wrong with the others.
fn good<'a>(ground: Ground<'a>) -> (Vec<&'a Experiment>, Exit) {
    let mut good: Vec<&'a Experiment> = Vec::new();
    let mut exit = Exit::Done;
    for experiment in &ground.selection.experiments {
        let name = &experiment.name;
        let mut unknown = ground.standings.unknown.iter();
        let is_left_out = |base: &&ExperimentName| {
            ground.selection.get(base).is_some() && good.iter().all(|one| one.name != **base)
        };
        if let Some(unknown) = unknown.find(|unknown| unknown.plan.experiment == *name) {
            // A warning has already given the reason.
            exit = worse(exit, unknown.error.exit());
        } else if let Some(base) = bases(experiment).find(is_left_out) {
            ground.printer.warn(&format!("{name} is left out, as {base} is, which it starts from"));
        } else if let Some(error) = leak(name, ground.standings, ground.store) {
            ground.printer.warn(&format!("{name} is left out: {}", error.in_one_line()));
            exit = worse(exit, error.exit());
        } else {
            good.push(experiment);
        }
    }
    (good, exit)
}

/// Returns the exit code of two problems. What failed for another reason outweighs a mistake.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Done, exit) | (exit, Exit::Done) => exit,
        (Exit::Usage, Exit::Usage) => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Returns the steps that make datasets. One waits for another one where `run` would make them one after the other: where it
/// starts from its experiment, and where they are made from the same images.
fn datasets(
    ground: Ground<'_>,
    good: &[&Experiment],
    commands: &Commands<'_>,
) -> Result<Vec<PlannedStep>, CliError> {
    let mut steps = Vec::new();
    for (number, experiment) in good.iter().enumerate() {
        let comes_first = |other: &&&Experiment| {
            bases(experiment).any(|base| *base == other.name) || share_images(other, experiment)
        };
        let before = good.iter().take(number).filter(comes_first);
        let resources = Resources { time: None, gpus: None, ..needed_by(&[*experiment]) };
        let mut hashes: Vec<String> = standings_of(&experiment.name, ground.standings)
            .map(|standing| standing.dataset_hash.clone())
            .collect();
        hashes.dedup();
        steps.push(PlannedStep {
            id: dataset_id(&experiment.name),
            stage: Tool::Ingest,
            experiment: Some(experiment.name.clone()),
            run: None,
            keys: hashes,
            state: StageState::of(!needs_dataset(&experiment.name, ground.standings)),
            needs: before.map(|other| dataset_id(&other.name)).collect(),
            even_if_failed: false,
            call: Call::of(commands.of_dataset(&experiment.name)?, &resources)?,
            resources,
        });
    }
    Ok(steps)
}

/// Returns the steps that train and score runs.
fn runs(
    ground: Ground<'_>,
    good: &[&Experiment],
    commands: &Commands<'_>,
) -> Result<Vec<PlannedStep>, CliError> {
    let todos = RunTodo::all(plans_of(good.iter().copied(), ground.standings));
    let mut steps = Vec::new();
    for todo in &todos {
        let bases = todo.bases.iter().filter_map(|&base| todos.get(base));
        let mut needs = vec![dataset_id(&todo.one.experiment)];
        needs.extend(bases.map(|base| run_id(Tool::Train, &base.one)));
        steps.push(run_step(todo, Tool::Train, needs, commands)?);
        let needs = vec![run_id(Tool::Train, &todo.one)];
        steps.push(run_step(todo, Tool::Score, needs, commands)?);
    }
    Ok(steps)
}

fn run_step(
    todo: &RunTodo<'_>,
    tool: Tool,
    needs: Vec<String>,
    commands: &Commands<'_>,
) -> Result<PlannedStep, CliError> {
    let mut resources = todo.standing.plan.resources.clone().unwrap_or_default();
    if tool != Tool::Train {
        resources.gpus = None;
    }
    let mut command = commands.of_run(tool, &todo.one)?;
    if todo.goes_on_with(tool) {
        command.arg("--wait");
    }
    Ok(PlannedStep {
        id: run_id(tool, &todo.one),
        stage: tool,
        experiment: Some(todo.one.experiment.clone()),
        run: Some(todo.label.clone()),
        keys: vec![todo.standing.key.clone()],
        state: StageState::of(!todo.stages.needs(tool)),
        needs,
        even_if_failed: false,
        call: Call::of(command, &resources)?,
        resources,
    })
}

/// Returns the step that makes the report, after everything else.
fn report(ground: Ground<'_>, good: &[&Experiment], before: &[PlannedStep]) -> Result<PlannedStep, CliError> {
    let resources = Resources { time: None, gpus: None, ..needed_by(good) };
    let request = Request::of(ground.store, ground.paths, &ground.common.set, &Options::default())?;
    let is_fresh = before.iter().all(|step| step.state == StageState::Fresh)
        && cliptune_report::is_fresh(&ground.standings.known, &request)?;
    Ok(PlannedStep {
        id: Tool::Report.to_string(),
        stage: Tool::Report,
        experiment: None,
        run: None,
        keys: Vec::new(),
        state: StageState::of(is_fresh),
        needs: before.iter().map(|step| step.id.clone()).collect(),
        even_if_failed: true,
        call: Call::of(of_report(ground.paths, ground.common)?, &resources)?,
        resources,
    })
}

/// Returns what work for all runs of some experiments needs.
fn needed_by(experiments: &[&Experiment]) -> Resources {
    let plans = experiments.iter().flat_map(|experiment| &experiment.plans);
    plans.filter_map(|plan| plan.resources.clone()).reduce(Resources::or_more).unwrap_or_default()
}

fn dataset_id(experiment: &ExperimentName) -> String {
    format!("{}:{experiment}", Tool::Ingest)
}

fn run_id(tool: Tool, one: &OnePlan) -> String {
    format!("{tool}:{one}")
}
