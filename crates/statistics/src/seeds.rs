//! Scores several runs that differ only in their seed.

use crate::bootstrap::{Bootstrap, all_alike, cluster_proportion};
use crate::clusters::Clusters;
use crate::grouping::Grouping;
use crate::interval::Interval;
use crate::range::{Range, SHARE};
use crate::side::Side;
use crate::unusable::Unusable;

/// Returns the share of items that are right, over seeds and items. The interval says how far another set of seeds and another
/// set of groups might be.
///
/// `per_seed` holds one list per seed, each with one value per item; all lists and `groups` are in the same item order.
/// Seeds and groups are crossed, not nested (Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2)): the groups
/// are resampled, the same ones for every seed. Two or three seeds are too few to be resampled, and their mean is drawn from a
/// normal distribution with the variance that they show, apart from what they show because each does better with some groups
/// than with others. With a single seed only the groups vary.
pub fn seeds_and_clusters(
    per_seed: &[impl AsRef<[f64]>],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    let seeds = fitting(per_seed, &clusters)?;
    if let [only] = seeds.as_slice() {
        let interval = cluster_proportion(only, groups, options)?;
        let method = format!("{}; one seed, whose own spread is unknown", interval.method);
        return Ok(Interval { method, ..interval });
    }
    match common_share(&seeds, &clusters).filter(|_| clusters.count() > 1) {
        Some(share) => all_alike(share, &clusters, &format!(", with {}", counted(seeds.len()))),
        None => Ok(Side::new(&seeds, SHARE, &clusters).interval(&clusters, options)),
    }
}

/// Returns the mean of one value per item, over seeds and items, as [`seeds_and_clusters`] does for shares. The interval is within what
/// the value of an item can be.
///
/// With a single group no interval is possible, so the range of its values is given instead.
///
/// # Errors
/// Returns an error when there is no seed, or one has not one finite value for each item.
pub fn seeds_and_cluster_means(
    per_seed: &[impl AsRef<[f64]>],
    range: Range,
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    let seeds = fitting(per_seed, &clusters)?;
    Ok(Side::new(&seeds, range, &clusters).interval(&clusters, options))
}

/// Returns the values of each seed, of which there must be at least one, after checking that they fit the items.
fn fitting<'a>(per_seed: &'a [impl AsRef<[f64]>], clusters: &Clusters) -> Result<Vec<&'a [f64]>, Unusable> {
    let seeds: Vec<&[f64]> = per_seed.iter().map(AsRef::as_ref).collect();
    if seeds.is_empty() {
        return Err(Unusable::Empty);
    }
    seeds.iter().try_for_each(|values| clusters.fit(values))?;
    Ok(seeds)
}

/// Returns the share that every group has under every seed, if it is the same everywhere.
fn common_share(seeds: &[&[f64]], clusters: &Clusters) -> Option<f64> {
    let mut shares = seeds.iter().map(|values| clusters.common_mean(values));
    let first = shares.next()??;
    let are_alike = shares.all(|share| share.is_some_and(|share| (share - first).abs() < 1e-12));
    (are_alike && (0.0..=1.0).contains(&first)).then_some(first)
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
        // With a = .25 / 299 and b = .0009 / 3, of 299 and 2 degrees of freedom, the sum has 27.3 by Satterthwaite; half of the width
        // is (t.ppf(.975, 27.27) * sqrt(a + b) + sqrt(t.ppf(.975, 299) ** 2 * a + t.ppf(.975, 2) ** 2 * b)) / 2 -> 0.081447
        let expected = 0.081_447;
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
        let said = "nothing to vary, with 2 seeds; from fewer than ten groups, so it is rough";
        assert!(interval.method.ends_with(said), "{}", interval.method);
    }

    #[test]
    fn shares_stay_shares() {
        let nearly_right = vec![vec![1.0; 6], vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0]];
        let groups = ["a", "a", "b", "b", "c", "c"];
        let interval = seeds_and_clusters(&nearly_right, &groups, &Bootstrap::default()).unwrap();
        assert!(interval.low >= 0.0 && interval.high == 1.0, "{interval:?}");
        assert!(interval.method.ends_with("from fewer than ten groups, so it is rough"), "{interval:?}");
    }
}
