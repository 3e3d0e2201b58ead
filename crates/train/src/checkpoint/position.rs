//! The position of a run: how far it has come.

use serde::{Deserialize, Serialize};

use crate::divergence::LossWatch;
use crate::merit::Merit;

/// Tells how far a run has come.
///
/// The order of the data and the random draws of a step are functions of seed, epoch and step, so no generator's state
/// is kept. Anything else that decides how a run continues belongs here if it is a number, and in
/// [`State`](super::State) if it is a tensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The number of complete epochs.
    pub epochs: usize,
    /// The number of steps done in the epoch that follows them.
    pub steps_of_epoch: usize,
    /// The number of optimiser steps done in all.
    pub steps: usize,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// What the losses so far say about whether the run diverges.
    #[serde(default)]
    pub losses: LossWatch,
}

impl Position {
    /// Checks whether a run of that many epochs, with that many steps each, can be at this position.
    pub fn is_within(&self, epochs: usize, steps: usize) -> bool {
        self.epochs <= epochs
            && self.steps_of_epoch <= steps
            && self.steps == self.epochs * steps + self.steps_of_epoch
    }
}

/// The epoch to keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The number of the epoch; 0 is the model before training.
    pub epoch: usize,
    /// The merit by which the epoch was selected.
    pub merit: Merit,
}
