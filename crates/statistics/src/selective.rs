//! How wrong a model is about the items that it is most confident of.
//!
//! The risk at a coverage is the share of wrong answers among so large a share of the items, those of the highest confidence;
//! the area under the curve of all coverages sums up how well confidence tells right answers from wrong ones (Geifman &
//! El-Yaniv 2017, arXiv 1705.08500; Geifman, Uziel & El-Yaniv 2019, arXiv 1805.08206). Items of equal confidence come in a
//! random order, and what is computed is the mean over all of them.

use crate::clusters::{Clusters, weights};
use crate::counted::Counted;
use crate::levels::Levels;
use crate::statistic::{Drawn, Number, OfGroups, Statistic};
use crate::unusable::Unusable;

/// The number of points of a curve.
const POINTS: usize = 100;

/// The part of an item that is a matter of rounding: two sums of a hundred thousand weights in different orders drift apart by 1e-7 of one.
const ROUNDING: f64 = 1e-6;

/// A point of the risk–coverage curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// The share of the items that are answered.
    pub coverage: f64,
    /// The share of the answers to them that are wrong.
    pub risk: f64,
}

/// Returns the risk at every hundredth of the items, or at every item where there are fewer. `weighing` says how much each item
/// counts, as [`Grouping::weights`](crate::Grouping::weights) does.
///
/// # Errors
/// Returns an error when there is not one finite number in each list for each item, or a weight is not positive.
pub fn risk_coverage(
    confidence: &[f64],
    right: &[f64],
    weighing: Option<&[f64]>,
) -> Result<Vec<Risk>, Unusable> {
    let (levels, weights) = (Levels::new(confidence, right)?, weights(weighing, right.len())?);
    let (points, total) = (POINTS.min(right.len()), weights.iter().sum::<f64>());
    let mut curve: Vec<Risk> = Vec::with_capacity(points);
    let (mut point, mut passed, mut wrong) = (1, 0.0, 0.0);
    let mut levels = levels.ascending().rev().peekable();
    while let Some(level) = levels.next() {
        let mass: f64 = level.iter().map(|&item| weights[item]).sum();
        let own: f64 = level.iter().map(|&item| weights[item] * (1.0 - right[item])).sum();
        let (count, of_item) = (level.len() as f64, mass / level.len() as f64);
        // The very last item is that of the last point.
        let most = if levels.peek().is_some() { count } else { count - 1.0 };
        while point < points {
            // The items at a point are rounded up to whole ones.
            let wanted = total * point as f64 / points as f64 - passed;
            let items = (wanted / of_item - ROUNDING).ceil().max(1.0);
            if items > most {
                break;
            }
            let (at, risky) = (passed + items * of_item, wrong + own * items / count);
            let next = Risk { coverage: at / total, risk: risky / at };
            // An item that counts much may be at several points.
            if curve.last().is_none_or(|last| last.coverage < next.coverage) {
                curve.push(next);
            }
            point += 1;
        }
        (passed, wrong) = (passed + mass, wrong + own);
    }
    // The last point has all items, whatever is lost by rounding: `passed` is their total in the order of `wrong`.
    curve.push(Risk { coverage: 1.0, risk: wrong / passed });
    Ok(curve)
}

impl Statistic {
    /// Returns the area under the risk–coverage curve: the mean risk over all coverages, from one item to all. Less is better.
    ///
    /// # Errors
    /// Returns an error when there is not one finite number in each list for each item.
    pub fn aurc(confidence: &[f64], right: &[f64]) -> Result<Self, Unusable> {
        let ranked = Ranked { levels: Levels::new(confidence, right)?, right: right.to_vec() };
        Ok(Self::of_number(right.len(), (0.0, 1.0), ranked))
    }
}

/// The items in the order of their confidence, and how right they are.
struct Ranked {
    levels: Levels,
    right: Vec<f64>,
}

impl Number for Ranked {
    fn of_weights(&self, weights: &[f64]) -> f64 {
        area(&self.levels, &self.right, weights)
    }

    fn by_group<'a>(&'a self, clusters: &'a Clusters) -> Box<dyn OfGroups + 'a> {
        match clusters.weights().iter().all(|weight| *weight == 1.0) {
            true => Box::new(Counted::new(&self.levels, &self.right, clusters)),
            false => Box::new(move |drawn: &Drawn<'_>| self.of_weights(drawn.weights())),
        }
    }
}

/// Returns the mean risk when each item counts as often as its weight says.
fn area(levels: &Levels, right: &[f64], weights: &[f64]) -> f64 {
    let (mut passed, mut wrong, mut sum) = (0.0, 0.0, 0.0);
    for level in levels.ascending().rev() {
        let (mut mass, mut own) = (0.0, 0.0);
        for &item in level {
            mass += weights[item];
            own += weights[item] * (1.0 - right[item]);
        }
        if mass > 0.0 {
            // The risks at passed + 1, …, passed + mass, where the level's mistakes come evenly.
            let rate = own / mass;
            sum += own + (wrong - rate * passed) * harmonic_between(passed, mass);
            (passed, wrong) = (passed + mass, wrong + own);
        }
    }
    sum / passed
}

/// Returns Σ 1 / (from + j) over j from 1 to `count`. Numbers that are not whole are those of the function that continues it.
pub(crate) fn harmonic_between(from: f64, count: f64) -> f64 {
    if count <= 8.0 && count.fract() == 0.0 {
        return (1..=count as u32).map(|j| (from + f64::from(j)).recip()).sum();
    }
    digamma(from + count + 1.0) - digamma(from + 1.0)
}

/// Returns the digamma function by its asymptotic series (DLMF 5.11.2), which is exact to 1e-13 from 10 onwards.
fn digamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += x.recip();
        x += 1.0;
    }
    let series = [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0];
    let square = (x * x).recip();
    let rest = series.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * square);
    x.ln() - x.recip() / 2.0 - rest - below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bootstrap, cluster_statistic};

    /// Returns 90 items: the confidence is i² mod 97, divided by `step` and rounded down, and an item is right where
    /// (13 i) mod 7 < 4.
    fn sample(step: u32) -> (Vec<f64>, Vec<f64>) {
        let confidence =
            |i: u32| f64::from(i * i % 97 / step) + if step == 1 { f64::from(i) * 1e-4 } else { 0.0 };
        (0..90).map(|i| (confidence(i), f64::from(u8::from(13 * i % 7 < 4)))).unzip()
    }

    #[test]
    fn the_area_is_numpys() {
        // i = numpy.arange(90); c = i * i % 97 + i * 1e-4; e = 1 - (13 * i % 7 < 4)
        // (numpy.cumsum(e[numpy.argsort(-c)]) / numpy.arange(1, 91)).mean()
        let (confidence, right) = sample(1);
        let area = Statistic::aurc(&confidence, &right).unwrap();
        assert!((area.value() - 0.524_151_616_138_348_3).abs() < 1e-12, "{}", area.value());
        let curve = risk_coverage(&confidence, &right, None).unwrap();
        let mean = curve.iter().map(|point| point.risk).sum::<f64>() / 90.0;
        assert!(curve.len() == 90 && (mean - area.value()).abs() < 1e-12, "{mean}");
    }

    #[test]
    fn equal_confidence_is_the_mean_over_all_orders() {
        // With c = i * i % 97 // 20 and 200,000 random orders of equal ones: 0.54357, with a standard error of 0.00005
        let (confidence, right) = sample(20);
        let area = Statistic::aurc(&confidence, &right).unwrap().value();
        assert!((area - 0.543_57).abs() < 0.000_2, "{area}");
        let curve = risk_coverage(&confidence, &right, None).unwrap();
        assert!((curve.iter().map(|point| point.risk).sum::<f64>() / 90.0 - area).abs() < 1e-12);
        // Without any difference in confidence, the risk is that of all items, at every coverage.
        let flat = risk_coverage(&[0.5; 4], &[1.0, 0.0, 0.0, 1.0], None).unwrap();
        assert!(flat.iter().all(|point| (point.risk - 0.5).abs() < 1e-12), "{flat:?}");
    }

    #[test]
    fn a_curve_of_many_items_has_a_hundred_points_and_ends_with_all() {
        let right: Vec<f64> = (0..1001).map(|i| f64::from(u8::from(i < 700))).collect();
        let confidence: Vec<f64> = (0..1001).map(|i| f64::from(-i)).collect();
        let curve = risk_coverage(&confidence, &right, None).unwrap();
        assert_eq!((curve.len(), curve[0].risk, curve[99].coverage), (100, 0.0, 1.0));
        assert!((curve[99].risk - 301.0 / 1001.0).abs() < 1e-12, "{:?}", curve[99]);
        assert!(curve.is_sorted_by(|a, b| a.coverage < b.coverage));
    }

    #[test]
    fn items_of_a_curve_count_as_much_as_their_weights() {
        let (confidence, right) = ([0.9, 0.8, 0.7, 0.6], [1.0, 0.0, 1.0, 0.0]);
        let of = |weights: &[f64]| risk_coverage(&confidence, &right, Some(weights)).unwrap();
        assert_eq!(of(&[1.0; 4]), risk_coverage(&confidence, &right, None).unwrap());
        let points = |weights: &[f64]| -> Vec<(f64, f64)> {
            of(weights).iter().map(|point| (point.coverage, point.risk)).collect()
        };
        // The second item is half of all, so that it ends the first quarter and the second one.
        assert_eq!(points(&[1.0, 4.0, 2.0, 1.0]), [(0.625, 0.8), (0.875, 4.0 / 7.0), (1.0, 0.625)]);
        // Weights whose sum is rounded end with all, too.
        let tenths: Vec<f64> = vec![0.1; 4];
        assert_eq!(of(&tenths).last().map(|last| last.coverage), Some(1.0));
        assert_eq!(risk_coverage(&confidence, &right, Some(&[0.0; 4])), Err(Unusable::Weight));
    }

    #[test]
    fn a_curve_of_uneven_folds_ends_with_all_whatever_is_lost_by_rounding() {
        // Four folds, one after the other, whose weights are no binary fractions. Added up in the order of confidence, those of 40,000 items
        // are 5.6e-9 less than in the order of the items, and those of 4,000 are 8.9e-11 less.
        for items in [1_000_usize, 4_000, 40_000, 100_000] {
            let weights: Vec<f64> = (0..items).map(|i| [0.30, 0.31, 0.20, 0.19][i * 4 / items]).collect();
            let confidence: Vec<f64> = (0..items).map(|i| (i * 7919 % items) as f64).collect();
            let right: Vec<f64> = (0..items).map(|i| f64::from(u8::from(i * 13 % 7 < 4))).collect();
            let curve = risk_coverage(&confidence, &right, Some(&weights)).unwrap();
            assert_eq!((curve.len(), curve[99].coverage), (100, 1.0), "{items} items");
            let wrong: f64 = weights.iter().zip(&right).map(|(weight, right)| weight * (1.0 - right)).sum();
            let risk = wrong / weights.iter().sum::<f64>();
            assert!((curve[99].risk - risk).abs() < 1e-9, "{items} items: {:?} {risk}", curve[99]);
            assert!(curve.is_sorted_by(|a, b| a.coverage < b.coverage), "{items} items");
            let all_wrong = risk_coverage(&confidence, &vec![0.0; items], Some(&weights)).unwrap();
            assert_eq!(all_wrong[99], Risk { coverage: 1.0, risk: 1.0 });
        }
    }

    #[test]
    fn a_weight_is_a_number_of_copies() {
        let (confidence, right) = sample(1);
        let weights: Vec<f64> = (0..90).map(|i| f64::from(i % 12)).collect();
        let copied = |values: &[f64]| -> Vec<f64> {
            values.iter().zip(&weights).flat_map(|(value, weight)| vec![*value; *weight as usize]).collect()
        };
        let copies = Statistic::aurc(&copied(&confidence), &copied(&right)).unwrap().value();
        let levels = Levels::new(&confidence, &right).unwrap();
        assert!((area(&levels, &right, &weights) - copies).abs() < 1e-12);
    }

    #[test]
    fn resamples_have_the_area_of_their_items() {
        // Every confidence for itself, and many that are equal.
        for level in [1, 5, 97] {
            let (confidence, right) = sample(level);
            let ranked = Ranked { levels: Levels::new(&confidence, &right).unwrap(), right };
            for size in [1, 4, 30] {
                let groups: Vec<String> = (0..90).map(|i| format!("{:02}", i * 7 % 90 / size)).collect();
                let clusters = Clusters::new(&groups).unwrap();
                let by_group = ranked.by_group(&clusters);
                // One group alone may be drawn every time, and then there are more items than the table of harmonic numbers expects.
                for most in [0, 1, 3, 40] {
                    let count = |group: usize| ((group * 5 + 3) % 7).min(most) as f64;
                    let counts: Vec<f64> = (0..clusters.count())
                        .map(|group| count(group) + f64::from(u8::from(most == 0)))
                        .collect();
                    let drawn = Drawn::new(&counts, &clusters);
                    let (found, expected) = (by_group.of(&drawn), ranked.of_weights(drawn.weights()));
                    assert!((found - expected).abs() < 1e-12, "{level} {size} {most}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn sums_of_reciprocals_are_scipys() {
        // scipy.special.digamma([1, 2.5, 40]) -> -0.5772156649015329, 0.7031566406452432, 3.676327374034843
        for (x, expected) in
            [(1.0, -0.577_215_664_901_532_9), (2.5, 0.703_156_640_645_243_2), (40.0, 3.676_327_374_034_843)]
        {
            assert!((digamma(x) - expected).abs() < 1e-12, "{x}");
        }
        assert!((harmonic_between(3.0, 2.0) - 0.45).abs() < 1e-15);
    }

    #[test]
    fn the_interval_holds_the_area() {
        let (confidence, right) = sample(1);
        let groups: Vec<String> = (0..90).map(|i| (i / 3).to_string()).collect();
        let area = Statistic::aurc(&confidence, &right).unwrap();
        let interval = cluster_statistic(&[area], &groups, &Bootstrap::default()).unwrap();
        assert!(interval.low < interval.value && interval.value < interval.high, "{interval:?}");
    }

    #[test]
    fn an_area_that_is_the_same_in_every_resample_says_that_nothing_varies() {
        let confidence: Vec<f64> = (0..30).map(|i| f64::from(i) / 30.0).collect();
        let said = |size: usize| {
            let groups: Vec<String> = (0..30).map(|i| (i / size).to_string()).collect();
            let area = Statistic::aurc(&confidence, &[1.0; 30]).unwrap();
            let found = cluster_statistic(&[area], &groups, &Bootstrap::default()).unwrap();
            assert_eq!((found.value, found.low, found.high), (0.0, 0.0, 0.0));
            found.method
        };
        assert_eq!(said(3), "nothing varies between 10 groups");
        assert_eq!(said(10), "nothing varies between 3 groups; from fewer than ten groups, so it is rough");
    }
}
