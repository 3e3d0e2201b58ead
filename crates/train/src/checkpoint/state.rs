//! The tensors that a run goes on from.

use tch::{Device, Tensor};

use crate::error::TrainError;
use crate::model::Parameters;
use crate::optimizer::Optimizer;

/// Everything that steps change. Weights that do not move are left out: they are those that the run started from.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    parameters: &'a Parameters,
    optimizer: &'a Optimizer,
}

impl<'a> State<'a> {
    /// Of a run with these weights and this optimiser.
    pub fn new(parameters: &'a Parameters, optimizer: &'a Optimizer) -> Self {
        Self { parameters, optimizer }
    }

    /// The tensors by the names they have in a checkpoint. This is the list: what is added here is saved and restored.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &'a Tensor)> {
        self.parameters.moving().chain(self.optimizer.moments())
    }

    /// A copy of all of them as they are now.
    pub fn snapshot(&self) -> Result<Snapshot, TrainError> {
        Snapshot::of(self.tensors())
    }
}

/// Tensors copied into the host's memory, which no step changes.
#[derive(Debug)]
pub struct Snapshot(Vec<(String, Tensor)>);

impl Snapshot {
    /// Copies tensors.
    pub fn of<'a>(tensors: impl Iterator<Item = (String, &'a Tensor)>) -> Result<Self, TrainError> {
        let _guard = tch::no_grad_guard();
        let copy = |(name, tensor): (String, &Tensor)| -> Result<_, TrainError> {
            Ok((name, tensor.f_detach()?.f_to_device_(Device::Cpu, tensor.kind(), false, true)?))
        };
        Ok(Self(tensors.map(copy).collect::<Result<_, _>>()?))
    }

    /// The same copies, not copied again.
    pub(super) fn shared(&self) -> Self {
        Self(self.0.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect())
    }

    /// The copies by name.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.clone(), tensor))
    }

    /// Puts the copies back into the tensors of the same names.
    pub fn restore(&self, parameters: &Parameters) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        for (name, copy) in &self.0 {
            parameters.tensor(name)?.shallow_clone().f_copy_(copy)?;
        }
        Ok(())
    }
}
