//! What happens during a run: the lines of `events.jsonl`.

use serde::{Deserialize, Serialize};

/// One event, stamped by the log that it is appended to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Position in the log, from 0.
    pub seq: u64,
    /// Seconds since the Unix epoch.
    pub time: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Training begins (or the model is taken as it is, with zero steps).
    Started {
        /// Passes over the train split.
        epochs: usize,
        /// Optimiser steps in all.
        steps: usize,
        /// Items in the train split.
        train_items: usize,
        /// Items in the validation split.
        validation_items: usize,
        /// All weights.
        parameters: usize,
        /// Weights that move.
        trainable: usize,
        /// `cpu` or the GPU's name.
        device: String,
    },
    /// One optimiser step.
    ///
    /// A run that was killed takes the steps since its last checkpoint again: of several events of one step, as of
    /// one epoch, the last counts.
    Step {
        /// The number of the update, from 1 over the whole run.
        step: usize,
        /// From 1.
        epoch: usize,
        /// Mean loss of the batch, before the step.
        #[serde(with = "crate::number")]
        loss: f64,
        /// Learning rate of this step.
        #[serde(with = "crate::number")]
        learning_rate: f64,
        /// Global gradient norm before clipping.
        #[serde(with = "crate::number")]
        grad_norm: f64,
        /// exp(logit_scale) after the step.
        #[serde(with = "crate::number")]
        logit_scale: f64,
        /// Throughput of this step.
        #[serde(with = "crate::number")]
        items_per_second: f64,
    },
    /// The validation split was evaluated; epoch 0 is the model before training.
    Epoch {
        /// The epoch, from 0.
        epoch: usize,
        /// Steps done so far.
        step: usize,
        /// Mean loss over the validation split.
        #[serde(with = "crate::number")]
        validation_loss: f64,
        /// Choice: share of right answers. Pairs: recall@1 from image to text.
        #[serde(with = "crate::number")]
        validation_accuracy: f64,
        /// Whether this is the best epoch so far, by `train.select`.
        best: bool,
        /// Seconds spent on the run until then, by earlier processes as well.
        seconds: f64,
    },
    /// Training goes on from a checkpoint. Steps after it that the log has already are taken again.
    Resumed {
        /// Steps done.
        step: usize,
    },
    /// Training was stopped because its loss leads nowhere.
    Diverged {
        /// The step.
        step: usize,
        /// Its epoch.
        epoch: usize,
        /// What happened, in words.
        reason: String,
        /// The items of the step's batch.
        items: Vec<String>,
    },
    /// A model between the starting one and the tuned one was evaluated on the validation split.
    Interpolated {
        /// Where it lies: 0 is the starting model, 1 the tuned one.
        alpha: f64,
        /// The same measure as at the end of an epoch.
        #[serde(with = "crate::number")]
        validation_loss: f64,
        /// The same measure as at the end of an epoch.
        #[serde(with = "crate::number")]
        validation_accuracy: f64,
    },
    /// The run was told to stop and did.
    Interrupted {
        /// Steps done.
        step: usize,
    },
    /// Training and export are complete.
    Finished {
        /// The epoch whose weights are the run's model.
        best_epoch: usize,
        /// Where between the starting weights and those of that epoch the model lies; `None` for the latter as they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alpha: Option<f64>,
        /// Seconds spent on the run, by earlier processes as well; pauses do not count.
        seconds: f64,
    },
}

/// Where between the starting weights (0) and the tuned ones (1) those lie that a run has kept; `None` where only the tuned
/// ones were asked for, and before it is finished.
pub fn kept_alpha(events: &[Stamped]) -> Option<f64> {
    events.iter().rev().find_map(|stamped| match stamped.event {
        Event::Finished { alpha, .. } => alpha,
        _ => None,
    })
}
