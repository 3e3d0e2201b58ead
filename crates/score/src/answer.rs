//! The answer to one item, and what its metrics are made of.

use cliptune_statistics::TiedRank;
use cliptune_store::{Answered, Chosen, ItemRef, Prediction};

use crate::softmax::{highest, log_sum_exp, softmax};

/// The number of likely candidates that a prediction keeps where the candidates are the classes of a dataset.
const KEPT: usize = 5;

/// The answer to an item that has one right candidate.
///
/// The numbers beside the prediction are computed from the logits of all candidates, of which the prediction may keep
/// only some.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// What is written about the item.
    pub(crate) prediction: Prediction,
    /// The rank of the right candidate among all candidates.
    pub(crate) rank: TiedRank,
    /// -ln of the right candidate's probability, in nats. It is computed from the logits, where it is exact even for a
    /// probability that underflows.
    pub(crate) nll: f64,
    /// The sum over all candidates of the squared distance between the probability and 1 for the right one, 0 for the others.
    pub(crate) brier: f64,
    /// The probability of the answer that was given.
    pub(crate) confidence: f64,
}

impl Answer {
    /// Returns the answer from the logits of an item's own texts.
    pub(crate) fn new(item: ItemRef<'_>, logits: Vec<f64>) -> Self {
        let candidates = (0..logits.len()).collect();
        Self::of(item, &logits, candidates, Answered::Choice)
    }

    /// Returns the answer from the logits of all classes. The prediction keeps the most likely classes and the right one:
    /// all logits of many items would take more room than the images.
    pub(crate) fn of_class(item: ItemRef<'_>, logits: Vec<f64>) -> Self {
        let mut candidates: Vec<usize> = (0..logits.len()).collect();
        candidates.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let right = candidates.iter().skip(KEPT).copied().find(|&class| class == item.label());
        candidates.truncate(KEPT);
        candidates.extend(right);
        Self::of(item, &logits, candidates, Answered::Classes)
    }

    /// Returns the answer from the logits of all candidates, of which some are kept.
    fn of(
        item: ItemRef<'_>,
        logits: &[f64],
        kept: Vec<usize>,
        answered: impl Fn(Chosen) -> Answered,
    ) -> Self {
        let (label, probs) = (item.label(), softmax(logits));
        let (rank, predicted) = (TiedRank::new(logits, std::iter::once(label)), highest(logits));
        let of = |values: &[f64]| kept.iter().map(|&candidate| values[candidate]).collect();
        Self {
            nll: log_sum_exp(logits) - logits[label],
            brier: brier(&probs, label),
            confidence: probs[predicted],
            rank,
            prediction: Prediction {
                item_id: item.item_id().to_owned(),
                id: item.id().to_owned(),
                group: item.group().to_owned(),
                correct: rank.within(1) == 1.0,
                share: rank.within(1),
                rank: rank.rank(),
                label_prob: probs[label],
                answered: answered(Chosen {
                    label,
                    predicted,
                    probs: of(&probs),
                    logits: of(logits),
                    candidates: kept,
                }),
            },
        }
    }

    /// Returns the places or numbers of the right candidate and of the answer.
    pub(crate) fn places(&self) -> (usize, usize) {
        self.prediction.chosen().map(|chosen| (chosen.label, chosen.predicted)).unwrap_or_default()
    }
}

/// Returns the score of Brier (1950, Monthly Weather Review 78(1)), which is 0 for a sure and right answer and 2 for a sure and
/// wrong one.
fn brier(probs: &[f64], label: usize) -> f64 {
    let of = |(at, prob): (usize, &f64)| (prob - f64::from(u8::from(at == label))).powi(2);
    probs.iter().enumerate().map(of).sum()
}
