//! The course of a training.

/// The course of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The facts that were known when training began.
    pub start: Option<Start>,
    /// The training loss of each step, in order.
    pub steps: Vec<StepPoint>,
    /// The evaluations on the validation split, in order; epoch 0 is before training.
    pub epochs: Vec<EpochPoint>,
    /// The point between the starting and the tuned weights that was kept, if any were tried.
    pub interpolated: Option<Interpolated>,
    /// The median throughput of the steps, in items per second.
    pub items_per_second: Option<f64>,
}

/// The facts that are known when training begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The number of passes over the train split.
    pub epochs: usize,
    /// The number of optimiser steps.
    pub steps: usize,
    /// The number of items in the train split.
    pub train_items: usize,
    /// The number of weights.
    pub parameters: usize,
    /// The number of weights that are trained.
    pub trainable: usize,
}

/// The loss of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPoint {
    /// The number of the step, from 1, over the whole run.
    pub step: usize,
    /// The mean loss of the batch, which is not finite if training went wrong.
    pub loss: f64,
}

/// One evaluation on the validation split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPoint {
    /// The number of the epoch, where 0 is before training.
    pub epoch: usize,
    /// The mean loss.
    pub loss: f64,
    /// The share of right answers (choice) or recall@1 from image to text (pairs).
    pub accuracy: f64,
}

/// The evaluation of a point between the starting weights (0) and the tuned ones (1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interpolated {
    /// The position of the point between the two.
    pub alpha: f64,
    /// The accuracy at this point, measured as for an epoch.
    pub accuracy: f64,
}
