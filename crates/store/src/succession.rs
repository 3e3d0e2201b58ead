//! Which dataset a plan makes in this store, and which one it follows.
//!
//! The first dataset of an experiment depends on its sources and its recipe alone, on any machine. One that follows
//! another keeps the splits of what both have, so that its hash says which that was.

use cliptune_experiment::{DataPlan, ExperimentName, SplitBy, SplitPlan};

use crate::dataset::Dataset;
use crate::dataset_record::DatasetRecord;
use crate::error::StoreError;
use crate::identity::continued;
use crate::inputs::Inputs;
use crate::store::Store;

/// The dataset that a plan makes of its sources, and the one before it.
#[derive(Clone, Debug)]
pub struct Succession {
    /// The hash of the dataset, whether or not it was made.
    pub hash: String,
    /// The dataset, if it was made. Its tables have not been looked at.
    pub dataset: Option<Dataset>,
    /// The dataset that it follows.
    pub previous: Option<Dataset>,
}

impl Succession {
    /// Whether the dataset keeps the splits of the one before: there is one, and more than one split to choose from.
    pub fn keeps_splits(&self, plan: &DataPlan) -> bool {
        self.previous.is_some() && leaves_a_choice(&plan.split)
    }
}

impl Store {
    /// Finds the dataset that a plan of some experiments makes of its sources as they are now, made or not.
    ///
    /// It follows the newest one of these experiments, or of the very same plan, with the same `data.split`: whoever
    /// changes that asks for another split.
    ///
    /// # Errors
    ///
    /// When the store cannot be listed.
    pub fn succession(
        &self,
        plan: &DataPlan,
        inputs: &Inputs,
        experiments: &[ExperimentName],
    ) -> Result<Succession, StoreError> {
        let own = inputs.dataset_hash(plan);
        let all = self.datasets()?;
        let used = self.used_by(experiments)?;
        let is_used = |record: &DatasetRecord| {
            used.contains(&record.hash)
                || experiments.iter().any(|name| record.history.experiments.contains(name))
        };
        let made = all.iter().filter(|dataset| dataset.record().is_made_of(&own));
        if let Some(made) = made.max_by_key(|made| (is_used(made.record()), age(made))) {
            let since = made.record().history.changes.as_ref().map(|changes| changes.since.as_str());
            let previous = since.and_then(|hash| all.iter().find(|earlier| earlier.record().hash == hash));
            return Ok(Succession {
                hash: made.record().hash.clone(),
                dataset: Some(made.clone()),
                previous: previous.cloned(),
            });
        }
        let follows = |dataset: &&Dataset| {
            let record = dataset.record();
            record.plan.split == plan.split && (record.plan == *plan || is_used(record))
        };
        // An experiment can have several plans, by its matrix: each follows its own dataset where there is one.
        let previous =
            all.iter().filter(follows).max_by_key(|dataset| (dataset.record().plan == *plan, age(dataset)));
        let previous = previous.cloned();
        let kept = previous.as_ref().filter(|_| leaves_a_choice(&plan.split));
        let hash = kept.map_or_else(|| own.clone(), |earlier| continued(&own, &earlier.record().hash));
        Ok(Succession { hash, dataset: None, previous })
    }

    /// The datasets that runs of some experiments were trained on.
    fn used_by(&self, experiments: &[ExperimentName]) -> Result<Vec<String>, StoreError> {
        let mut hashes = Vec::new();
        for name in experiments {
            hashes.extend(self.runs_of(name)?.runs.iter().map(|run| run.record().dataset.clone()));
        }
        Ok(hashes)
    }
}

/// Orders the datasets that follow one another; the hash decides between those that do not.
fn age(dataset: &Dataset) -> (u32, &str) {
    (dataset.record().history.generation, &dataset.record().hash)
}

/// Whether there is more than one split that an item could go to.
fn leaves_a_choice(split: &SplitPlan) -> bool {
    let shares = [split.shares.train, split.shares.validation, split.shares.test];
    !matches!(split.by, SplitBy::Column(_)) && shares.iter().filter(|share| share.get() > 0.0).count() > 1
}

impl DatasetRecord {
    /// Whether the dataset was made of sources and a recipe with that hash, whatever it follows.
    fn is_made_of(&self, sources: &str) -> bool {
        self.hash == sources
            || self.history.continues.as_ref().is_some_and(|earlier| self.hash == continued(sources, earlier))
    }
}
