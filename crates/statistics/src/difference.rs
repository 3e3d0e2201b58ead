//! Compares two runs, or two sets of seeds, on the same items.

use crate::bootstrap::{Bootstrap, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::interval::Interval;
use crate::seeds::SeedScores;
use crate::unusable::Unusable;

/// The difference between two runs, or between two sets of seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The mean of the first minus the mean of the second.
    pub difference: Interval,
    /// How often chance alone would show a difference as large in either direction: twice the share of resamples in
    /// which the difference is gone or has the other sign. It is below 0.05 where the interval does not contain zero.
    /// Groups and seeds are resampled as they are for the interval.
    pub p_value: f64,
}

/// Returns the mean of `a` minus the mean of `b` on the same items, with the groups resampled together.
///
/// The two lists and `groups` are in the same item order; pairing the items removes what is common to both runs (Miller
/// 2024, "Adding Error Bars to Evals", arXiv 2411.00640). Runs that do not differ on any item get an interval of 0 to
/// 0, and the method says so.
pub fn paired_cluster_difference(
    a: &[f64],
    b: &[f64],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    Ok(compare_runs(a, b, groups, options)?.difference)
}

/// Returns the mean of `a` minus the mean of `b` over several seeds each, with groups and seeds resampled.
///
/// Each side holds one list per seed. The sides share the groups that are drawn; their seeds are drawn independently,
/// because seed 0 of one experiment has nothing in common with seed 0 of another. A side with one seed (a model that
/// was not trained) contributes no seed variance. See [`seeds_and_clusters`](crate::seeds_and_clusters).
pub fn paired_seeds_and_clusters(
    a: &[impl AsRef<[f64]>],
    b: &[impl AsRef<[f64]>],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Comparison, Unusable> {
    if let ([a], [b]) = (a, b) {
        return compare_runs(a.as_ref(), b.as_ref(), groups, options);
    }
    let clusters = Clusters::new(groups)?;
    let (a, b) = (SeedScores::new(a, &clusters)?, SeedScores::new(b, &clusters)?);
    let value = a.value - b.value;
    if clusters.count() == 1 {
        return Ok(Comparison::undecided(range_of_one_group(
            value,
            &[a.lowest - b.highest, a.highest - b.lowest],
        )));
    }
    let replicates = options.replicates(&clusters, |drawn, random| {
        a.replicate(&clusters, drawn, random) - b.replicate(&clusters, drawn, random)
    });
    let described = options.described(&clusters);
    let method = format!("paired {described}, crossed with {} against {}", a.described(), b.described());
    Ok(Comparison::of(value, replicates, method))
}

fn compare_runs(
    a: &[f64],
    b: &[f64],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Comparison, Unusable> {
    if a.len() != b.len() {
        return Err(Unusable::Lengths { values: b.len(), items: a.len() });
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let clusters = Clusters::new(groups)?;
    clusters.fit(&differences)?;
    if differences.iter().all(|difference| *difference == 0.0) {
        let method = "the runs do not differ on any item".to_owned();
        return Ok(Comparison::undecided(Interval { value: 0.0, low: 0.0, high: 0.0, method }));
    }
    let value = mean(&differences);
    if clusters.count() == 1 {
        return Ok(Comparison::undecided(range_of_one_group(value, &differences)));
    }
    let method = format!("paired {}", options.described(&clusters));
    Ok(Comparison::of(value, options.means(&clusters, &differences), method))
}

impl Comparison {
    /// Takes the interval and the p-value from the same resamples, so that they cannot contradict each other.
    fn of(value: f64, replicates: Vec<f64>, method: String) -> Self {
        let count = |gone: fn(&f64) -> bool| replicates.iter().filter(|replicate| gone(replicate)).count();
        let fewer = count(|replicate| *replicate <= 0.0).min(count(|replicate| *replicate >= 0.0));
        // The observed value counts as one resample, because no number of resamples shows that chance is impossible.
        let p_value = (2.0 * (fewer + 1) as f64 / (replicates.len() + 1) as f64).min(1.0);
        Self { difference: Interval::percentile(value, replicates, method), p_value }
    }

    /// Returns a comparison whose p-value is 1, for a difference that nothing speaks for.
    fn undecided(difference: Interval) -> Self {
        Self { difference, p_value: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(items: usize) -> Vec<String> {
        (0..items).map(|i| (i / 2).to_string()).collect()
    }

    #[test]
    fn pairing_removes_what_is_common() {
        // Both runs vary widely from item to item, but they differ by 0.1 on every second item.
        let a: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 100.0).collect();
        let b: Vec<f64> = a.iter().enumerate().map(|(i, a)| if i % 4 < 2 { a - 0.1 } else { *a }).collect();
        let interval = paired_cluster_difference(&a, &b, &groups(100), &Bootstrap::default()).unwrap();
        assert!((interval.value - 0.05).abs() < 0.003, "{interval:?}");
        // The 50 groups are at 0 or 0.1, so the standard error is 0.05 / √50.
        assert!(
            ((interval.high - interval.low) / 2.0 - 1.96 * 0.05 / 50_f64.sqrt()).abs() < 0.002,
            "{interval:?}"
        );
        assert_eq!(interval.method, "paired cluster bootstrap over 50 groups, 10000 resamples, seed 0");
    }

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let a = [1.0, 0.0, 1.0, 0.0];
        let interval = paired_cluster_difference(&a, &a, &groups(4), &Bootstrap::default()).unwrap();
        assert_eq!((interval.value, interval.low, interval.high), (0.0, 0.0, 0.0));
        assert_eq!(interval.method, "the runs do not differ on any item");
    }

    #[test]
    fn seeds_widen_a_difference() {
        let base: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        let shifted = |by: f64| base.iter().map(|value| value + by).collect::<Vec<f64>>();
        let tuned = [shifted(0.02), shifted(0.05), shifted(0.08)];
        let interval = paired_seeds_and_clusters(
            &tuned,
            std::slice::from_ref(&base),
            &groups(200),
            &Bootstrap::default(),
        )
        .unwrap()
        .difference;
        assert!((interval.value - 0.05).abs() < 1e-9);
        // The items cancel, which leaves the seeds' variance of 0.0009 / 3. A mean of three values drawn out of three
        // is coarse, so the test asks only that the standard error shows.
        assert!((interval.high - interval.low) / 2.0 > 0.0173, "{interval:?}");
        assert!(interval.method.ends_with("crossed with 3 seeds against 1 seed"), "{}", interval.method);
    }

    #[test]
    fn a_p_value_is_that_of_the_normal_approximation() {
        // Of 400 items, 65 are right with a alone and 40 with b alone: a difference of 0.0625 with a standard error of
        // sqrt(0.2625 - 0.0625 ** 2) / 20. scipy: 2 * norm.sf(0.0625 / se) -> 0.013967. The tolerance is three standard
        // errors of a share of 10 000 resamples, doubled, and half a step of the difference.
        let a: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i < 65))).collect();
        let b: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i >= 360))).collect();
        let alone: Vec<String> = (0..400).map(|i| i.to_string()).collect();
        let found = paired_seeds_and_clusters(&[a], &[b], &alone, &Bootstrap::default()).unwrap();
        assert!((found.p_value - 0.013_967).abs() < 0.008, "{found:?}");
        assert!(found.difference.low > 0.0 && found.p_value < 0.05, "{found:?}");
    }

    #[test]
    fn one_group_and_equal_runs_prove_nothing() {
        let one = paired_seeds_and_clusters(&[[1.0, 1.0]], &[[0.0, 0.0]], &["a"; 2], &Bootstrap::default());
        let same =
            paired_seeds_and_clusters(&[[1.0, 0.0]], &[[1.0, 0.0]], &["a", "b"], &Bootstrap::default());
        assert_eq!((one.unwrap().p_value, same.unwrap().p_value), (1.0, 1.0));
    }

    #[test]
    fn lists_of_different_items_are_an_error() {
        let error = paired_cluster_difference(&[1.0], &[1.0, 2.0], &["a"], &Bootstrap::default());
        assert_eq!(error, Err(Unusable::Lengths { values: 2, items: 1 }));
    }
}
