//! What is to be done for each run, and what has to come before it: the rules of order, whoever does the work.

use std::collections::HashSet;

use cliptune_experiment::{Experiment, ExperimentName, Location, ModelSource, Plan, Seed};
use cliptune_store::{OnePlan, Standing, Standings, Store, StoreError, run_label};

use super::state::Stages;
use crate::tool::Tool;

/// What is to be done for one run.
#[derive(Clone, Debug)]
pub(crate) struct RunTodo<'a> {
    /// The plan, as programs name it to each other.
    pub(crate) one: OnePlan,
    /// The standing of the plan.
    pub(crate) standing: &'a Standing,
    /// The run, as people call it.
    pub(crate) label: String,
    /// The state of its stages.
    pub(crate) stages: Stages,
    /// The positions, among all of them, of the runs whose weights it starts from.
    pub(crate) bases: Vec<usize>,
}

impl<'a> RunTodo<'a> {
    /// Returns what is to be done for each plan, nothing included, in the order of the plans. A base comes before what starts
    /// from it.
    pub(crate) fn all(plans: impl Iterator<Item = (OnePlan, &'a Standing)>) -> Vec<Self> {
        let mut all = Vec::new();
        let mut before = Vec::new();
        for (one, standing) in plans {
            let plan = &standing.plan;
            let (label, stages) = (run_label(plan), Stages::of(standing));
            let bases = bases(plan, &before);
            before.push((plan.experiment.clone(), plan.seed));
            all.push(Self { one, standing, label, stages, bases });
        }
        all
    }

    /// Returns the first tool that has something to do once there is a dataset.
    pub(crate) fn first(&self) -> Option<Tool> {
        [Tool::Train, Tool::Score].into_iter().find(|tool| self.stages.needs(*tool))
    }

    /// Checks whether a tool comes after another one that has something to do, too: what was begun is finished, even where another
    /// process has taken up the work meanwhile.
    pub(crate) fn goes_on_with(&self, tool: Tool) -> bool {
        tool == Tool::Score && self.stages.needs(Tool::Train)
    }
}

/// Returns the positions of the runs that a plan starts from.
fn bases(plan: &Plan, before: &[(ExperimentName, Seed)]) -> Vec<usize> {
    let ModelSource::Run(reference) = &plan.model.from else { return Vec::new() };
    let meant =
        before.iter().enumerate().filter(|(_, (experiment, seed))| reference.means(experiment, *seed));
    meant.map(|(number, _)| number).collect()
}

/// Returns every plan of some experiments with its standing. An experiment without a problem has a standing for each of its
/// plans, in their order.
pub(crate) fn plans_of<'a>(
    experiments: impl Iterator<Item = &'a Experiment>,
    standings: &'a Standings,
) -> impl Iterator<Item = (OnePlan, &'a Standing)> {
    experiments.flat_map(move |experiment| {
        standings_of(&experiment.name, standings).enumerate().map(move |(number, standing)| {
            (OnePlan { experiment: experiment.name.clone(), number }, standing)
        })
    })
}

/// Returns the standings of the plans of an experiment that are known.
pub(crate) fn standings_of<'a>(
    experiment: &'a ExperimentName,
    standings: &'a Standings,
) -> impl Iterator<Item = &'a Standing> {
    standings.known.iter().filter(move |standing| standing.plan.experiment == *experiment)
}

/// Checks whether the dataset of any plan of an experiment has to be made.
pub(crate) fn needs_dataset(experiment: &ExperimentName, standings: &Standings) -> bool {
    standings_of(experiment, standings).map(Stages::of).any(|stages| stages.needs(Tool::Ingest))
}

/// Returns the error that an experiment's base has seen its test images or will see them, if that is so. The tools report
/// anything else that is wrong when they need it.
pub(crate) fn leak(experiment: &ExperimentName, standings: &Standings, store: &Store) -> Option<StoreError> {
    let refused = standings_of(experiment, standings)
        .map(|standing| standing.refuse_leak(store, &standings.known))
        .find_map(Result::err);
    refused.filter(|error| matches!(error, StoreError::Leak { .. }))
}

/// Checks whether two experiments have images in common. What one of them finds out about an image, the other need not find out
/// again, and the two may even have the same dataset.
pub(crate) fn share_images(one: &Experiment, other: &Experiment) -> bool {
    let images = |experiment: &Experiment| -> HashSet<Location> {
        experiment.plans.iter().flat_map(|plan| plan.data.images.iter().cloned()).collect()
    };
    !images(one).is_disjoint(&images(other))
}
