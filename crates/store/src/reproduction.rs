//! Whether a plan makes a recorded run again.

use cliptune_experiment::Plan;

use crate::base::recorded_key;
use crate::identity::{recipe, run_key};
use crate::run_record::RunRecord;

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
