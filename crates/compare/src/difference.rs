//! How two sides differ in the metric that they are judged by, and what that is worth among several such differences.

use std::collections::BTreeSet;

use cliptune_statistics::range::SHARE;
use cliptune_statistics::{
    Bootstrap, Grouping, Paired, Sides, Unusable, holm, mcnemar_mid_p, paired_differences,
    paired_differences_of_many, sign_flip,
};
use cliptune_store::Estimate;

use crate::estimate;
use crate::verdict::Verdict;

/// The paired difference of two sides on the same items.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The score of the one side minus that of the baseline.
    pub delta: Estimate,
    /// The smallest difference that would be found in four of five cases, or `None` where nothing is known about it.
    pub detectable: Option<f64>,
    /// Where the p-value comes from.
    pub test: Test,
    /// The p-value of this difference alone.
    pub p_value: f64,
    /// The p-value after Holm's correction for all differences of the report or the call.
    pub holm_p: f64,
    /// Whether a lower score is a better one.
    pub is_lower_better: bool,
    /// The verdict that the interval and the p-value give.
    pub verdict: Verdict,
}

/// Where a p-value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// McNemar's mid-p, where both sides have a single seed, answers are right or wrong, and every item is a group of its own and
    /// counts as much as any other: the test treats items as independent, and counts them.
    McNemar,
    /// A permutation over groups, where both sides have a single seed: all exchanges of their answers, or this many of them.
    Permutation(Option<usize>),
    /// The resamples of the interval, where a side has several seeds, which vary as groups do, or the metric is no mean.
    Resamples,
}

impl Difference {
    /// Returns McNemar's mid-p, if that is the test.
    pub fn mid_p(&self) -> Option<f64> {
        (self.test == Test::McNemar).then_some(self.p_value)
    }

    /// Returns how much worse the side is than the baseline; less than zero where it is better.
    pub fn loss(&self) -> f64 {
        if self.is_lower_better { self.delta.value } else { -self.delta.value }
    }

    /// Returns the difference with what a test says, as if it were the only one.
    pub(crate) fn judged(
        sides: &Sides<'_>,
        items: &impl Grouping,
        paired: Paired,
        is_lower_better: bool,
    ) -> Result<Self, Unusable> {
        let (test, p_value) = tested(sides, items, &paired)?;
        Ok(Self::by(test, p_value, paired, is_lower_better))
    }

    /// Returns the difference with what the resamples of its interval say, as if it were the only one.
    pub(crate) fn resampled(paired: Paired, is_lower_better: bool) -> Self {
        Self::by(Test::Resamples, paired.p_value, paired, is_lower_better)
    }

    fn by(test: Test, p_value: f64, paired: Paired, is_lower_better: bool) -> Self {
        let detectable = paired.detectable();
        let delta = estimate(paired.difference);
        let verdict = Verdict::of(&delta, p_value, is_lower_better);
        Self { delta, detectable, test, p_value, holm_p: p_value, is_lower_better, verdict }
    }
}

/// Returns the paired difference of two sides in how right they are, as if it were the only one. Each side has one list of values
/// from 0 to 1 per seed, in the order of the items.
pub fn difference(
    of: &[Vec<f64>],
    against: &[Vec<f64>],
    items: &impl Grouping,
) -> Result<Difference, Unusable> {
    let [of, against] = [of, against].map(|side| side.iter().map(Vec::as_slice).collect());
    let sides = Sides { of, against, range: SHARE };
    let paired = paired_differences(std::slice::from_ref(&sides), items, &Bootstrap::default())?;
    let paired = paired.into_iter().next().ok_or(Unusable::Empty)?;
    Difference::judged(&sides, items, paired, false)
}

/// Returns the paired differences of many sides from the same baseline, each as [`difference`] does.
///
/// # Errors
/// Returns an error when the values of a side do not fit the items.
pub fn differences(
    of: &[Vec<Vec<f64>>],
    against: &[Vec<f64>],
    items: &impl Grouping,
) -> Result<Vec<Difference>, Unusable> {
    let against: Vec<&[f64]> = against.iter().map(Vec::as_slice).collect();
    let sides: Vec<Sides<'_>> = of
        .iter()
        .map(|of| Sides {
            of: of.iter().map(Vec::as_slice).collect(),
            against: against.clone(),
            range: SHARE,
        })
        .collect();
    let paired = paired_differences_of_many(&sides, items, &Bootstrap::default())?;
    sides.iter().zip(paired).map(|(sides, paired)| Difference::judged(sides, items, paired, false)).collect()
}

/// Corrects the p-values of several differences for their number.
pub fn correct<'a>(differences: impl IntoIterator<Item = &'a mut Difference>) {
    let differences: Vec<&mut Difference> = differences.into_iter().collect();
    let corrected = holm(&differences.iter().map(|difference| difference.p_value).collect::<Vec<_>>());
    for (difference, holm_p) in differences.into_iter().zip(corrected) {
        difference.holm_p = holm_p;
        difference.verdict = Verdict::of(&difference.delta, holm_p, difference.is_lower_better);
    }
}

fn tested(sides: &Sides<'_>, items: &impl Grouping, paired: &Paired) -> Result<(Test, f64), Unusable> {
    let (of, against) = match (sides.of.as_slice(), sides.against.as_slice()) {
        ([of], [against]) => (*of, *against),
        _ => return Ok((Test::Resamples, paired.p_value)),
    };
    if let Some(mid_p) = mcnemar(of, against).filter(|_| are_independent(items)) {
        return Ok((Test::McNemar, mid_p));
    }
    let differences: Vec<f64> = of.iter().zip(against).map(|(of, against)| of - against).collect();
    let found = sign_flip(&differences, items, &Bootstrap::default())?;
    Ok((Test::Permutation(found.drawn), found.p_value))
}

/// Returns whether every item is a group of its own and counts as much as any other.
fn are_independent(items: &impl Grouping) -> bool {
    let groups = items.groups();
    let count_alike = items.weights().is_none_or(|weights| weights.iter().all(|one| *one == weights[0]));
    count_alike && groups.iter().collect::<BTreeSet<_>>().len() == groups.len()
}

/// Returns McNemar's mid-p of two runs, or `None` if ties leave an answer neither right nor wrong.
fn mcnemar(a: &[f64], b: &[f64]) -> Option<f64> {
    let is_decided = |share: &f64| *share == 0.0 || *share == 1.0;
    let only =
        |right: &[f64], wrong: &[f64]| right.iter().zip(wrong).filter(|(right, wrong)| right > wrong).count();
    a.iter().chain(b).all(is_decided).then(|| mcnemar_mid_p(only(a, b), only(b, a)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_statistics::Weighted;

    fn compare(a: &[f64], b: &[f64], group: fn(usize) -> usize) -> Difference {
        let groups: Vec<String> = (0..a.len()).map(|item| group(item).to_string()).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        difference(&[a.to_vec()], &[b.to_vec()], &groups).unwrap()
    }

    #[test]
    fn many_differences_are_judged_together() {
        let alone = |p_value: f64| {
            let delta = Estimate { value: 0.1, low: 0.01, high: 0.2, method: String::new() };
            Difference {
                verdict: Verdict::of(&delta, p_value, false),
                delta,
                detectable: None,
                test: Test::Resamples,
                p_value,
                holm_p: p_value,
                is_lower_better: false,
            }
        };
        let mut single = alone(0.04);
        correct([&mut single]);
        assert_eq!(single, alone(0.04), "one difference is what it is");
        // statsmodels.stats.multitest.multipletests([.01, .04, .03, .005], method="holm")[1] -> .03 .06 .06 .02
        let mut several = [0.01, 0.04, 0.03, 0.005].map(alone);
        correct(&mut several);
        let expected = [(0.03, Verdict::Improved), (0.06, Verdict::NoChange), (0.06, Verdict::NoChange)];
        for (found, (holm_p, verdict)) in several.iter().zip(expected) {
            assert!((found.holm_p - holm_p).abs() < 1e-12 && found.verdict == verdict, "{found:?}");
        }
    }

    #[test]
    fn mcnemar_is_for_independent_items_alone() {
        // scipy: 2 * binom.cdf(1, 10, 0.5) - binom.pmf(1, 10, 0.5) -> 0.011_718_75
        let a: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i < 19))).collect();
        let b: Vec<f64> = (0..30).map(|i| f64::from(u8::from((9..20).contains(&i)))).collect();
        let alone = compare(&a, &b, |item| item);
        assert!((alone.mid_p().unwrap() - 0.011_718_75).abs() < 1e-9);
        let grouped = compare(&a, &b, |item| item / 3);
        assert_eq!((grouped.mid_p(), grouped.test), (None, Test::Permutation(None)));
        assert!(grouped.p_value > alone.p_value, "items of a group go right and wrong together: {grouped:?}");
        let tied: Vec<f64> = a.iter().map(|share| share / 2.0).collect();
        assert!(matches!(compare(&tied, &b, |item| item).test, Test::Permutation(_)));
    }

    #[test]
    fn mcnemar_is_for_items_that_count_alike() {
        let groups: Vec<String> = (0..8).map(|item| item.to_string()).collect();
        let test = |weights: &[f64]| {
            let items = Weighted { groups: &groups, weights };
            difference(&[vec![1.0; 8]], &[vec![0.0; 8]], &items).unwrap().test
        };
        assert_eq!(test(&[2.0; 8]), Test::McNemar);
        assert_eq!(test(&[0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5]), Test::Permutation(None));
    }

    #[test]
    fn many_sides_at_once_differ_as_each_alone() {
        let side = |lucky: usize| -> Vec<Vec<f64>> {
            let seed = |seed: usize| {
                (0..90).map(|item| f64::from(u8::from((item * 7 + seed * lucky) % 5 < lucky))).collect()
            };
            (0..lucky).map(seed).collect()
        };
        let groups: Vec<String> = (0..90).map(|item| (item / 3).to_string()).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let (of, against) = ([side(1), side(2), side(3)], side(2));
        let alone: Vec<Difference> = of.iter().map(|of| difference(of, &against, &groups).unwrap()).collect();
        assert_eq!(differences(&of, &against, &groups).unwrap(), alone);
    }

    #[test]
    fn groups_that_are_too_few_show_nothing() {
        // Five groups that all improve: 2 of 32 exchanges are as good.
        let found = compare(&[1.0; 20], &[0.0; 20], |item| item / 4);
        assert_eq!((found.p_value, found.verdict), (0.0625, Verdict::NoChange));
    }

    #[test]
    fn seeds_are_tested_with_the_resamples_that_they_vary_in() {
        let a: Vec<f64> = (0..60).map(|i| f64::from(u8::from(i % 3 > 0))).collect();
        let b: Vec<f64> = (0..60).map(|i| f64::from(u8::from(i % 3 > 1))).collect();
        let groups: Vec<String> = (0..60).map(|item| (item / 2).to_string()).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let found = difference(&[a.clone(), a], &[b], &groups).unwrap();
        assert_eq!((found.test, found.verdict), (Test::Resamples, Verdict::Improved));
    }
}
