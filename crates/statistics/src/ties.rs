//! The rank of the right answer when candidates score the same.
//!
//! A model that gives two candidates the same score has not decided between them. Whatever an order of the candidates
//! would say about it (the first wins, the last wins) is a fact about the order and not about the model. A tie is
//! therefore shared here: each number is its expected value when tied candidates come in a random order. Every tool
//! that needs to know whether an answer is right, or how far down it stands, uses this module.

/// The rank of the best of a query's own candidates among all candidates.
///
/// The own candidates are the right answers: one text in a choice, all texts of an image (or images of a text) in
/// retrieval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TiedRank {
    /// The number of foreign candidates that score higher.
    above: usize,
    /// The number of own candidates with the best own score, which is at least one.
    own: usize,
    /// The number of foreign candidates with that score.
    foreign: usize,
}

impl TiedRank {
    /// Returns the rank of the `own` candidates, which are given by their distinct positions in `scores`. A score that
    /// is not a number is below all others.
    pub fn new(scores: &[f64], own: impl Iterator<Item = usize> + Clone) -> Self {
        let best = own.clone().map(|at| ordered(scores[at])).fold(f64::NEG_INFINITY, f64::max);
        let as_high = own.filter(|&at| ordered(scores[at]) == best).count();
        let (mut above, mut equal) = (0, 0);
        for score in scores.iter().map(|&score| ordered(score)) {
            above += usize::from(score > best);
            equal += usize::from(score == best);
        }
        Self { above, own: as_high.max(1), foreign: equal - as_high }
    }

    /// Returns the rank of so many own candidates among all candidates when nothing tells them apart: what guessing reaches.
    pub fn of_guessing(own: usize, candidates: usize) -> Self {
        Self { above: 0, own: own.max(1), foreign: candidates.saturating_sub(own) }
    }

    /// Returns the rank of a single own candidate from how many score higher and its expected rank, which says with how many it is tied.
    pub fn of_expected(above: usize, rank: f64) -> Self {
        let foreign = 2.0 * (rank - (above + 1) as f64);
        Self { above, own: 1, foreign: foreign.round().max(0.0) as usize }
    }

    /// Returns whether a foreign candidate scores the same as the best own one.
    pub fn is_tied(&self) -> bool {
        self.foreign > 0
    }

    /// Returns the probability that an own candidate is among the first `depth`, which is 0 or 1 without a tie.
    pub fn within(&self, depth: usize) -> f64 {
        match depth.checked_sub(self.above) {
            None | Some(0) => 0.0,
            Some(places) => 1.0 - self.at_least_before(places),
        }
    }

    /// Returns the expected rank of the first own candidate, from 1.
    pub fn rank(&self) -> f64 {
        // The own candidates divide the tied foreign ones into `own + 1` parts that are equally long on average.
        (self.above + 1) as f64 + self.foreign as f64 / (self.own + 1) as f64
    }

    /// Returns the expected value of 1 / rank.
    pub fn reciprocal_rank(&self) -> f64 {
        let reciprocal = |before: usize| ((self.above + before + 1) as f64).recip();
        let probability = |before| self.at_least_before(before) - self.at_least_before(before + 1);
        (0..=self.foreign).map(|before| probability(before) * reciprocal(before)).sum()
    }

    /// Returns the probability that at least `count` tied foreign candidates come before the first own one.
    fn at_least_before(&self, count: usize) -> f64 {
        if count > self.foreign {
            return 0.0;
        }
        let tied = self.own + self.foreign;
        (0..count).map(|drawn| (self.foreign - drawn) as f64 / (tied - drawn) as f64).product()
    }
}

fn ordered(score: f64) -> f64 {
    if score.is_nan() { f64::NEG_INFINITY } else { score }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    /// Returns the means of (within 1, within 2, rank, reciprocal rank) over all orders of tied candidates.
    fn over_all_orders(above: usize, own: usize, foreign: usize) -> [f64; 4] {
        let tied = own + foreign;
        // Each subset of positions that own candidates can take is equally likely.
        let subsets = (0_u32..1 << tied).filter(|places| places.count_ones() as usize == own);
        let ranks: Vec<f64> =
            subsets.map(|places| (above + 1) as f64 + f64::from(places.trailing_zeros())).collect();
        let mean =
            |of: &dyn Fn(f64) -> f64| ranks.iter().map(|&rank| of(rank)).sum::<f64>() / ranks.len() as f64;
        [
            mean(&|rank| f64::from(u8::from(rank <= 1.0))),
            mean(&|rank| f64::from(u8::from(rank <= 2.0))),
            mean(&|rank| rank),
            mean(&|rank| 1.0 / rank),
        ]
    }

    #[test]
    fn a_tie_is_the_mean_over_all_orders() {
        for above in 0..3 {
            for own in 1..5 {
                for foreign in 0..5 {
                    let tied = TiedRank { above, own, foreign };
                    let found = [tied.within(1), tied.within(2), tied.rank(), tied.reciprocal_rank()];
                    let expected = over_all_orders(above, own, foreign);
                    let close =
                        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12);
                    assert!(close, "{tied:?}: {found:?}, expected {expected:?}");
                }
            }
        }
    }

    #[test]
    fn an_expected_rank_says_with_how_many_it_is_tied() {
        for (above, foreign) in [(0, 0), (0, 3), (4, 1), (7, 2)] {
            let tied = TiedRank { above, own: 1, foreign };
            assert_eq!(TiedRank::of_expected(above, tied.rank()), tied);
        }
    }

    #[test]
    fn without_a_tie_the_rank_is_what_it_is() {
        let rank = TiedRank::new(&[0.1, 0.9, 0.5, 0.3], iter::once(2));
        assert!(!rank.is_tied());
        assert_eq!(
            (rank.within(1), rank.within(2), rank.rank(), rank.reciprocal_rank()),
            (0.0, 1.0, 2.0, 0.5)
        );
    }

    #[test]
    fn where_the_right_answer_stands_decides_nothing() {
        for label in 0..3 {
            let rank = TiedRank::new(&[0.5; 3], iter::once(label));
            assert!(rank.is_tied());
            assert!((rank.within(1) - 1.0 / 3.0).abs() < 1e-12);
            assert_eq!(rank.rank(), 2.0);
        }
    }

    #[test]
    fn own_candidates_that_score_the_same_are_no_tie() {
        let rank = TiedRank::new(&[0.5, 0.5, 0.1], 0..2);
        assert_eq!((rank.is_tied(), rank.within(1), rank.rank()), (false, 1.0, 1.0));
    }

    #[test]
    fn what_is_not_a_number_is_never_right() {
        let rank = TiedRank::new(&[f64::NAN, 0.5, 0.1], iter::once(0));
        assert_eq!((rank.within(1), rank.rank()), (0.0, 3.0));
    }
}
