//! Training as it went.

/// Training as it went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What was known when training began.
    pub start: Option<Start>,
    /// Training loss of each step, in order.
    pub steps: Vec<StepPoint>,
    /// Evaluations on the validation split, in order; epoch 0 is before training.
    pub epochs: Vec<EpochPoint>,
    /// What the point between the starting and the tuned weights reached that was kept, if any were tried.
    pub interpolated: Option<Interpolated>,
    /// Median throughput of the steps in items a second.
    pub items_per_second: Option<f64>,
}

/// What was known when training began.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Passes over the train split.
    pub epochs: usize,
    /// Optimiser steps in all.
    pub steps: usize,
    /// Items in the train split.
    pub train_items: usize,
    /// Weights in all.
    pub parameters: usize,
    /// Weights that move.
    pub trainable: usize,
}

/// The loss of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPoint {
    /// From 1, over the whole run.
    pub step: usize,
    /// Mean loss of the batch; not finite when training went wrong.
    pub loss: f64,
}

/// One evaluation on the validation split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPoint {
    /// From 0.
    pub epoch: usize,
    /// Mean loss.
    pub loss: f64,
    /// Choice: share of right answers. Pairs: recall@1 from image to text.
    pub accuracy: f64,
}

/// The evaluation of a point between the starting weights (0) and the tuned ones (1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interpolated {
    /// Where it lies.
    pub alpha: f64,
    /// As that of an epoch.
    pub accuracy: f64,
}
