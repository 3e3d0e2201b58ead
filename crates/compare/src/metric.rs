//! The metrics that sides can be compared in, item by item.

use cliptune_experiment::TaskKind;
use cliptune_statistics::TiedRank;
use cliptune_store::Prediction;

/// A metric that is the mean of a number of each item.
#[derive(Clone, Copy)]
pub(crate) struct Metric {
    /// The name, as in `scores.json`.
    pub(crate) name: &'static str,
    /// Whether a lower value is better.
    pub(crate) is_lower_better: bool,
    /// The number of an item, which is not finite where the prediction does not tell.
    pub(crate) of: fn(&Prediction) -> f64,
}

impl Metric {
    const fn new(name: &'static str, of: fn(&Prediction) -> f64) -> Self {
        Self { name, is_lower_better: false, of }
    }
}

const RIGHT: fn(&Prediction) -> f64 = |one| one.share;
const LABEL_PROB: Metric = Metric::new("label_prob", |one| one.label_prob);
const NLL: Metric = Metric { name: "nll", is_lower_better: true, of: nll };

/// Returns the metrics of a kind of item, in the order in which they are shown. The first is the one that is judged unless
/// another one is asked for.
pub(crate) fn metrics(task: TaskKind) -> Vec<Metric> {
    match task {
        TaskKind::Choice => {
            vec![Metric::new("accuracy", RIGHT), LABEL_PROB, NLL, Metric::new("mrr", reciprocal_rank)]
        }
        TaskKind::Classes => vec![
            Metric::new("accuracy", RIGHT),
            Metric::new("top5_accuracy", |one| within(one, 5.0)),
            LABEL_PROB,
            NLL,
        ],
        TaskKind::Pairs => vec![
            Metric::new("image_to_text_recall@1", RIGHT),
            Metric::new("image_to_text_recall@5", |one| within(one, 5.0)),
            Metric::new("image_to_text_recall@10", |one| within(one, 10.0)),
        ],
    }
}

/// Returns -ln of the right candidate's probability. It is computed from the logits, where it is exact even for a probability
/// that underflows: a logit is the logarithm of its probability and a number that all candidates share.
fn nll(one: &Prediction) -> f64 {
    let logits = one.candidates.iter().zip(&one.logits).zip(&one.probs);
    let Some(((_, top), prob)) = logits.max_by(|(_, a), (_, b)| a.total_cmp(b)) else { return f64::NAN };
    let own = one.candidates.iter().position(|candidate| *candidate == one.label);
    own.map_or(f64::NAN, |own| top - prob.ln() - one.logits[own])
}

/// Returns the expected value of 1 / rank, where all candidates of an item are there.
fn reciprocal_rank(one: &Prediction) -> f64 {
    match one.label < one.logits.len() {
        true => TiedRank::new(&one.logits, std::iter::once(one.label)).reciprocal_rank(),
        false => f64::NAN,
    }
}

/// Returns whether the right answer is among the first ones. In a tie, the prediction keeps the expected rank alone, and that
/// decides.
fn within(one: &Prediction, depth: f64) -> f64 {
    if one.rank.is_nan() { f64::NAN } else { f64::from(u8::from(one.rank <= depth)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::prediction;

    #[test]
    fn numbers_of_an_item_are_those_that_scores_are_made_of() {
        // scipy: -log_softmax([1, 3, 2])[2] -> 1.407605964444380
        let one = Prediction {
            label: 2,
            candidates: vec![0, 1, 2],
            probs: vec![0.090_030_573_170_380_46, 0.665_240_955_774_821_8, 0.244_728_471_054_797_64],
            logits: vec![1.0, 3.0, 2.0],
            ..prediction(0, 0, 0.0)
        };
        assert!((nll(&one) - 1.407_605_964_444_38).abs() < 1e-12);
        assert_eq!(reciprocal_rank(&one), 0.5);
        let vanishing = Prediction { probs: vec![0.0, 1.0, 0.0], logits: vec![0.0, 1000.0, 1.0], ..one };
        assert_eq!(nll(&vanishing), 999.0);
    }

    #[test]
    fn what_a_prediction_does_not_tell_is_no_number() {
        let bare = Prediction {
            candidates: vec![],
            probs: vec![],
            logits: vec![],
            label_prob: f64::NAN,
            rank: f64::NAN,
            ..prediction(0, 0, 1.0)
        };
        let told = |task| metrics(task).iter().filter(|metric| (metric.of)(&bare).is_finite()).count();
        assert_eq!([TaskKind::Choice, TaskKind::Classes, TaskKind::Pairs].map(told), [1, 1, 1]);
    }
}
