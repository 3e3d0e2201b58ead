//! One plan of an experiment, as one program names it to another.

use std::fmt;
use std::str::FromStr;

use cliptune_experiment::{Experiment, ExperimentName};

/// One plan of an experiment, written as `<experiment>/<number>`, where plans count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnePlan {
    /// The experiment.
    pub experiment: ExperimentName,
    /// The position of the plan in the experiment.
    pub number: usize,
}

impl OnePlan {
    /// Leaves the experiment with no plan but this one. Other experiments stay as they are, because it may start from
    /// them.
    pub fn narrow(&self, experiments: &mut [Experiment]) {
        for experiment in experiments.iter_mut().filter(|one| one.name == self.experiment) {
            let plan = experiment.plans.get(self.number).cloned();
            experiment.plans = plan.into_iter().collect();
        }
    }
}

impl fmt::Display for OnePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.experiment, self.number)
    }
}

impl FromStr for OnePlan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.rsplit_once('/').ok_or("write it as EXPERIMENT/NUMBER")?;
        let experiment = ExperimentName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        Ok(Self { experiment, number: number.parse().map_err(|_| format!("{number} is no number"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_written() {
        let plan: OnePlan = "tuned/12".parse().unwrap();
        assert_eq!((plan.experiment.as_str(), plan.number), ("tuned", 12));
        assert_eq!(plan.to_string(), "tuned/12");
        for wrong in ["tuned", "tuned/", "/1", "tuned/-1", "a b/1"] {
            assert!(wrong.parse::<OnePlan>().is_err(), "{wrong}");
        }
    }
}
