//! The events of a run, which are the lines of `events.jsonl`.

use serde::{Deserialize, Serialize};

/// One event with the stamp that the log gives it when it is appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// The position in the log, counted from 0.
    pub seq: u64,
    /// The time in seconds since the Unix epoch, by the machine's clock, which somebody may have set.
    pub time: f64,
    /// The seconds that had been spent on the run, including those of earlier processes. Pauses do not count. Events of
    /// earlier versions may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The event itself.
    #[serde(flatten)]
    pub event: Event,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Training begins. With zero steps, the model is taken as it is.
    Started {
        /// The number of passes over the train split.
        epochs: usize,
        /// The total number of optimiser steps.
        steps: usize,
        /// The number of items in the train split.
        train_items: usize,
        /// The number of items in the validation split.
        validation_items: usize,
        /// The number of all weights.
        parameters: usize,
        /// The number of weights that are trained.
        trainable: usize,
        /// The device: `cpu` or the name of the GPU.
        device: String,
    },
    /// One optimiser step was taken.
    ///
    /// A run that was killed repeats the steps since its last checkpoint. When a log has several events for the same
    /// step, or for the same epoch, the last one counts.
    Step {
        /// The number of the step, counted from 1 over the whole run.
        step: usize,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The mean loss of the batch, before the step.
        #[serde(with = "crate::number")]
        loss: f64,
        /// The learning rate of this step.
        #[serde(with = "crate::number")]
        learning_rate: f64,
        /// The global gradient norm before clipping.
        #[serde(with = "crate::number")]
        grad_norm: f64,
        /// exp(logit_scale) after the step.
        #[serde(with = "crate::number")]
        logit_scale: f64,
        /// The throughput of this step, in items per second.
        #[serde(with = "crate::number")]
        items_per_second: f64,
    },
    /// The validation split was evaluated. Epoch 0 is the model before training.
    Epoch {
        /// The epoch, counted from 0.
        epoch: usize,
        /// The number of steps taken so far.
        step: usize,
        /// The mean loss over the validation split.
        #[serde(with = "crate::number")]
        validation_loss: f64,
        /// For choice, the share of right answers; for pairs, recall@1 from image to text.
        #[serde(with = "crate::number")]
        validation_accuracy: f64,
        /// Whether this is the best epoch so far, by `train.select`.
        best: bool,
    },
    /// Training continues from a checkpoint. Steps after the checkpoint are repeated, even if the log already has
    /// them.
    Resumed {
        /// The number of steps that the checkpoint has.
        step: usize,
        /// The number of processes that go on together, if there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        processes: Option<usize>,
    },
    /// Training was stopped because its loss had diverged.
    Diverged {
        /// The step at which the loss diverged.
        step: usize,
        /// The epoch of that step.
        epoch: usize,
        /// A description of what happened.
        reason: String,
        /// The identities of the items in the step's batch.
        items: Vec<String>,
    },
    /// A model between the starting one and the tuned one was evaluated on the validation split.
    Interpolated {
        /// The position between the two models: 0 is the starting model, 1 the tuned one.
        alpha: f64,
        /// The validation loss, measured as at the end of an epoch.
        #[serde(with = "crate::number")]
        validation_loss: f64,
        /// The validation accuracy, measured as at the end of an epoch.
        #[serde(with = "crate::number")]
        validation_accuracy: f64,
    },
    /// The run was told to stop, and stopped.
    Interrupted {
        /// The number of steps taken.
        step: usize,
    },
    /// Training and export are complete.
    Finished {
        /// The epoch whose weights are the run's model.
        best_epoch: usize,
        /// The position of the run's model between the starting weights (0) and the weights of that epoch (1); `None`
        /// when the weights of that epoch were kept as they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alpha: Option<f64>,
    },
}

/// The kinds of events, as logs spell them. Nearly all events are the first.
const KINDS: [&str; 8] =
    ["step", "epoch", "started", "resumed", "diverged", "interpolated", "interrupted", "finished"];

impl Event {
    /// Checks whether there is a kind of events of this name. A newer cliptune may have others.
    pub(crate) fn has_kind(name: &str) -> bool {
        KINDS.contains(&name)
    }

    /// Returns the step that the event belongs to and the points that it adds there to curves, each with the curve's name.
    /// Events that measure nothing at a step have none.
    pub fn points(&self) -> Option<(usize, Vec<(&'static str, f64)>)> {
        match self {
            Self::Step { step, loss, learning_rate, grad_norm, logit_scale, items_per_second, .. } => {
                let points = [
                    ("train/loss", *loss),
                    ("train/learning_rate", *learning_rate),
                    ("train/gradient_norm", *grad_norm),
                    ("train/logit_scale", *logit_scale),
                    ("train/items_per_second", *items_per_second),
                ];
                Some((*step, points.to_vec()))
            }
            Self::Epoch { step, validation_loss, validation_accuracy, .. } => {
                let points =
                    [("validation/loss", *validation_loss), ("validation/accuracy", *validation_accuracy)];
                Some((*step, points.to_vec()))
            }
            _ => None,
        }
    }
}

/// Returns the position, between the starting weights (0) and the tuned ones (1), of the weights that a run has kept.
/// It is `None` when only the tuned weights were asked for, and before the run is finished.
pub fn kept_alpha(events: &[Stamped]) -> Option<f64> {
    events.iter().rev().find_map(|stamped| match stamped.event {
        Event::Finished { alpha, .. } => alpha,
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name() {
        for kind in KINDS {
            // What is missing is a field, and not the kind.
            let said = serde_json::from_value::<Event>(serde_json::json!({ "type": kind })).unwrap_err();
            assert!(said.to_string().contains("missing field"), "{kind}: {said}");
        }
        let unknown = serde_json::from_value::<Event>(serde_json::json!({ "type": "merged" })).unwrap_err();
        let named = unknown.to_string();
        assert!(KINDS.iter().all(|kind| named.contains(&format!("`{kind}`"))), "{named}");
        assert_eq!(named.matches('`').count(), 2 * (KINDS.len() + 1), "no kind is missing: {named}");
    }
}
