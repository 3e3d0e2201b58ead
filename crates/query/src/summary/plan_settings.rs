//! The settings of plans, which the runs of a plan share.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cliptune_experiment::{ExperimentName, Plan};
use serde_json::Value;

use super::Setting;

/// The number of plans of one experiment that are remembered. The runs of a plan are mostly read one after the other.
const PLANS: usize = 8;

/// A setting with its key and what tells it from all others.
pub(crate) struct Identified {
    pub(crate) key: String,
    pub(crate) value: Setting,
    pub(crate) identity: String,
}

impl Identified {
    pub(super) fn new(key: String, value: &Value) -> Self {
        let value = Setting::of(value);
        let identity = format!("{key}={}", value.identity());
        Self { key, value, identity }
    }
}

/// The plans of each experiment that were read last, each with its settings.
type Plans = HashMap<ExperimentName, VecDeque<(Plan, Arc<[Identified]>)>>;

/// The settings of the plans that were read last.
///
/// Runs whose plans differ in the seed alone have the same settings. To make them for each of many runs takes a fifth of the time
/// in which the runs are read, and most of the memory.
#[derive(Default)]
pub(crate) struct PlanSettings(Mutex<Plans>);

impl PlanSettings {
    /// Returns the settings of a plan.
    pub(super) fn of(&self, plan: &Plan) -> Arc<[Identified]> {
        self.find(plan).unwrap_or_else(|| self.make(plan))
    }

    fn find(&self, plan: &Plan) -> Option<Arc<[Identified]>> {
        let mut plans = self.plans();
        let mut known = plans.get_mut(&plan.experiment)?.iter_mut();
        known.find_map(|(known, settings)| {
            known.seed = plan.seed;
            (known == plan).then(|| Arc::clone(settings))
        })
    }

    fn make(&self, plan: &Plan) -> Arc<[Identified]> {
        let settings = plan.settings().into_iter().map(|(key, value)| Identified::new(key, &value));
        let settings: Arc<[Identified]> = settings.collect();
        let mut plans = self.plans();
        let known = plans.entry(plan.experiment.clone()).or_default();
        known.truncate(PLANS - 1);
        known.push_front((plan.clone(), Arc::clone(&settings)));
        settings
    }

    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cliptune_experiment::Seed;

    use super::*;

    fn plans(settings: &str) -> Vec<Plan> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("swept.yaml");
        fs_err::write(&file, PLAN.replace("SETTINGS", settings)).unwrap();
        let experiments = cliptune_experiment::load(&[file], &[]).unwrap();
        experiments.into_iter().flat_map(|experiment| experiment.plans).collect()
    }

    const PLAN: &str = "\
name: swept
data:
  images: images
  metadata: table.csv
  join: { image: name, metadata: file }
  columns: { text: caption }
model: { from: scratch, architecture: tiny }
train: { objective: contrastive, epochs: 2, SETTINGS }
";

    fn of(settings: &[Identified]) -> Vec<(&str, &str)> {
        settings.iter().map(|one| (one.key.as_str(), one.identity.as_str())).collect()
    }

    #[test]
    fn runs_have_the_settings_of_their_plans_whatever_was_read_before() {
        let one = plans("batch_size: 8").remove(0);
        let known = PlanSettings::default();
        let first = known.of(&one);
        let again = known.of(&Plan { seed: Seed(7), ..one.clone() });
        assert!(Arc::ptr_eq(&first, &again), "another seed is no other setting");
        for batch in 9..30 {
            let other = plans(&format!("batch_size: {batch}")).remove(0);
            let settings = known.of(&other);
            assert_eq!(of(&settings), of(&PlanSettings::default().of(&other)));
            assert_ne!(of(&settings), of(&first));
        }
        assert_eq!(of(&known.of(&one)), of(&first), "what is forgotten is made again");
    }
}
