//! What makes a recorded run again, and whether a plan does.

use cliptune_experiment::{ModelSource, Plan, RunReference};

use crate::base::recorded_key;
use crate::identity::{recipe, run_key};
use crate::run_record::{Base, RunRecord};
use crate::store::Store;

/// What becomes of a plan where the dataset's sources and the starting weights are those of a recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reproduction {
    /// The run has the same key: the result is the same.
    Same,
    /// The settings are the same, but this version of cliptune trains in another way than the one that made the run.
    OtherProcedure,
    /// The settings differ.
    Different,
}

impl RunRecord {
    /// Tells what becomes of a plan where everything that is not in the plan is as this record says.
    pub fn reproduced_by(&self, plan: &Plan) -> Reproduction {
        let key = |plan: &Plan| run_key(&self.dataset, &recorded_key(&self.base), plan);
        match key(plan) == key(&self.plan) && recipe(&plan.data) == recipe(&self.plan.data) {
            false => Reproduction::Different,
            true if key(plan) == self.key => Reproduction::Same,
            true => Reproduction::OtherProcedure,
        }
    }
}

impl Store {
    /// Returns where a run really started from: the commit of a hub model, and the seed of another run, even if its
    /// experiment left them open.
    pub fn starting_point(&self, record: &RunRecord) -> ModelSource {
        let from = &record.plan.model.from;
        match (from, &record.base) {
            (ModelSource::Hub(id), Base::Hub { commit, .. }) => {
                let exact = format!("{}@{commit}", id.repository()).parse();
                exact.map_or_else(|_| from.clone(), ModelSource::Hub)
            }
            (ModelSource::Run(reference), Base::Run { run, .. }) => {
                let base = self.run_in(&self.root().join(run)).ok();
                let seed = reference.seed.or_else(|| base.map(|base| base.record().seed));
                let experiment = reference.experiment.clone();
                ModelSource::Run(RunReference { experiment, seed, is_paired: false })
            }
            _ => from.clone(),
        }
    }
}
