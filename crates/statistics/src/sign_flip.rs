//! A permutation test of paired groups.

use cliptune_random::Random;
use rayon::prelude::*;

use crate::bootstrap::Bootstrap;
use crate::clusters::Clusters;
use crate::grouping::Grouping;
use crate::unusable::Unusable;

/// The number of groups up to which all permutations are gone through.
const EXHAUSTIVE: usize = 16;

/// The first part of the path of the generators of permutations.
const PATH: u64 = 1;

/// A p-value and how it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// The two-sided p-value.
    pub p_value: f64,
    /// The number of permutations that were drawn, or `None` if all were gone through.
    pub drawn: Option<usize>,
}

/// Tests whether the differences between two sides are symmetric about zero, by groups.
///
/// If the two sides are alike, it is a coin that decides which of them a group's answers belong to. The p-value is the share
/// of all such exchanges whose sum of differences is as far from zero as the observed one (Fisher 1935, "The Design of
/// Experiments", section 21, with groups for pairs). Few groups are gone through exactly. Otherwise exchanges are drawn, and
/// the observed one counts as one of them, so that the test keeps its level (Phipson & Smyth 2010, SAGMB 9(1):39). Where items
/// do not count alike, each difference counts with its weight in the sum: which sum is taken does not matter to the level.
pub fn sign_flip(
    differences: &[f64],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<SignFlip, Unusable> {
    let clusters = Clusters::new(groups)?;
    clusters.fit(differences)?;
    let mut sizes: Vec<f64> = clusters.sums(differences).into_iter().filter(|sum| *sum != 0.0).collect();
    let observed = sizes.iter().sum::<f64>().abs();
    sizes.iter_mut().for_each(|size| *size = size.abs());
    // Sums that differ by the rounding of their additions alone are equal.
    let reached = observed - 1e-9 * sizes.iter().sum::<f64>();
    if sizes.len() <= EXHAUSTIVE {
        return Ok(SignFlip { p_value: exhaustive(&sizes, reached), drawn: None });
    }
    let steps = Step::of(sizes);
    let exceeds =
        |number: usize| sum(&steps, Random::at(options.seed, &[PATH, number as u64])).abs() >= reached;
    let as_far = (0..options.resamples).into_par_iter().filter(|number| exceeds(*number)).count();
    let p_value = (as_far + 1) as f64 / (options.resamples + 1) as f64;
    Ok(SignFlip { p_value, drawn: Some(options.resamples) })
}

/// Returns the share of all signs of some numbers whose sum is as far from zero as `reached`.
fn exhaustive(sizes: &[f64], reached: f64) -> f64 {
    let all = 1_u32 << sizes.len();
    let signed = |signs: u32| {
        let sign = |at: usize| if signs >> at & 1 == 0 { 1.0 } else { -1.0 };
        sizes.iter().enumerate().map(|(at, size)| sign(at) * size).sum::<f64>()
    };
    (0..all).filter(|signs| signed(*signs).abs() >= reached).count() as f64 / f64::from(all)
}

/// The groups whose differences are equally large. Their signs are a binomial number, drawn bit by bit.
struct Step {
    size: f64,
    groups: usize,
}

impl Step {
    fn of(mut sizes: Vec<f64>) -> Vec<Self> {
        sizes.sort_unstable_by(f64::total_cmp);
        let alike = sizes.chunk_by(|a, b| a == b);
        alike.map(|alike| Self { size: alike[0], groups: alike.len() }).collect()
    }
}

/// Returns the sum of all differences with drawn signs.
fn sum(steps: &[Step], random: Random) -> f64 {
    let mut coins = Coins { random, bits: 0, left: 0 };
    steps.iter().map(|step| step.size * (2.0 * coins.heads(step.groups) as f64 - step.groups as f64)).sum()
}

/// Coins that are tossed 64 at a time.
struct Coins {
    random: Random,
    bits: u64,
    left: usize,
}

impl Coins {
    /// Tosses coins and returns how many show heads.
    fn heads(&mut self, mut coins: usize) -> usize {
        let mut heads = 0;
        while coins > 0 {
            if self.left == 0 {
                (self.bits, self.left) = (self.random.bits(), 64);
            }
            let tossed = coins.min(self.left);
            heads += (self.bits & (u64::MAX >> (64 - tossed))).count_ones() as usize;
            self.bits = self.bits.checked_shr(tossed as u32).unwrap_or_default();
            self.left -= tossed;
            coins -= tossed;
        }
        heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(items: usize) -> Vec<String> {
        (0..items).map(|item| item.to_string()).collect()
    }

    #[test]
    fn darwins_maize_is_fishers() {
        // Darwin's 15 pairs of plants, in eighths of an inch, and the p-value that Fisher found by going through all 32,768
        // signs (The Design of Experiments, section 21): 1726 of them.
        let maize = [49., -67., 8., 16., 6., 23., 28., 41., 14., 29., 56., 24., 75., 60., -48.];
        let found = sign_flip(&maize, &alone(15), &Bootstrap::default()).unwrap();
        assert_eq!(found, SignFlip { p_value: 1726.0 / 32_768.0, drawn: None });
    }

    #[test]
    fn few_groups_are_gone_through_exactly() {
        // scipy.stats.permutation_test(([1.5, 2, -0.5, 3, 2.5],), numpy.mean, permutation_type="samples",
        // n_resamples=numpy.inf).pvalue -> 0.125
        let found = sign_flip(&[1.5, 2.0, -0.5, 3.0, 2.5], &alone(5), &Bootstrap::default()).unwrap();
        assert_eq!(found, SignFlip { p_value: 0.125, drawn: None });
        // All of one sign: two of 2^5.
        let found = sign_flip(&[1.0; 5], &alone(5), &Bootstrap::default()).unwrap();
        assert_eq!(found.p_value, 0.0625);
    }

    #[test]
    fn groups_are_exchanged_as_a_whole() {
        let differences = vec![1.0; 20];
        let groups: Vec<String> = (0..20).map(|item| (item / 10).to_string()).collect();
        assert_eq!(sign_flip(&differences, &groups, &Bootstrap::default()).unwrap().p_value, 0.5);
        let apart = sign_flip(&differences, &alone(20), &Bootstrap::default()).unwrap();
        assert!(apart.p_value < 0.001, "{apart:?}");
    }

    #[test]
    fn no_difference_is_no_evidence() {
        let groups = alone(30);
        for differences in [vec![0.0; 30], (0..30).map(|i| f64::from(i % 2) - 0.5).collect()] {
            assert_eq!(sign_flip(&differences, &groups, &Bootstrap::default()).unwrap().p_value, 1.0);
        }
    }

    #[test]
    fn equal_differences_are_tossed_as_one() {
        // Ten thousand groups, of which 5,150 differ by 1 and 4,850 by -1: scipy: 2 * binom.sf(5149, 10000, 0.5) -> 0.00278
        let differences: Vec<f64> = (0..10_000).map(|i| if i < 5_150 { 1.0 } else { -1.0 }).collect();
        let found = sign_flip(&differences, &alone(10_000), &Bootstrap::default()).unwrap();
        assert!((found.p_value - 0.002_78).abs() < 0.0027, "{found:?}");
    }

    #[test]
    fn every_coin_is_tossed_once() {
        let heads = |parts: &[usize]| {
            let mut coins = Coins { random: Random::new(1), bits: 0, left: 0 };
            parts.iter().map(|part| coins.heads(*part)).sum::<usize>()
        };
        assert_eq!(heads(&[200]), heads(&[1, 63, 64, 70, 2]));
        assert_eq!(heads(&[0]), 0);
    }
}
