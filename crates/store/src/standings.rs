//! The standing of every plan: what exists, what is stale, and why.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Experiment, ExperimentName, Plan, Precision, ScorePlan, Split};
use cliptune_hub::{Hub, HubId, Snapshot};

use crate::base::{ResolvedBase, resolve};
use crate::dataset::Dataset;
use crate::error::StoreError;
use crate::identity::run_key;
use crate::precisions::{read_precisions, unjudged};
use crate::run::{Run, RunStatus};
use crate::scores::read_scores;
use crate::source_hashes::SourceHashes;
use crate::store::{Listing, Store};
use crate::succession::Succession;
use crate::why::{Case, reasons};

/// The standing of one plan.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The plan.
    pub plan: Plan,
    /// The hash of the dataset that the plan makes of its sources, whether or not the dataset exists.
    pub dataset_hash: String,
    /// The dataset, if it exists.
    pub dataset: Option<Dataset>,
    /// The starting weights of the plan.
    pub base: ResolvedBase,
    /// The key of the plan's run, whether or not the run exists.
    pub key: String,
    /// The newest completed run with that key, or the newest one that still has its weights where there is one.
    pub run: Option<Run>,
    /// Whether the graphs of that run or libtorch's logits are damaged. They are made again from the run's weights.
    pub is_export_damaged: bool,
    /// The splits that should be scored but are not.
    pub missing_scores: Vec<Split>,
    /// The reduced precisions that have to be measured, or decided again by another margin.
    pub unjudged_precisions: Vec<Precision>,
    /// The reasons why the plan is stale, in words; empty when nothing is stale.
    pub why: Vec<String>,
}

impl Standing {
    /// Checks whether there is nothing left to do.
    pub fn is_fresh(&self) -> bool {
        self.dataset.is_some() && self.is_trained() && self.is_scored()
    }

    /// Checks whether the run is complete, including its export.
    pub fn is_trained(&self) -> bool {
        self.run.is_some() && !self.is_export_damaged
    }

    /// Checks whether every split has its scores and every reduced precision has been judged.
    pub fn is_scored(&self) -> bool {
        self.missing_scores.is_empty() && self.unjudged_precisions.is_empty()
    }
}

/// Returns what was read of a run, or `None` where it is damaged. [`look`] reports the damage, and the damaged part
/// is made again.
///
/// # Errors
/// Returns an error when it cannot be read for another reason.
pub fn unless_damaged<T>(read: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(error) if error.is_damage() => Ok(None),
        other => other,
    }
}

/// The standings of the plans of some experiments.
#[derive(Debug, Default)]
pub struct Standings {
    /// The standing of each plan, in the order of the plans. An experiment comes after those that it starts from.
    pub known: Vec<Standing>,
    /// The plans whose standings cannot be determined, for example because a table is missing.
    pub unknown: Vec<Unknown>,
    /// The errors about damaged files, one for each file. Their content counts as missing, and is made again where
    /// possible.
    pub damage: Vec<StoreError>,
}

/// A plan whose standing cannot be determined.
#[derive(Debug)]
pub struct Unknown {
    /// The plan.
    pub plan: Plan,
    /// The reason.
    pub error: StoreError,
}

/// Determines the standing of every plan of the experiments. A missing table or a damaged record never hides the
/// others.
///
/// Nothing is written except the cache of digests. Progress is in bytes, and is only reported when there is something
/// to read.
pub fn look(store: &Store, experiments: &[Experiment], on_progress: &(dyn Fn(u64, u64) + Sync)) -> Standings {
    let mut look = Look {
        store,
        experiments,
        on_progress,
        data: Vec::new(),
        runs: HashMap::new(),
        newer: HashMap::new(),
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
    // What keeps a plan from being known is said with the plan.
    let is_said = |error: &StoreError| {
        look.unknown.iter().any(|unknown| unknown.error.to_string() == error.to_string())
    };
    look.damage.retain(|error| !is_said(error));
    Standings { known, unknown: look.unknown, damage: look.damage }
}

/// Returns the standing of every plan of the experiments, for a tool that needs all of them.
///
/// # Errors
/// Returns an error when the standing of a plan cannot be determined.
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
    let Data { sources, hash, dataset, .. } = &look.data[data];
    let (sources, hash, dataset) = (sources.clone(), hash.clone(), dataset.clone());
    let key = run_key(&hash, &base.key(), plan);
    let runs = look.runs(&plan.experiment)?;
    let of_key =
        || runs.iter().rev().filter(|run| run.record().key == key && run.status() == RunStatus::Done);
    // A run whose weights were removed stays fresh, but one that still has them serves more.
    let run = of_key().find(|run| !run.lacks_weights()).or_else(|| of_key().next()).cloned();
    let previous = runs.iter().rev().find(|run| {
        let earlier = &run.record().plan;
        earlier.seed == plan.seed && earlier.axes == plan.axes
    });
    let previous = previous.cloned();
    if run.is_none() {
        look.refuse_newer(&plan.experiment)?;
    }
    let missing_scores =
        missing_scores(look, run.as_ref(), &plan.score, splits_to_score(plan, dataset.as_ref()))?;
    let precisions = match &run {
        Some(run) => look.intact(read_precisions(run))?.flatten(),
        None => None,
    };
    let unjudged = unjudged(run.as_ref(), precisions.as_ref(), plan);
    let export_damage = match &run {
        Some(run) => {
            // Nothing that is made of the run needs its log.
            look.intact(run.has_log())?;
            look.export_damage(run)?
        }
        None => None,
    };
    let case = Case {
        plan,
        sources: &sources,
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

/// Returns the splits that a plan scores, without those that its dataset has no items in, since an external test set
/// has no other splits. When none would be left, all of them stay, and scoring reports the problem.
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
    plan: &ScorePlan,
    splits: Vec<Split>,
) -> Result<Vec<Split>, StoreError> {
    let Some(run) = run else { return Ok(splits) };
    let mut missing = Vec::new();
    for split in splits {
        let scores = look.intact(read_scores(run, split))?.flatten();
        if !scores.is_some_and(|scores| scores.serve(plan)) {
            missing.push(split);
        }
    }
    Ok(missing)
}

/// The things that have been looked at so far. Plans share sources, runs and models, and each of these is looked at
/// only once.
pub(crate) struct Look<'a> {
    store: &'a Store,
    experiments: &'a [Experiment],
    on_progress: &'a (dyn Fn(u64, u64) + Sync),
    data: Vec<Data>,
    runs: HashMap<ExperimentName, Vec<Run>>,
    /// A record that a newer cliptune has written, with its version and ours, for each experiment that has one.
    newer: HashMap<ExperimentName, (PathBuf, [u32; 2])>,
    models: HashMap<PathBuf, String>,
    unknown: Vec<Unknown>,
    damage: Vec<StoreError>,
}

/// The sources of a plan and the dataset that they make.
struct Data {
    plan: DataPlan,
    sources: SourceHashes,
    hash: String,
    /// The dataset, if it exists and is intact.
    dataset: Option<Dataset>,
}

impl Look<'_> {
    /// Returns the index of the plan's sources.
    fn data(&mut self, plan: &DataPlan) -> Result<usize, StoreError> {
        if let Some(known) = self.data.iter().position(|data| data.plan == *plan) {
            return Ok(known);
        }
        let sources = self.store.source_hashes(plan, self.on_progress)?;
        let Succession { hash, dataset, .. } =
            self.store.succession(plan, &sources, &self.experiments_with(plan))?;
        let dataset = match dataset {
            Some(made) => self.intact(made.verify())?.map(|()| made),
            // A dataset whose record is damaged does not show up in the succession.
            None => self.intact(self.store.dataset(&hash))?.flatten(),
        };
        let dataset = dataset.map(|dataset| dataset.with_images_folders(&sources.images_folders));
        self.data.push(Data { plan: plan.clone(), sources, hash, dataset });
        Ok(self.data.len() - 1)
    }

    /// Returns the experiments that share a dataset.
    fn experiments_with(&self, data: &DataPlan) -> Vec<ExperimentName> {
        let sharing = self.experiments.iter().filter(|one| one.plans.iter().any(|plan| plan.data == *data));
        sharing.map(|experiment| experiment.name.clone()).collect()
    }

    /// Returns the runs of an experiment, oldest first.
    pub(crate) fn runs(&mut self, experiment: &ExperimentName) -> Result<&[Run], StoreError> {
        if !self.runs.contains_key(experiment) {
            let Listing { runs, damaged, .. } = self.store.runs_of(experiment)?;
            for (_, error) in damaged {
                if let StoreError::Version { path, found, supported } = &error
                    && found > supported
                {
                    self.newer.insert(experiment.clone(), (path.clone(), [*found, *supported]));
                }
                self.note(error);
            }
            self.runs.insert(experiment.clone(), runs);
        }
        Ok(self.runs.get(experiment).map_or(&[], Vec::as_slice))
    }

    /// Refuses an experiment that a newer cliptune has made a run of. It may be the run that is looked for, which must not be
    /// made a second time.
    pub(crate) fn refuse_newer(&self, experiment: &ExperimentName) -> Result<(), StoreError> {
        match self.newer.get(experiment) {
            Some((path, [found, supported])) => {
                Err(StoreError::Version { path: path.clone(), found: *found, supported: *supported })
            }
            None => Ok(()),
        }
    }

    /// Returns what was read, or `None` if it is damaged, in which case the damage is noted.
    fn intact<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Err(error) if error.is_damage() => {
                self.note(error);
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// Describes what is wrong with the export of a run, if anything is.
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

    /// Remembers the damage of a file, once for each file.
    fn note(&mut self, error: StoreError) {
        let text = error.to_string();
        if self.damage.iter().all(|known| known.to_string() != text) {
            self.damage.push(error);
        }
    }

    /// Checks whether the standing of an experiment cannot be determined.
    pub(crate) fn is_unknown(&self, experiment: &ExperimentName) -> bool {
        self.unknown.iter().any(|unknown| unknown.plan.experiment == *experiment)
    }

    /// Returns the hash of a model folder.
    pub(crate) fn model_hash(&mut self, folder: &Path) -> Result<String, StoreError> {
        if let Some(known) = self.models.get(folder) {
            return Ok(known.clone());
        }
        let hash = self.store.model_hash(folder)?;
        self.models.insert(folder.to_path_buf(), hash.clone());
        Ok(hash)
    }

    /// Returns the snapshot of a model from the hub, if this machine's cache has it. The network is not used.
    pub(crate) fn cached(&self, id: &HubId) -> Result<Option<Snapshot>, StoreError> {
        Ok(Hub::from_env()?.locate(id)?)
    }
}
