//! Reads the course of a training from its event log.

use std::collections::BTreeMap;

use cliptune_statistics::median;
use cliptune_store::{Event, Stamped, kept_alpha};

use crate::data::{Curve, EpochPoint, Interpolated, Start, StepPoint};

/// Reads an event log. A run that was interrupted and continued has some steps twice, of which the last one counts.
pub(super) fn curve(events: &[Stamped]) -> Curve {
    let mut start = None;
    let mut steps = BTreeMap::new();
    let mut epochs = BTreeMap::new();
    let mut tried = Vec::new();
    for stamped in events {
        match &stamped.event {
            Event::Started { epochs, steps, train_items, parameters, trainable, .. } => {
                start = Some(Start {
                    epochs: *epochs,
                    steps: *steps,
                    train_items: *train_items,
                    parameters: *parameters,
                    trainable: *trainable,
                });
            }
            Event::Step { step, loss, items_per_second, .. } => {
                steps.insert(*step, (*loss, *items_per_second));
            }
            Event::Epoch { epoch, validation_loss, validation_accuracy, .. } => {
                epochs.insert(*epoch, (*validation_loss, *validation_accuracy));
            }
            Event::Interpolated { alpha, validation_accuracy, .. } => {
                tried.push(Interpolated { alpha: *alpha, accuracy: *validation_accuracy });
            }
            Event::Resumed { .. }
            | Event::Diverged { .. }
            | Event::Interrupted { .. }
            | Event::Finished { .. } => {}
        }
    }
    let rates: Vec<f64> = steps.values().map(|(_, rate)| *rate).filter(|rate| rate.is_finite()).collect();
    // Bits can be compared, because the number is the same one that was written with the point.
    let kept = kept_alpha(events).map(f64::to_bits);
    let interpolated = tried.into_iter().rev().find(|point| Some(point.alpha.to_bits()) == kept);
    Curve {
        start,
        steps: steps.into_iter().map(|(step, (loss, _))| StepPoint { step, loss }).collect(),
        epochs: epochs
            .into_iter()
            .map(|(epoch, (loss, accuracy))| EpochPoint { epoch, loss, accuracy })
            .collect(),
        interpolated,
        // Without rates there is no median.
        items_per_second: median(&rates).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(seq: u64, step: usize, loss: f64) -> Stamped {
        let event = Event::Step {
            step,
            epoch: 1,
            loss,
            learning_rate: 1e-5,
            grad_norm: 1.0,
            logit_scale: 100.0,
            items_per_second: 8.0 + loss,
        };
        Stamped { seq, time: 0.0, seconds: None, event }
    }

    #[test]
    fn a_step_that_was_taken_again_counts_once() {
        let curve = curve(&[step(0, 1, 3.0), step(1, 2, 9.0), step(2, 2, 2.0), step(3, 3, 1.0)]);
        let losses: Vec<_> = curve.steps.iter().map(|point| (point.step, point.loss)).collect();
        assert_eq!(losses, [(1, 3.0), (2, 2.0), (3, 1.0)]);
        assert_eq!(curve.items_per_second, Some(10.0));
    }

    #[test]
    fn the_point_that_was_kept_is_known() {
        let event = |event| Stamped { seq: 0, time: 0.0, seconds: None, event };
        let tried = |alpha, validation_accuracy| {
            event(Event::Interpolated { alpha, validation_loss: 1.0, validation_accuracy })
        };
        let finished = |alpha| event(Event::Finished { best_epoch: 1, alpha });
        let kept = curve(&[tried(0.5, 0.75), tried(1.0, 0.5), finished(Some(0.5))]).interpolated;
        assert_eq!(kept, Some(Interpolated { alpha: 0.5, accuracy: 0.75 }));
        assert_eq!(curve(&[tried(0.5, 0.75), finished(None)]).interpolated, None);
    }
}
