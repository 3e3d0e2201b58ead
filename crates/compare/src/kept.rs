//! The probabilities that a row of somebody else's predictions tells: those of all candidates, or, of many classes, those of the
//! likeliest ones, as a `predictions.parquet` of cliptune's has them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cliptune_store::{Answered, Chosen, Prediction};

/// How far the sum of probabilities may be from one.
const ROUNDING: f64 = 1e-3;

/// What a row tells.
#[derive(Debug)]
pub(crate) enum Told<'r> {
    /// The probabilities of all candidates, in their order; none where it tells none.
    All(Cow<'r, [f64]>),
    /// Those of some.
    Likeliest(Likeliest<'r>),
}

/// The probabilities of some of the candidates.
#[derive(Debug)]
pub(crate) struct Likeliest<'r> {
    candidates: &'r [usize],
    probs: &'r [f64],
}

impl<'r> Told<'r> {
    /// Returns what a row tells of an item with this right answer and, as far as is known, so many candidates; `None` where its
    /// numbers cannot be the probabilities of these.
    pub(crate) fn of(
        candidates: Option<&'r [usize]>,
        probs: &'r [f64],
        label: usize,
        count: Option<usize>,
    ) -> Option<Self> {
        let kept = candidates.filter(|kept| !kept.iter().copied().eq(0..kept.len()));
        let Some(candidates) = kept else {
            return are_all(probs, label, count).then_some(Self::All(Cow::Borrowed(probs)));
        };
        let likeliest = Likeliest { candidates, probs };
        if !likeliest.are_probabilities(count) {
            return None;
        }
        match likeliest.in_order(count) {
            Some(all) => are_all(&all, label, count).then_some(Self::All(Cow::Owned(all))),
            None => Some(Self::Likeliest(likeliest)),
        }
    }
}

impl Likeliest<'_> {
    fn are_probabilities(&self, count: Option<usize>) -> bool {
        let distinct: BTreeSet<&usize> = self.candidates.iter().collect();
        let are_candidates = self.candidates.iter().all(|one| count.is_none_or(|count| *one < count));
        let is_each_one =
            distinct.len() == self.candidates.len() && self.probs.len() == self.candidates.len();
        is_each_one && are_candidates && are_shares(self.probs) && sum(self.probs) < 1.0 + ROUNDING
    }

    /// Returns the probabilities of all candidates in their order, where all are there.
    fn in_order(&self, count: Option<usize>) -> Option<Vec<f64>> {
        if count != Some(self.candidates.len()) {
            return None;
        }
        let mut all = vec![0.0; self.candidates.len()];
        for (candidate, prob) in self.candidates.iter().zip(self.probs) {
            *all.get_mut(*candidate)? = *prob;
        }
        Some(all)
    }

    /// Returns the answer to an item: a named candidate, or else the most probable one. The rank of the right one is not told.
    pub(crate) fn answer(&self, item: Prediction, label: usize, predicted: Option<usize>) -> Prediction {
        let both = || self.candidates.iter().zip(self.probs);
        let first = both().fold(None, |best: Option<(usize, f64)>, (one, prob)| match best {
            Some((_, most)) if most >= *prob => best,
            _ => Some((*one, *prob)),
        });
        let predicted = predicted.or(first.map(|(one, _)| one)).unwrap_or_default();
        let share = f64::from(u8::from(predicted == label));
        let label_prob = both().find(|(one, _)| **one == label).map_or(f64::NAN, |(_, prob)| *prob);
        let chosen = Chosen {
            label,
            predicted,
            candidates: self.candidates.to_vec(),
            probs: self.probs.to_vec(),
            logits: self.probs.iter().map(|prob| prob.ln()).collect(),
        };
        let (correct, answered) = (share == 1.0, Answered::Classes(chosen));
        Prediction { share, correct, label_prob, answered, ..item }
    }
}

/// Returns whether numbers are probabilities of all candidates, of which `label` is right. Where there are none, nothing is told.
fn are_all(probs: &[f64], label: usize, count: Option<usize>) -> bool {
    let are_candidates = count.is_none_or(|count| count == probs.len()) && label < probs.len();
    are_candidates && are_shares(probs) && (sum(probs) - 1.0).abs() < ROUNDING
}

fn are_shares(probs: &[f64]) -> bool {
    probs.iter().all(|prob| (0.0..=1.0).contains(prob))
}

fn sum(probs: &[f64]) -> f64 {
    probs.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<'r>(candidates: &'r [usize], probs: &'r [f64], count: usize) -> Option<Told<'r>> {
        Told::of(Some(candidates), probs, 0, Some(count))
    }

    #[test]
    fn candidates_in_another_order_are_put_into_theirs() {
        let Some(Told::All(all)) = told(&[2, 0, 1], &[0.5, 0.25, 0.25], 3) else { panic!("all are there") };
        assert_eq!(*all, [0.25, 0.25, 0.5]);
    }

    #[test]
    fn some_of_many_classes_tell_the_answer_and_the_probability_of_the_right_one() {
        let Some(Told::Likeliest(some)) = told(&[7, 3, 0], &[0.5, 0.25, 0.125], 9) else {
            panic!("some are")
        };
        let item = crate::answers::tests::prediction(0, 0, 0.0);
        let found = some.answer(Prediction { rank: f64::NAN, ..item }, 0, None);
        assert_eq!((found.predicted(), found.share, found.label_prob), (Some(7), 0.0, 0.125));
        assert!(found.rank.is_nan() && matches!(found.answered, Answered::Classes(_)));
    }

    #[test]
    fn what_cannot_be_probabilities_of_the_candidates_is_refused() {
        assert!(told(&[7, 7], &[0.5, 0.25], 9).is_none(), "one is there twice");
        assert!(told(&[9, 1], &[0.5, 0.25], 9).is_none(), "there are nine");
        assert!(told(&[7, 1], &[0.5, 0.75], 9).is_none(), "they are more than one");
        assert!(told(&[7, 1], &[0.5], 9).is_none(), "one has none");
        assert!(told(&[1, 0], &[0.5, 0.25], 2).is_none(), "those of all are one");
        assert!(Told::of(None, &[0.5, 0.25], 0, None).is_none());
    }
}
