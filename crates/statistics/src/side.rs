//! A mean over the items and the seeds of one side.

use crate::bootstrap::{Bootstrap, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::distributions::normal;
use crate::draws::resampled_means;
use crate::expanded::{Shift, Spread, Told};
use crate::interval::Interval;
use crate::variance::{Part, between, of_seeds};

/// The same items under each seed of one side.
pub(crate) struct Side {
    /// The mean over seeds and items.
    pub(crate) mean: f64,
    /// The smallest value of any item, below which no mean can lie.
    pub(crate) lowest: f64,
    /// The largest value of any item, above which no mean can lie.
    pub(crate) highest: f64,
    /// The weighted sum of each group, averaged over the seeds.
    pub(crate) sums: Vec<f64>,
    /// The variance that the seeds add to the mean over them.
    pub(crate) of_seeds: Part,
    seeds: usize,
}

impl Side {
    /// Returns the side of at least one seed, each with a value for every item.
    pub(crate) fn new(seeds: &[&[f64]], clusters: &Clusters) -> Self {
        let per_seed: Vec<Vec<f64>> = seeds.iter().map(|values| clusters.sums(values)).collect();
        let means: Vec<f64> = seeds.iter().map(|values| clusters.mean(values)).collect();
        let mean_of =
            |group: usize| per_seed.iter().map(|seed| seed[group]).sum::<f64>() / seeds.len() as f64;
        let sums: Vec<f64> = (0..clusters.count()).map(mean_of).collect();
        let values = || seeds.iter().flat_map(|values| values.iter().copied());
        Self {
            mean: mean(&means),
            lowest: values().fold(f64::INFINITY, f64::min),
            highest: values().fold(f64::NEG_INFINITY, f64::max),
            of_seeds: of_seeds(&per_seed, &means, &sums, clusters),
            sums,
            seeds: seeds.len(),
        }
    }

    /// Returns the mean with an interval over groups and seeds, or the range of its values where there is one group.
    pub(crate) fn interval(&self, clusters: &Clusters, options: &Bootstrap) -> Interval {
        let (value, range) = (self.mean, (self.lowest, self.highest));
        if clusters.count() == 1 {
            return range_of_one_group(value, &[range.0, range.1]);
        }
        let spread = Spread::new(range, between(&self.sums, value, clusters), &[self.of_seeds]);
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
