//! The exponential moving average of the weights that move.

use cliptune_experiment::EmaDecay;
use tch::Tensor;

use crate::error::TrainError;
use crate::model::Parameter;

/// Follows the weights: after each update it moves the share 1 − decay of the way towards them. It starts from the
/// starting weights, which for a tuned model are already good; `torch.optim.swa_utils.AveragedModel` starts after the
/// first update.
#[derive(Debug)]
pub(super) struct Average {
    decay: f64,
    values: Vec<(String, Tensor)>,
}

impl Average {
    /// Starts the average from the current weights.
    pub(super) fn new(moving: &[&Parameter], decay: EmaDecay) -> Result<Self, TrainError> {
        let copy = |one: &&Parameter| -> Result<_, TrainError> {
            Ok((one.spec.name.clone(), one.tensor.f_detach_copy()?))
        };
        Ok(Self { decay: decay.get(), values: moving.iter().map(copy).collect::<Result<_, _>>()? })
    }

    /// Takes an update into account. The weights must be those that the average started from, in the same order.
    pub(super) fn follow(&self, moving: &[&Parameter]) -> Result<(), TrainError> {
        for ((_, value), one) in self.values.iter().zip(moving) {
            let _ = value.shallow_clone().f_lerp_(&one.tensor.f_detach()?, 1.0 - self.decay)?;
        }
        Ok(())
    }

    /// Iterates over the names of the weights and their averages.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.values.iter().map(|(name, tensor)| (name.clone(), tensor))
    }
}
