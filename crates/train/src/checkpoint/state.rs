//! The tensors from which a run continues.

use tch::{Device, Tensor};

use crate::error::TrainError;
use crate::optimizer::Optimizer;
use crate::tuning::Tuned;

/// Everything that steps change. Weights that do not move are left out, because they are still the starting weights.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    tuned: &'a Tuned<'a>,
    optimizer: &'a Optimizer,
}

impl<'a> State<'a> {
    /// Returns the state of a run with these weights and this optimiser.
    pub fn new(tuned: &'a Tuned<'_>, optimizer: &'a Optimizer) -> Self {
        Self { tuned, optimizer }
    }

    /// Returns the tensors by the names they have in a checkpoint. Anything that is added to this list is saved and
    /// restored.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &'a Tensor)> {
        self.tuned.state().chain(self.optimizer.moments())
    }

    /// Copies all tensors as they are now.
    pub fn snapshot(&self) -> Result<Snapshot, TrainError> {
        Snapshot::of(self.tensors())
    }
}

/// Tensors copied into the host's memory, which no step changes.
#[derive(Debug)]
pub struct Snapshot(Vec<(String, Tensor)>);

impl Snapshot {
    /// Copies these tensors.
    pub fn of<'a>(tensors: impl Iterator<Item = (String, &'a Tensor)>) -> Result<Self, TrainError> {
        let _guard = tch::no_grad_guard();
        let copy = |(name, tensor): (String, &Tensor)| -> Result<_, TrainError> {
            Ok((name, tensor.f_detach()?.f_to_device_(Device::Cpu, tensor.kind(), false, true)?))
        };
        Ok(Self(tensors.map(copy).collect::<Result<_, _>>()?))
    }

    /// Shares the copies without copying them again.
    pub(super) fn shared(&self) -> Self {
        Self(self.0.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect())
    }

    /// Returns the copies by name.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.clone(), tensor))
    }

    /// Copies the values back into the tensors that they were copied from, given in the same order.
    pub fn restore<'a>(&self, tensors: impl Iterator<Item = (String, &'a Tensor)>) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        for ((_, tensor), (_, copy)) in tensors.zip(&self.0) {
            tensor.shallow_clone().f_copy_(copy)?;
        }
        Ok(())
    }
}
