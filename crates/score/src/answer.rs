//! The answer to one item, and what its metrics are made of.

use cliptune_statistics::TiedRank;
use cliptune_store::{ItemRef, Prediction};

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
    /// The probability of the answer that was given.
    pub(crate) confidence: f64,
}

impl Answer {
    /// Returns the answer from the logits of an item's own texts.
    pub(crate) fn new(item: ItemRef<'_>, logits: Vec<f64>) -> Self {
        let probs = softmax(&logits);
        let (rank, predicted) = (TiedRank::new(&logits, std::iter::once(item.label())), highest(&logits));
        Self {
            nll: log_sum_exp(&logits) - logits[item.label()],
            confidence: probs[predicted],
            rank,
            prediction: Prediction {
                item_id: item.item_id().to_owned(),
                id: item.id().to_owned(),
                group: item.group().to_owned(),
                label: item.label(),
                predicted,
                correct: rank.within(1) == 1.0,
                share: rank.within(1),
                rank: rank.rank(),
                label_prob: probs[item.label()],
                candidates: (0..logits.len()).collect(),
                probs,
                logits,
            },
        }
    }

    /// Returns the answer from the logits of all classes. The prediction keeps the most likely classes and the right one:
    /// all logits of many items would take more room than the images.
    pub(crate) fn of_class(item: ItemRef<'_>, logits: Vec<f64>) -> Self {
        let mut answer = Self::new(item, logits);
        let whole = &answer.prediction;
        let mut candidates = whole.candidates.clone();
        candidates.sort_by(|&a, &b| whole.logits[b].total_cmp(&whole.logits[a]));
        let right = candidates.iter().skip(KEPT).copied().find(|&class| class == item.label());
        candidates.truncate(KEPT);
        candidates.extend(right);
        let of = |values: &[f64]| candidates.iter().map(|&class| values[class]).collect();
        let (probs, logits) = (of(&whole.probs), of(&whole.logits));
        answer.prediction = Prediction { candidates, probs, logits, ..answer.prediction };
        answer
    }
}
