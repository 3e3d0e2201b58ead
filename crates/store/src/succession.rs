//! Finds the dataset that a plan makes in this store, and the dataset that it follows.
//!
//! The first dataset of an experiment depends only on its sources and its recipe, on any machine. A dataset that
//! follows another one keeps the splits of what they have in common, so its hash depends on that other dataset as
//! well.

use cliptune_experiment::{DataPlan, ExperimentName, SplitBy, SplitPlan};

use crate::dataset::Dataset;
use crate::dataset_record::DatasetRecord;
use crate::error::StoreError;
use crate::identity::continued;
use crate::source_hashes::SourceHashes;
use crate::store::Store;

/// The dataset that a plan makes of its sources, and the dataset before it.
#[derive(Clone, Debug)]
pub struct Succession {
    /// The hash of the dataset, whether or not the dataset exists.
    pub hash: String,
    /// The dataset, if it exists. Its tables have not been checked.
    pub dataset: Option<Dataset>,
    /// The dataset that it follows.
    pub previous: Option<Dataset>,
}

impl Succession {
    /// Checks whether the dataset keeps the splits of the one before it. It does when there is one, and when there is
    /// more than one split to choose from.
    pub fn keeps_splits(&self, plan: &DataPlan) -> bool {
        self.previous.is_some() && leaves_a_choice(&plan.split)
    }
}

impl Store {
    /// Finds the dataset that a plan of some experiments makes of its sources in their current state, whether or not
    /// it exists.
    ///
    /// It follows the newest dataset of these experiments, or of the very same plan, that has the same `data.split`.
    /// A plan with a changed `data.split` asks for a new split.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be listed.
    pub fn succession(
        &self,
        plan: &DataPlan,
        sources: &SourceHashes,
        experiments: &[ExperimentName],
    ) -> Result<Succession, StoreError> {
        let own = sources.dataset_hash(plan);
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
        // A matrix can give an experiment several plans. Each plan follows its own dataset where there is one.
        let previous =
            all.iter().filter(follows).max_by_key(|dataset| (dataset.record().plan == *plan, age(dataset)));
        let previous = previous.cloned();
        let kept = previous.as_ref().filter(|_| leaves_a_choice(&plan.split));
        let hash = kept.map_or_else(|| own.clone(), |earlier| continued(&own, &earlier.record().hash));
        Ok(Succession { hash, dataset: None, previous })
    }

    /// Returns the hashes of the datasets that runs of some experiments were trained on.
    fn used_by(&self, experiments: &[ExperimentName]) -> Result<Vec<String>, StoreError> {
        let mut hashes = Vec::new();
        for name in experiments {
            hashes.extend(self.runs_of(name)?.runs.iter().map(|run| run.record().dataset.clone()));
        }
        Ok(hashes)
    }
}

/// Returns the age by which datasets that follow one another are ordered. The hash decides between datasets that do
/// not.
fn age(dataset: &Dataset) -> (u32, &str) {
    (dataset.record().history.generation, &dataset.record().hash)
}

/// Checks whether there is more than one split that an item could go to.
fn leaves_a_choice(split: &SplitPlan) -> bool {
    let shares = [split.shares.train, split.shares.validation, split.shares.test];
    !matches!(split.by, SplitBy::Column(_)) && shares.iter().filter(|share| share.get() > 0.0).count() > 1
}

impl DatasetRecord {
    /// Checks whether the dataset was made from sources and a recipe with the given hash, whatever it follows.
    fn is_made_of(&self, sources: &str) -> bool {
        self.hash == sources
            || self.history.continues.as_ref().is_some_and(|earlier| self.hash == continued(sources, earlier))
    }
}
