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
use crate::precisions::{read_precisions, unjudged};
use crate::run::{Run, RunStatus};
use crate::scores::read_scores;
use crate::store::{Listing, Store};
use crate::succession::Succession;
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
    /// Whether graphs or libtorch's logits of that run are damaged; they are made again from its weights.
    pub is_export_damaged: bool,
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
        self.dataset.is_some() && self.is_trained() && self.is_scored()
    }

    /// Whether the run is complete, with its export.
    pub fn is_trained(&self) -> bool {
        self.run.is_some() && !self.is_export_damaged
    }

    /// Whether every split has its scores and every reduced precision is judged.
    pub fn is_scored(&self) -> bool {
        self.missing_scores.is_empty() && self.unjudged_precisions.is_empty()
    }
}

/// Returns what was read of a run, or nothing where it is damaged: [`look`] names damage, and it is made again.
///
/// # Errors
/// When it cannot be read for another reason.
pub fn unless_damaged<T>(read: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(error) if error.is_damage() => Ok(None),
        other => other,
    }
}

/// Where the plans of some experiments stand.
#[derive(Debug, Default)]
pub struct Standings {
    /// Where each plan stands, in the order of the plans; an experiment comes after those it starts from.
    pub known: Vec<Standing>,
    /// The plans of which it cannot be told, as where a table is missing.
    pub unknown: Vec<Unknown>,
    /// What is damaged, each file once. What was in it counts as missing, and is made again where it can be.
    pub damage: Vec<StoreError>,
}

/// A plan of which it cannot be told where it stands.
#[derive(Debug)]
pub struct Unknown {
    /// The plan.
    pub plan: Plan,
    /// Why.
    pub error: StoreError,
}

/// Looks where every plan of the experiments stands. One missing table and one damaged record never hide the rest.
///
/// Nothing is written but the cache of digests. Progress is in bytes, and only reported when there is something to
/// read.
pub fn look(store: &Store, experiments: &[Experiment], on_progress: &(dyn Fn(u64, u64) + Sync)) -> Standings {
    let mut look = Look {
        store,
        experiments,
        on_progress,
        data: Vec::new(),
        runs: HashMap::new(),
        models: HashMap::new(),
        unknown: Vec::new(),
        damage: Vec::new(),
    };
    let mut known = Vec::new();
    for plan in experiments.iter().flat_map(|experiment| &experiment.plans) {
        match standing(&mut look, plan, &known) {
            Ok(standing) => known.push(standing),
            Err(error) => look.unknown.push(Unknown { plan: plan.clone(), error }),
        }
    }
    Standings { known, unknown: look.unknown, damage: look.damage }
}

/// Returns where every plan of the experiments stands, for a tool that needs all of them.
///
/// # Errors
/// When it cannot be told of one.
pub fn standings(
    store: &Store,
    experiments: &[Experiment],
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Standing>, StoreError> {
    let Standings { known, unknown, .. } = look(store, experiments, on_progress);
    match unknown.into_iter().next() {
        None => Ok(known),
        Some(Unknown { error, .. }) => Err(error),
    }
}

fn standing(look: &mut Look<'_>, plan: &Plan, before: &[Standing]) -> Result<Standing, StoreError> {
    let data = look.data(&plan.data)?;
    let base = resolve(look, &plan.model.from, before)?;
    let Data { inputs, hash, dataset, .. } = &look.data[data];
    let (inputs, hash, dataset) = (inputs.clone(), hash.clone(), dataset.clone());
    let key = run_key(&hash, &base.key(), plan);
    let runs = look.runs(&plan.experiment)?;
    let run =
        runs.iter().rev().find(|run| run.record().key == key && run.status() == RunStatus::Done).cloned();
    let previous = runs.iter().rev().find(|run| {
        let earlier = &run.record().plan;
        earlier.seed == plan.seed && earlier.axes == plan.axes
    });
    let previous = previous.cloned();
    let missing_scores = missing_scores(look, run.as_ref(), splits_to_score(plan, dataset.as_ref()))?;
    let precisions = match &run {
        Some(run) => look.intact(read_precisions(run))?.flatten(),
        None => None,
    };
    let unjudged = unjudged(run.as_ref(), precisions.as_ref(), plan);
    let export_damage = match &run {
        Some(run) => look.export_damage(run)?,
        None => None,
    };
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
        export: export_damage.as_deref(),
    };
    let why = reasons(look.store, &case);
    Ok(Standing {
        plan: plan.clone(),
        dataset_hash: hash,
        dataset,
        base,
        key,
        run,
        is_export_damaged: export_damage.is_some(),
        missing_scores,
        unjudged_precisions: unjudged.iter().map(|unjudged| unjudged.precision).collect(),
        why,
    })
}

/// The splits that a plan scores, without those that its dataset has no items in: an external test set has no others. When
/// none is left they all stay, and scoring says what is wrong.
fn splits_to_score(plan: &Plan, dataset: Option<&Dataset>) -> Vec<Split> {
    let planned = &plan.score.splits;
    let Some(dataset) = dataset else { return planned.clone() };
    let counts = &dataset.record().splits;
    let has_items = |split: &&Split| counts.get(split.as_str()).is_none_or(|counts| counts.items > 0);
    let filled: Vec<Split> = planned.iter().filter(has_items).copied().collect();
    if filled.is_empty() { planned.clone() } else { filled }
}

fn missing_scores(
    look: &mut Look<'_>,
    run: Option<&Run>,
    splits: Vec<Split>,
) -> Result<Vec<Split>, StoreError> {
    let Some(run) = run else { return Ok(splits) };
    let mut missing = Vec::new();
    for split in splits {
        if look.intact(read_scores(run, split))?.flatten().is_none() {
            missing.push(split);
        }
    }
    Ok(missing)
}

/// What was looked at so far: plans share sources, runs and models, and each is looked at once.
pub(crate) struct Look<'a> {
    store: &'a Store,
    experiments: &'a [Experiment],
    on_progress: &'a (dyn Fn(u64, u64) + Sync),
    data: Vec<Data>,
    runs: HashMap<ExperimentName, Vec<Run>>,
    models: HashMap<PathBuf, String>,
    unknown: Vec<Unknown>,
    damage: Vec<StoreError>,
}

/// The sources of a plan and the dataset they make.
struct Data {
    plan: DataPlan,
    inputs: std::sync::Arc<Inputs>,
    hash: String,
    /// The dataset, if it was made and nothing is wrong with it.
    dataset: Option<Dataset>,
}

impl Look<'_> {
    /// Index of the plan's sources.
    fn data(&mut self, plan: &DataPlan) -> Result<usize, StoreError> {
        if let Some(known) = self.data.iter().position(|data| data.plan == *plan) {
            return Ok(known);
        }
        let inputs = self.store.inputs(plan, self.on_progress)?;
        let Succession { hash, dataset, .. } =
            self.store.succession(plan, &inputs, &self.experiments_with(plan))?;
        let dataset = match dataset {
            Some(made) => self.intact(made.verify())?.map(|()| made),
            // One whose record is damaged does not show in the succession.
            None => self.intact(self.store.dataset(&hash))?.flatten(),
        };
        let dataset = dataset.map(|dataset| dataset.with_images_folder(&inputs.images_folder));
        self.data.push(Data { plan: plan.clone(), inputs: inputs.into(), hash, dataset });
        Ok(self.data.len() - 1)
    }

    /// The experiments that share a dataset.
    fn experiments_with(&self, data: &DataPlan) -> Vec<ExperimentName> {
        let sharing = self.experiments.iter().filter(|one| one.plans.iter().any(|plan| plan.data == *data));
        sharing.map(|experiment| experiment.name.clone()).collect()
    }

    /// The runs of an experiment, oldest first.
    pub(crate) fn runs(&mut self, experiment: &ExperimentName) -> Result<&[Run], StoreError> {
        if !self.runs.contains_key(experiment) {
            let Listing { runs, damaged } = self.store.runs_of(experiment)?;
            damaged.into_iter().for_each(|(_, error)| self.note(error));
            self.runs.insert(experiment.clone(), runs);
        }
        Ok(self.runs.get(experiment).map_or(&[], Vec::as_slice))
    }

    /// What was read, unless it is damaged: that is noted, and nothing is in it.
    fn intact<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Err(error) if error.is_damage() => {
                self.note(error);
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// What is wrong with the export of a run, in words.
    fn export_damage(&mut self, run: &Run) -> Result<Option<String>, StoreError> {
        match run.export_damage() {
            Err(error) if error.is_damage() => {
                let file = error.file().and_then(Path::file_name).unwrap_or_default();
                let words = format!("{} is damaged", file.to_string_lossy());
                self.note(error);
                Ok(Some(words))
            }
            other => other.map(|()| None),
        }
    }

    /// Remembers damage, each file once.
    fn note(&mut self, error: StoreError) {
        let text = error.to_string();
        if self.damage.iter().all(|known| known.to_string() != text) {
            self.damage.push(error);
        }
    }

    /// Whether it cannot be told where an experiment stands.
    pub(crate) fn is_unknown(&self, experiment: &ExperimentName) -> bool {
        self.unknown.iter().any(|unknown| unknown.plan.experiment == *experiment)
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
