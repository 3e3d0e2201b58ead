//! Detects trainings that lead nowhere: when to stop them, and what to tell the person.

use std::fmt;

use cliptune_store::ItemSlice;
use serde::{Deserialize, Serialize};

use crate::launcher::in_words;

/// The number of first losses whose mean tells where a run started.
const FIRST: usize = 10;
/// The factor by which a loss has to exceed its reasonable level to count as too high.
const FACTOR: f64 = 4.0;
/// The number of steps in a row for which the loss has to stay that high.
const PATIENCE: usize = 50;
/// The number of a batch's items that a message names; the event log has them all.
const SHOWN: usize = 10;

/// Why a training was stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// The symptom for which the training was stopped.
    pub symptom: Symptom,
    /// The step at which the training was stopped, from 1 over the whole run.
    pub step: usize,
    /// The epoch of that step, from 1.
    pub epoch: usize,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The examples of the step, by their number in the train split.
    pub batch: Vec<usize>,
    /// The ids of the examples, once [`name`](Self::name) has looked them up.
    pub items: Vec<String>,
    /// The processes that alone compute what is not finite, where several train together and some do not.
    pub ranks: Vec<usize>,
}

/// What the loss or its gradient did that stops a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Symptom {
    /// The loss or the norm of its gradient is no longer a number.
    NotFinite {
        /// The name of the value: the loss or the norm of its gradient.
        what: &'static str,
        /// The value that is not finite.
        value: f64,
    },
    /// The loss has stayed far above any level that it has a reason to be at.
    High {
        /// The newest loss.
        loss: f64,
        /// The limit that the loss has stayed above.
        limit: f64,
    },
}

impl Divergence {
    /// Looks up the ids of the batch's items in the train split.
    pub fn name(&mut self, train: ItemSlice<'_>) {
        self.items = self.batch.iter().filter_map(|&row| Some(train.get(row)?.id().to_owned())).collect();
    }

    /// Says what happened, without the items.
    pub fn reason(&self) -> String {
        let place = format!("at step {} (epoch {})", self.step, self.epoch);
        match self.symptom {
            Symptom::NotFinite { what, value } => format!("the {what} became {value} {place}"),
            Symptom::High { loss, limit } => {
                format!("the loss was above {limit:.2} for {PATIENCE} steps and is {loss:.2} {place}")
            }
        }
    }

    /// Says what the person can do.
    pub fn advice(&self) -> String {
        format!(
            "lower `train.optimizer.lr` (it was {:.1e} at this step), lengthen `train.schedule.warmup_steps` or set \
             `train.clip_grad_norm: 1.0`; if that does not help, look at these items, and leave bf16 for fp32",
            self.learning_rate
        )
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())?;
        if !self.ranks.is_empty() {
            write!(f, " because of what {} computed", in_words(&self.ranks))?;
        }
        let shown = self.items.len().min(SHOWN);
        match self.items.len() - shown {
            _ if self.items.is_empty() => Ok(()),
            0 => write!(f, "; its items are {}", self.items.join(", ")),
            more => write!(f, "; its items are {} and {more} more", self.items[..shown].join(", ")),
        }
    }
}

/// Tells a diverging loss from a merely bumpy one.
///
/// A loss has a reason to be as high as at the beginning of the run (the mean of its first ten steps), or as high as
/// that of a model that knows nothing (ln n with n answers to choose from). A run is stopped when its loss was above
/// four times the larger of the two for 50 steps in a row. That is far out: a passing spike, a warm-up, hard batches,
/// and a model that forgets everything and starts over from chance all stay below it, so that no run is stopped that
/// might still get somewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossWatch {
    /// The sum of the first losses.
    sum: f64,
    /// The number of losses in that sum.
    first: usize,
    /// The number of steps in a row whose loss was too high.
    high: usize,
}

impl LossWatch {
    /// Takes note of a step's loss, and returns a symptom if it has been too high for too long. `ignorance` is the loss
    /// of a model that knows nothing.
    pub fn see(&mut self, loss: f64, ignorance: f64) -> Option<Symptom> {
        if self.first < FIRST {
            self.sum += loss;
            self.first += 1;
        }
        let limit = FACTOR * ignorance.max(self.sum / self.first as f64);
        self.high = if loss > limit { self.high + 1 } else { 0 };
        (self.high >= PATIENCE).then_some(Symptom::High { loss, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the first step at which a run with these losses and five answers is stopped.
    fn stopped(losses: impl IntoIterator<Item = f64>) -> Option<usize> {
        let mut watch = LossWatch::default();
        losses.into_iter().position(|loss| watch.see(loss, 5_f64.ln()).is_some()).map(|at| at + 1)
    }

    fn losses(parts: &[(f64, usize)]) -> Vec<f64> {
        parts.iter().flat_map(|&(loss, steps)| std::iter::repeat_n(loss, steps)).collect()
    }

    #[test]
    fn a_loss_that_stays_far_above_chance_stops_the_run() {
        // 4 · ln 5 = 6.44.
        assert_eq!(stopped(losses(&[(1.6, 100), (6.5, 80)])), Some(150));
        assert_eq!(stopped(losses(&[(0.1, 100), (6.4, 1000)])), None);
    }

    #[test]
    fn a_loss_that_comes_down_in_between_does_not() {
        let spikes = losses(&[(9.0, 49), (1.6, 1)]);
        assert_eq!(stopped(losses(&[(1.6, 10)]).into_iter().chain(spikes.repeat(20))), None);
    }

    #[test]
    fn a_run_that_begins_high_may_stay_high() {
        // A pretrained model may be sure of wrong answers at first.
        assert_eq!(stopped(losses(&[(12.0, 500)])), None);
        assert_eq!(stopped(losses(&[(12.0, 100), (49.0, 50)])), Some(150));
    }

    #[test]
    fn every_run_that_stays_around_its_first_losses_is_let_go_on() {
        // The noise is as large as the loss, over and over.
        let noisy = (0..10_000).map(|step| 2.0 + 2.0 * f64::from(step * 7919 % 1000) / 1000.0);
        assert_eq!(stopped(noisy), None);
    }

    #[test]
    fn a_watch_goes_on_where_it_was() {
        let mut watch = LossWatch::default();
        for loss in losses(&[(1.6, 20), (7.0, 49)]) {
            assert_eq!(watch.see(loss, 5_f64.ln()), None);
        }
        let mut again: LossWatch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
        assert!(again.see(7.0, 5_f64.ln()).is_some());
    }

    #[test]
    fn a_message_names_the_processes_that_are_at_fault() {
        let divergence = |ranks| Divergence {
            symptom: Symptom::NotFinite { what: "loss", value: f64::NAN },
            step: 7,
            epoch: 2,
            learning_rate: 1e-3,
            batch: Vec::new(),
            items: Vec::new(),
            ranks,
        };
        for (ranks, words) in [(vec![3], "rank 3"), (vec![1, 3], "ranks 1, 3")] {
            let expected =
                format!("the loss became NaN at step 7 (epoch 2) because of what {words} computed");
            assert_eq!(divergence(ranks).to_string(), expected);
        }
    }

    #[test]
    fn a_message_names_the_first_items() {
        let divergence = |items: usize| Divergence {
            symptom: Symptom::NotFinite { what: "loss", value: f64::NAN },
            step: 7,
            epoch: 2,
            learning_rate: 1e-3,
            batch: Vec::new(),
            items: (0..items).map(|item| format!("item-{item}")).collect(),
            ranks: Vec::new(),
        };
        let read = [0, 2, 12].map(|items| divergence(items).to_string()).join("\n");
        insta::assert_snapshot!(read, @r"
        the loss became NaN at step 7 (epoch 2)
        the loss became NaN at step 7 (epoch 2); its items are item-0, item-1
        the loss became NaN at step 7 (epoch 2); its items are item-0, item-1, item-2, item-3, item-4, item-5, item-6, item-7, item-8, item-9 and 2 more
        ");
    }
}
