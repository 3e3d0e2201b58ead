//! Scores several runs that differ only in their seed.

use crate::bootstrap::{Bootstrap, all_alike, cluster_proportion, dot, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::interval::Interval;
use crate::unusable::Unusable;
use cliptune_random::Random;

/// Returns the share of items that are right, over seeds and items. The interval comes from resampling both, and says
/// how far another set of seeds and another set of groups might be.
///
/// `per_seed` holds one list per seed, each with one value per item; all lists and `groups` are in the same item order.
/// Seeds and groups are drawn independently, with the same groups for every seed: they are crossed, not nested (Owen
/// 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2)). Drawing k seeds out of k understates their
/// variance by (k - 1)/k, so the seeds' deviations are widened by the root of its inverse (Hesterberg 2015, "What
/// Teachers Should Know About the Bootstrap", section 3.3). With a single seed only the groups vary.
pub fn seeds_and_clusters(
    per_seed: &[impl AsRef<[f64]>],
    groups: &[impl AsRef<str>],
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
    let replicates =
        options.replicates(&clusters, |drawn, random| scores.replicate(&clusters, drawn, random));
    let method = format!("{}, crossed with {}", options.described(&clusters), scores.described());
    Ok(Interval::percentile(scores.value, replicates, method))
}

/// Returns the share that every group has under every seed, if it is the same everywhere.
fn common_share(per_seed: &[impl AsRef<[f64]>], clusters: &Clusters) -> Option<f64> {
    let mut shares = per_seed.iter().map(|values| clusters.common_mean(values.as_ref()));
    let first = shares.next()??;
    shares.all(|share| share.is_some_and(|share| (share - first).abs() < 1e-12)).then_some(first)
}

/// The scores of the runs of one experiment: the same items under several seeds.
pub(crate) struct SeedScores {
    /// The mean over seeds and items.
    pub(crate) value: f64,
    /// The sum of each group under each seed, in which the deviation from the mean over seeds is widened.
    sums: Vec<Vec<f64>>,
    /// The smallest value of any item, below which no replicate can lie.
    pub(crate) lowest: f64,
    /// The largest value of any item, above which no replicate can lie.
    pub(crate) highest: f64,
}

impl SeedScores {
    pub(crate) fn new(per_seed: &[impl AsRef<[f64]>], clusters: &Clusters) -> Result<Self, Unusable> {
        if per_seed.is_empty() {
            return Err(Unusable::Empty);
        }
        per_seed.iter().try_for_each(|values| clusters.fit(values.as_ref()))?;
        let means: Vec<f64> = per_seed.iter().map(|values| mean(values.as_ref())).collect();
        let all = || per_seed.iter().flat_map(AsRef::as_ref).copied();
        Ok(Self {
            value: mean(&means),
            sums: widened(per_seed.iter().map(|values| clusters.sums(values.as_ref())).collect()),
            lowest: all().fold(f64::INFINITY, f64::min),
            highest: all().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// Returns the mean of a drawn sample of groups, for which the seeds are drawn as well.
    pub(crate) fn replicate(&self, clusters: &Clusters, drawn: &[f64], random: &mut Random) -> f64 {
        let seeds = self.sums.len();
        let items = clusters.drawn_items(drawn) * seeds as f64;
        let sum: f64 = (0..seeds).map(|_| dot(drawn, &self.sums[random.below(seeds)])).sum();
        (sum / items).clamp(self.lowest, self.highest)
    }

    /// Returns the number of seeds in words, such as `3 seeds`.
    pub(crate) fn described(&self) -> String {
        match self.sums.len() {
            1 => "1 seed".to_owned(),
            seeds => format!("{seeds} seeds"),
        }
    }
}

/// Returns the sums with each seed's deviation from the mean over seeds multiplied by √(k / (k - 1)).
fn widened(mut sums: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let seeds = sums.len() as f64;
    if sums.len() < 2 {
        return sums;
    }
    let factor = (seeds / (seeds - 1.0)).sqrt();
    for group in 0..sums[0].len() {
        let centre = sums.iter().map(|seed| seed[group]).sum::<f64>() / seeds;
        sums.iter_mut().for_each(|seed| seed[group] = centre + factor * (seed[group] - centre));
    }
    sums
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
