//! The merit by which an epoch is selected.

use cliptune_experiment::Select;
use serde::{Deserialize, Serialize};

use crate::evaluate::Evaluation;

/// How good a model is by `train.select`. The model with the greater merit is kept, and of two equal ones the earlier.
///
/// On a small validation split many epochs reach the same accuracy. The lower validation loss then decides between
/// them, because it says more: how sure a model is of each answer, and not only which one comes first.
///
/// A number that is not finite never wins. It is stored as the lowest number, because JSON has no infinity.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Merit {
    value: f64,
    /// The number that decides between equal values.
    tie_break: f64,
}

impl Merit {
    /// Returns the merit of an evaluation on the validation split. When no epoch is selected, models are compared by
    /// accuracy.
    pub fn of(select: Select, evaluation: Evaluation) -> Self {
        let (accuracy, loss) = (finite(evaluation.accuracy), finite(-evaluation.loss));
        match select {
            Select::ValidationAccuracy | Select::Last => Self { value: accuracy, tie_break: loss },
            Select::ValidationLoss => Self { value: loss, tie_break: accuracy },
        }
    }

    /// Returns a merit by which a later epoch is always better than an earlier one.
    pub(crate) fn of_epoch(number: usize) -> Self {
        Self { value: number as f64, tie_break: 0.0 }
    }
}

fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { f64::MIN }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    fn merit(select: Select, accuracy: f64, loss: f64) -> Merit {
        Merit::of(select, Evaluation { loss, accuracy })
    }

    #[test]
    fn of_equal_accuracies_the_lower_loss_is_better() {
        let select = Select::ValidationAccuracy;
        assert!(merit(select, 0.5, 1.0) > merit(select, 0.5, 1.1));
        assert!(merit(select, 0.5, 9.0) > merit(select, 0.4, 1.1));
        // When both are equal, nothing is better than the earlier one.
        let same = merit(select, 0.5, 1.0);
        assert_eq!(same.partial_cmp(&merit(select, 0.5, 1.0)), Some(Ordering::Equal));
    }

    #[test]
    fn of_equal_losses_the_higher_accuracy_is_better() {
        let select = Select::ValidationLoss;
        assert!(merit(select, 0.4, 1.0) > merit(select, 0.5, 1.1));
        assert!(merit(select, 0.5, 1.0) > merit(select, 0.4, 1.0));
    }

    #[test]
    fn what_is_not_a_number_never_wins_and_can_be_written_down() {
        for select in [Select::ValidationAccuracy, Select::ValidationLoss, Select::Last] {
            let unknown = merit(select, f64::NAN, f64::NAN);
            assert!(merit(select, 0.0, 1e30) > unknown);
            assert_ne!(unknown.partial_cmp(&unknown), Some(Ordering::Greater));
            let written = serde_json::to_string(&unknown).unwrap();
            assert_eq!(serde_json::from_str::<Merit>(&written).unwrap(), unknown);
        }
        assert!(Merit::of_epoch(3) > Merit::of_epoch(2));
    }
}
