//! A mean over the items and the seeds of one side.

use crate::bootstrap::{Bootstrap, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::distributions::normal;
use crate::draws::resampled_means;
use crate::expanded::{Shift, Spread, Told};
use crate::interval::Interval;
use crate::range::Range;
use crate::variance::{Part, between, of_seeds};

/// The same items under each seed of one side.
pub(crate) struct Side {
    /// The mean over seeds and items.
    pub(crate) mean: f64,
    /// The smallest and the largest value of any item.
    pub(crate) observed: Range,
    /// The weighted sum of each group, averaged over the seeds.
    pub(crate) sums: Vec<f64>,
    /// The variance that the seeds add to the mean over them.
    pub(crate) of_seeds: Part,
    /// What the value of an item can be.
    range: Range,
    seeds: usize,
}

impl Side {
    /// Returns the side of at least one seed, each with a value within a range for every item.
    pub(crate) fn new(seeds: &[&[f64]], range: Range, clusters: &Clusters) -> Self {
        let per_seed: Vec<Vec<f64>> = seeds.iter().map(|values| clusters.sums(values)).collect();
        let means: Vec<f64> = seeds.iter().map(|values| clusters.mean(values)).collect();
        let mean_of =
            |group: usize| per_seed.iter().map(|seed| seed[group]).sum::<f64>() / seeds.len() as f64;
        let sums: Vec<f64> = (0..clusters.count()).map(mean_of).collect();
        let values = || seeds.iter().flat_map(|values| values.iter().copied());
        Self {
            mean: mean(&means),
            observed: (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)),
            range,
            of_seeds: of_seeds(&per_seed, &means, &sums, clusters),
            sums,
            seeds: seeds.len(),
        }
    }

    /// Returns the mean with an interval over groups and seeds, or the range of its values where there is one group.
    pub(crate) fn interval(&self, clusters: &Clusters, options: &Bootstrap) -> Interval {
        let (value, observed) = (self.mean, self.observed);
        if clusters.count() == 1 {
            return range_of_one_group(value, &[observed.0, observed.1]);
        }
        let of_groups = between(&self.sums, value, clusters);
        let spread = Spread::new(self.range, observed, of_groups, &[self.of_seeds]);
        let sums = std::slice::from_ref(&self.sums);
        let replicates = resampled_means(clusters, sums, options, |means, random| {
            let luck = if spread.has_seeds() { normal(random) } else { 0.0 };
            spread.replicate(means[0], luck)
        });
        let crossed = crossed(self.seeds);
        spread.interval(
            value,
            replicates,
            &Told { clusters, options, is_paired: false, shift: Shift::None, crossed },
        )
    }
}

/// Returns what the method of a score says of its seeds.
pub(crate) fn crossed(seeds: usize) -> String {
    if seeds == 1 { String::new() } else { format!(", crossed with {seeds} seeds") }
}

#[cfg(test)]
mod tests {
    use crate::range::{LOSS, Range, SHARE};
    use crate::{Bootstrap, Interval, Sides, cluster_mean, paired_differences, seeds_and_cluster_means};

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn of_three(values: [f64; 3], range: Range) -> Interval {
        cluster_mean(&values, range, &NAMES, &Bootstrap::default()).unwrap()
    }

    fn assert_ends(found: &Interval, low: f64, high: f64) {
        assert!((found.low - low).abs() < 1e-5 && (found.high - high).abs() < 1e-5, "{found:?}");
        assert!(found.method.starts_with("Student's t with 2.0 degrees of freedom"), "{found:?}");
    }

    #[test]
    fn few_groups_reach_beyond_what_was_observed_and_not_beyond_what_is_possible() {
        // The quantile of Student's t of two degrees of freedom is .95 / (2 * .975 * .025) ** .5 -> 4.302653.
        // 0.6 ± 4.302653 * 0.1 / 3 ** .5
        assert_ends(&of_three([0.5, 0.6, 0.7], SHARE), 0.351_586, 0.848_414);
        // 0.9 ± 4.302653 * 0.1 / 3 ** .5
        assert_ends(&of_three([0.8, 0.9, 1.0], SHARE), 0.651_586, 1.0);
        // 0.4 ± 4.302653 * (0.19 / 3) ** .5
        assert_ends(&of_three([0.1, 0.2, 0.9], LOSS), 0.0, 1.482_811);
    }

    #[test]
    fn few_groups_of_several_seeds_and_of_two_sides_do_so_too() {
        let (values, others) = ([0.5, 0.6, 0.7], [0.2; 3]);
        let options = Bootstrap::default();
        let seeds = seeds_and_cluster_means(&[values, values], SHARE, &NAMES, &options).unwrap();
        assert_ends(&seeds, 0.351_586, 0.848_414);
        let sides = |range| Sides { of: vec![&values], against: vec![&others], range };
        let found = paired_differences(&[sides(SHARE), sides(LOSS)], &NAMES, &options).unwrap();
        for one in &found {
            assert_ends(&one.difference, 0.151_586, 0.648_414);
        }
    }
}
