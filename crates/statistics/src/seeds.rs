//! Scores several runs that differ only in their seed.

use crate::bootstrap::{Bootstrap, all_alike, cluster_proportion, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::draws::resampled_means;
use crate::grouping::Grouping;
use crate::interval::Interval;
use crate::statistic::of_drawn_seeds;
use crate::unusable::Unusable;

/// Returns the share of items that are right, over seeds and items. The interval comes from resampling both, and says
/// how far another set of seeds and another set of groups might be.
///
/// `per_seed` holds one list per seed, each with one value per item; all lists and `groups` are in the same item order.
/// Seeds and groups are drawn independently, with the same groups for every seed: they are crossed, not nested (Owen
/// 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2)). Drawing k seeds out of k understates their
/// variance by (k - 1)/k, so the seeds' deviations are widened by the root of its inverse. With a single seed only the groups
/// vary.
pub fn seeds_and_clusters(
    per_seed: &[impl AsRef<[f64]>],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    let scores = SeedScores::new(per_seed, &clusters)?;
    if let [only] = per_seed {
        let interval = cluster_proportion(only.as_ref(), groups, options)?;
        let method = format!("{}; one seed, whose own spread is unknown", interval.method);
        return Ok(Interval { method, ..interval });
    }
    if clusters.count() == 1 {
        return Ok(range_of_one_group(scores.value, &[scores.lowest, scores.highest]));
    }
    if let Some(share) = common_share(per_seed, &clusters) {
        let interval = all_alike(share, &clusters)?;
        return Ok(Interval {
            method: format!("{}, with {}", interval.method, scores.described()),
            ..interval
        });
    }
    let replicates = resampled_means(&clusters, &scores.sums, options, |means, random| {
        of_drawn_seeds(means, random).clamp(scores.lowest, scores.highest)
    });
    let method = format!("{}, crossed with {}", options.described(&clusters), scores.described());
    Ok(Interval::percentile(scores.value, replicates, method))
}

/// Returns the share that every group has under every seed, if it is the same everywhere.
fn common_share(per_seed: &[impl AsRef<[f64]>], clusters: &Clusters) -> Option<f64> {
    let mut shares = per_seed.iter().map(|values| clusters.common_mean(values.as_ref()));
    let first = shares.next()??;
    let are_alike = shares.all(|share| share.is_some_and(|share| (share - first).abs() < 1e-12));
    (are_alike && (0.0..=1.0).contains(&first)).then_some(first)
}

/// The scores of the runs of one experiment: the same items under several seeds.
struct SeedScores {
    /// The mean over seeds and items.
    value: f64,
    /// The weighted sum of each group under each seed.
    sums: Vec<Vec<f64>>,
    /// The smallest value of any item, below which no replicate can lie.
    lowest: f64,
    /// The largest value of any item, above which no replicate can lie.
    highest: f64,
}

impl SeedScores {
    fn new(per_seed: &[impl AsRef<[f64]>], clusters: &Clusters) -> Result<Self, Unusable> {
        if per_seed.is_empty() {
            return Err(Unusable::Empty);
        }
        per_seed.iter().try_for_each(|values| clusters.fit(values.as_ref()))?;
        let means: Vec<f64> = per_seed.iter().map(|values| clusters.mean(values.as_ref())).collect();
        let all = || per_seed.iter().flat_map(AsRef::as_ref).copied();
        Ok(Self {
            value: mean(&means),
            sums: per_seed.iter().map(|values| clusters.sums(values.as_ref())).collect(),
            lowest: all().fold(f64::INFINITY, f64::min),
            highest: all().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// Returns the number of seeds in words, such as `3 seeds`.
    fn described(&self) -> String {
        counted(self.sums.len())
    }
}

/// Returns a number of seeds in words.
pub(crate) fn counted(seeds: usize) -> String {
    if seeds == 1 { "1 seed".to_owned() } else { format!("{seeds} seeds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_has_no_spread() {
        let one = seeds_and_clusters(&[[0.0, 1.0, 1.0]], &["a", "b", "c"], &Bootstrap::default()).unwrap();
        assert!(one.method.ends_with("one seed, whose own spread is unknown"), "{}", one.method);
    }

    #[test]
    fn both_spreads_add_up() {
        // The 300 groups of one item are at 0 and 1 in turn, and three seeds shift every item by -0.03, 0 and 0.03. The
        // variance of the mean is therefore 0.25 / 300 from the items and 0.0009 / 3 from the seeds.
        let groups: Vec<String> = (0..300).map(|i| i.to_string()).collect();
        let seed = |shift: f64| (0..300).map(|i| f64::from(i % 2) + shift).collect::<Vec<f64>>();
        let interval =
            seeds_and_clusters(&[seed(-0.03), seed(0.0), seed(0.03)], &groups, &Bootstrap::default())
                .unwrap();
        let expected = 1.96 * (0.25_f64 / 300.0 + 0.0009 / 3.0).sqrt();
        let half = (interval.high - interval.low) / 2.0;
        assert!((half / expected - 1.0).abs() < 0.05, "{half} {expected}");
        assert!(interval.method.ends_with("crossed with 3 seeds"));
    }

    #[test]
    fn perfect_seeds_prove_no_perfection() {
        let groups = ["a", "a", "b", "b", "c", "c"];
        let interval = seeds_and_clusters(&[[1.0; 6], [1.0; 6]], &groups, &Bootstrap::default()).unwrap();
        // statsmodels: proportion_confint(3, 3, method="wilson")[0] -> 0.43850
        assert_eq!((interval.value, interval.high), (1.0, 1.0));
        assert!((interval.low - 0.438_503).abs() < 1e-5, "{interval:?}");
        assert!(interval.method.ends_with("with 2 seeds"), "{}", interval.method);
    }

    #[test]
    fn shares_stay_shares() {
        let nearly_right = vec![vec![1.0; 6], vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0]];
        let groups = ["a", "a", "b", "b", "c", "c"];
        let interval = seeds_and_clusters(&nearly_right, &groups, &Bootstrap::default()).unwrap();
        assert!(interval.low >= 0.0 && interval.high <= 1.0);
    }
}
