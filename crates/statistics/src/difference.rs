//! Two runs, or two sets of seeds, on the same items.

use crate::bootstrap::{Bootstrap, cluster_mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::interval::Interval;
use crate::seeds::Side;
use crate::unusable::Unusable;

/// The mean of a minus the mean of b on the same items, with the groups resampled together.
///
/// The two lists and `groups` are in the same item order; pairing the items removes what is common to both runs
/// (Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640). Runs that do not differ on any item get an
/// interval of 0 to 0, and the method says so.
pub fn paired_cluster_difference(
    a: &[f64],
    b: &[f64],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    if a.len() != b.len() {
        return Err(Unusable::Lengths { values: b.len(), items: a.len() });
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let interval = cluster_mean(&differences, groups, options)?;
    let method = match differences.iter().all(|difference| *difference == 0.0) {
        true => "the runs do not differ on any item".to_owned(),
        false => format!("paired {}", interval.method),
    };
    Ok(Interval { method, ..interval })
}

/// The mean of a minus the mean of b over several seeds each, with groups and seeds resampled.
///
/// Each side holds one list a seed. The sides share their groups; their seeds are drawn independently, because
/// seed 0 of one experiment has nothing in common with seed 0 of another. A side of one seed (a model that was not
/// trained) contributes no seed variance. See [`seeds_and_clusters`](crate::seeds_and_clusters).
pub fn paired_seeds_and_clusters(
    a: &[impl AsRef<[f64]>],
    b: &[impl AsRef<[f64]>],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    if let ([a], [b]) = (a, b) {
        return paired_cluster_difference(a.as_ref(), b.as_ref(), groups, options);
    }
    let clusters = Clusters::new(groups)?;
    let (a, b) = (Side::new(a, &clusters)?, Side::new(b, &clusters)?);
    let value = a.value - b.value;
    if clusters.count() == 1 {
        return Ok(range_of_one_group(value, &[a.lowest - b.highest, a.highest - b.lowest]));
    }
    let replicates = options.replicates(&clusters, |drawn, random| {
        a.replicate(&clusters, drawn, random) - b.replicate(&clusters, drawn, random)
    });
    let described = options.described(&clusters);
    let method = format!("paired {described}, crossed with {} against {}", a.described(), b.described());
    Ok(Interval::percentile(value, replicates, method))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(items: usize) -> Vec<String> {
        (0..items).map(|i| (i / 2).to_string()).collect()
    }

    #[test]
    fn pairing_removes_what_is_common() {
        // Both runs swing widely from item to item, but differ by 0.1 on every second one.
        let a: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 100.0).collect();
        let b: Vec<f64> = a.iter().enumerate().map(|(i, a)| if i % 4 < 2 { a - 0.1 } else { *a }).collect();
        let interval = paired_cluster_difference(&a, &b, &groups(100), &Bootstrap::default()).unwrap();
        assert!((interval.value - 0.05).abs() < 0.003, "{interval:?}");
        // 50 groups at 0 or 0.1: standard error 0.05 / √50.
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
        .unwrap();
        assert!((interval.value - 0.05).abs() < 1e-9);
        // The items cancel; what is left is the seeds' variance 0.0009 / 3. A mean of three out of three values is
        // coarse: at least the standard error must show.
        assert!((interval.high - interval.low) / 2.0 > 0.0173, "{interval:?}");
        assert!(interval.method.ends_with("crossed with 3 seeds against 1 seed"), "{}", interval.method);
    }

    #[test]
    fn lists_of_different_items_are_an_error() {
        let error = paired_cluster_difference(&[1.0], &[1.0, 2.0], &["a"], &Bootstrap::default());
        assert_eq!(error, Err(Unusable::Lengths { values: 2, items: 1 }));
    }
}
