//! Where every plan stands: what exists, what is stale and why.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Experiment, ExperimentName, Plan, Precision, Split};
use cliptune_hub::{Hub, HubId, Snapshot};

use crate::base::{ResolvedBase, resolve};
use crate::dataset::Dataset;
use crate::error::StoreError;
use crate::identity::run_key;
use crate::inputs::Inputs;
use crate::precisions::unjudged;
use crate::run::{Run, RunStatus};
use crate::scores::read_scores;
use crate::store::Store;
use crate::why::{Case, reasons};

/// Where one plan stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The plan.
    pub plan: Plan,
    /// Hash of the dataset that its sources make, whether or not it was made.
    pub dataset_hash: String,
    /// The dataset, if it was made.
    pub dataset: Option<Dataset>,
    /// Where its weights start from.
    pub base: ResolvedBase,
    /// Identity of its run, whether or not it exists.
    pub key: String,
    /// The newest completed run of that identity.
    pub run: Option<Run>,
    /// Splits that are to be scored and are not.
    pub missing_scores: Vec<Split>,
    /// Reduced precisions that are to be measured, or decided by another margin.
    pub unjudged_precisions: Vec<Precision>,
    /// What is stale, in words; empty when nothing is.
    pub why: Vec<String>,
}

impl Standing {
    /// Whether there is nothing to do.
    pub fn is_fresh(&self) -> bool {
        self.dataset.is_some() && self.run.is_some() && self.is_scored()
    }

    /// Whether every split has its scores and every reduced precision is judged.
    pub fn is_scored(&self) -> bool {
        self.missing_scores.is_empty() && self.unjudged_precisions.is_empty()
    }
}

/// Where every plan of the experiments stands, in their order; an experiment comes after those it starts from.
///
/// Nothing is written but the cache of digests. Progress is in bytes, and only reported when there is something to
/// read.
pub fn standings(
    store: &Store,
    experiments: &[Experiment],
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Standing>, StoreError> {
    let mut survey =
        Survey { store, on_progress, data: Vec::new(), runs: HashMap::new(), models: HashMap::new() };
    let mut standings = Vec::new();
    for plan in experiments.iter().flat_map(|experiment| &experiment.plans) {
        let standing = standing(&mut survey, plan, &standings)?;
        standings.push(standing);
    }
    Ok(standings)
}

fn standing(survey: &mut Survey<'_>, plan: &Plan, before: &[Standing]) -> Result<Standing, StoreError> {
    let data = survey.data(&plan.data)?;
    let base = resolve(survey, &plan.model.from, before)?;
    let Data { inputs, hash, dataset, .. } = &survey.data[data];
    let (inputs, hash, dataset) = (inputs.clone(), hash.clone(), dataset.clone());
    let key = run_key(&hash, &base.key(), plan);
    let runs = survey.runs(&plan.experiment)?;
    let run =
        runs.iter().rev().find(|run| run.record().key == key && run.status() == RunStatus::Done).cloned();
    let previous = runs.iter().rev().find(|run| {
        let earlier = &run.record().plan;
        earlier.seed == plan.seed && earlier.axes == plan.axes
    });
    let previous = previous.cloned();
    let missing_scores = missing_scores(run.as_ref(), plan)?;
    let unjudged = unjudged(run.as_ref(), plan)?;
    let case = Case {
        plan,
        inputs: &inputs,
        dataset_hash: &hash,
        dataset: dataset.as_ref(),
        base: &base,
        key: &key,
        run: run.as_ref(),
        previous: previous.as_ref(),
        missing_scores: &missing_scores,
        unjudged: &unjudged,
    };
    let why = reasons(survey.store, &case);
    Ok(Standing {
        plan: plan.clone(),
        dataset_hash: hash,
        dataset,
        base,
        key,
        run,
        missing_scores,
        unjudged_precisions: unjudged.iter().map(|unjudged| unjudged.precision).collect(),
        why,
    })
}

fn missing_scores(run: Option<&Run>, plan: &Plan) -> Result<Vec<Split>, StoreError> {
    let Some(run) = run else { return Ok(plan.score.splits.clone()) };
    let mut missing = Vec::new();
    for split in &plan.score.splits {
        match read_scores(run, *split) {
            Ok(Some(_)) => {}
            // Scores that cannot be read are made again: they are complete or worth nothing.
            Ok(None) | Err(StoreError::Json { .. }) => missing.push(*split),
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}

/// What was looked at so far: plans share sources, runs and models, and each is looked at once.
pub(crate) struct Survey<'a> {
    store: &'a Store,
    on_progress: &'a (dyn Fn(u64, u64) + Sync),
    data: Vec<Data>,
    runs: HashMap<ExperimentName, Vec<Run>>,
    models: HashMap<PathBuf, String>,
}

/// The sources of a plan and the dataset they make.
struct Data {
    plan: DataPlan,
    inputs: std::sync::Arc<Inputs>,
    hash: String,
    dataset: Option<Dataset>,
}

impl Survey<'_> {
    /// Index of the plan's sources.
    fn data(&mut self, plan: &DataPlan) -> Result<usize, StoreError> {
        if let Some(known) = self.data.iter().position(|data| data.plan == *plan) {
            return Ok(known);
        }
        let inputs = self.store.inputs(plan, self.on_progress)?;
        let hash = inputs.dataset_hash(plan);
        let dataset =
            self.store.dataset(&hash)?.map(|dataset| dataset.with_images_folder(&inputs.images_folder));
        self.data.push(Data { plan: plan.clone(), inputs: inputs.into(), hash, dataset });
        Ok(self.data.len() - 1)
    }

    /// The runs of an experiment, oldest first.
    pub(crate) fn runs(&mut self, experiment: &ExperimentName) -> Result<&[Run], StoreError> {
        if !self.runs.contains_key(experiment) {
            let runs = self.store.runs_of(experiment)?.runs;
            self.runs.insert(experiment.clone(), runs);
        }
        Ok(self.runs.get(experiment).map_or(&[], Vec::as_slice))
    }

    /// The hash of a model folder.
    pub(crate) fn model_hash(&mut self, folder: &Path) -> Result<String, StoreError> {
        if let Some(known) = self.models.get(folder) {
            return Ok(known.clone());
        }
        let hash = self.store.model_hash(folder)?;
        self.models.insert(folder.to_path_buf(), hash.clone());
        Ok(hash)
    }

    /// A model of the hub, if this machine's cache has it. The network is not asked.
    pub(crate) fn cached(&self, id: &HubId) -> Result<Option<Snapshot>, StoreError> {
        Ok(Hub::from_env()?.locate(id)?)
    }
}
