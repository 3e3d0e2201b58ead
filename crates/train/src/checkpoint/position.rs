//! How far a run has come.

use serde::{Deserialize, Serialize};

use crate::divergence::LossWatch;
use crate::merit::Merit;

/// How far a run has come.
///
/// The order of the data and what a step draws at random are functions of seed, epoch and step, so that no generator's
/// state is kept. Whatever else decides how a run goes on belongs here if it is a number, and to [`State`](super::State)
/// if it is a tensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are complete.
    pub epochs: usize,
    /// Steps done of the epoch after them.
    pub steps_of_epoch: usize,
    /// Optimiser steps done in all.
    pub steps: usize,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// What the losses so far say about where the run is going.
    #[serde(default)]
    pub losses: LossWatch,
}

impl Position {
    /// Whether a run of that many epochs and steps an epoch can be there.
    pub fn is_within(&self, epochs: usize, steps: usize) -> bool {
        self.epochs <= epochs
            && self.steps_of_epoch <= steps
            && self.steps == self.epochs * steps + self.steps_of_epoch
    }
}

/// The epoch to keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its number; 0 is the model before training.
    pub epoch: usize,
    /// What it was selected by.
    pub merit: Merit,
}
