//! The bootstrap over groups.
//!
//! Groups are drawn with replacement and keep all their items (Field & Welsh 2007, "Bootstrapping clustered data",
//! JRSS B 69(3), the randomized cluster bootstrap; Davison & Hinkley 1997, section 3.8). A mean is a ratio of two
//! drawn sums, since groups differ in size: in the number of their items, or in what these weigh together.

use crate::clusters::Clusters;
use crate::expanded::few;
use crate::grouping::Grouping;
use crate::interval::Interval;
use crate::range::{Range, SHARE};
use crate::side::Side;
use crate::unusable::Unusable;
use crate::wilson::wilson;

/// The settings of a bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// The number of resamples. With 10 000, the ends of a 95 % interval are reproducible to about 1/40 of its
    /// half-width.
    pub resamples: usize,
    /// The seed of the random numbers.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 10_000, seed: 0 }
    }
}

impl Bootstrap {
    /// Returns the method in words, such as `cluster bootstrap over 210 groups, 10000 resamples, seed 0`.
    pub(crate) fn described(&self, clusters: &Clusters) -> String {
        let kind = if clusters.are_single() { "bootstrap" } else { "cluster bootstrap" };
        format!("{kind} over {}, {} resamples, seed {}", clusters.described(), self.resamples, self.seed)
    }
}

/// Returns the mean of one value per item, with an interval from resampling the groups that is within what the value of an item can
/// be.
///
/// With a single group no interval is possible, so the range of its values is given instead.
pub fn cluster_mean(
    values: &[f64],
    range: Range,
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    clusters.fit(values)?;
    Ok(Side::new(&[values], range, &clusters).interval(&clusters, options))
}

/// Returns the share of items that are right, with an interval from resampling the groups.
///
/// An item counts as right (1), as wrong (0), or, where there is a tie, with the probability that it is right.
///
/// In three cases a bootstrap is of no use, and the method says so: items that are groups of their own get Wilson's
/// interval, which is better at any size; groups that all have the same share get Wilson's interval on the number of
/// groups, because every resample would be the same; a single group gets the whole range.
pub fn cluster_proportion(
    right: &[f64],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    clusters.fit(right)?;
    match clusters.count() {
        _ if clusters.are_single() => of_single_items(right, &clusters),
        1 => {
            let method = "no interval: all items are of one group".to_owned();
            Ok(Interval { value: clusters.mean(right), low: 0.0, high: 1.0, method })
        }
        _ => match clusters.common_mean(right) {
            Some(share) => all_alike(share, &clusters, ""),
            None => cluster_mean(right, SHARE, groups, options),
        },
    }
}

/// Returns Wilson's interval for items that are groups of their own. Where they do not count alike, it is that of the weighted
/// share in the number of equal trials whose share would vary as much, (Σw)² / Σw² (the effective sample size of Kish 1992,
/// Journal of Official Statistics 8(2):183). This is an approximation: it takes the weight of an item to say nothing about whether
/// it is right.
fn of_single_items(right: &[f64], clusters: &Clusters) -> Result<Interval, Unusable> {
    let squares: f64 = clusters.weights().iter().map(|weight| weight * weight).sum();
    let scale = clusters.total() / squares;
    let interval = wilson(clusters.weighted(right).sum::<f64>() * scale, clusters.total() * scale)?;
    let method = format!("{}{}", interval.method, few(clusters));
    Ok(Interval { method, ..interval })
}

/// Returns the only interval that one group can honestly have: the range of its values.
pub(crate) fn range_of_one_group(value: f64, values: &[f64]) -> Interval {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Interval { value, low, high, method: "no interval: all items are of one group; their range".to_owned() }
}

/// Returns the interval for groups that all have the same share. `seeds` is what the method says of the seeds, or nothing.
pub(crate) fn all_alike(share: f64, clusters: &Clusters, seeds: &str) -> Result<Interval, Unusable> {
    let count = clusters.count() as f64;
    let interval = wilson(share * count, count)?;
    let how = match share {
        0.0 => "every item is wrong",
        1.0 => "every item is right",
        _ => "every group has the same share",
    };
    let (wilson, few) = (&interval.method, few(clusters));
    let method = format!("{wilson} as groups: {how}, a bootstrap has nothing to vary{seeds}{few}");
    Ok(Interval { method, value: share, ..interval })
}

/// Returns the mean of the values, of which there must be at least one.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weighted;
    use crate::draws::resampled_means;
    use crate::range::LOSS;
    use proptest::prelude::*;

    /// Returns 40 groups of 1 to 5 items; item i of group g has the value ((7g + 3i) mod 11) / 10.
    fn sample() -> (Vec<f64>, Vec<String>) {
        (0..40)
            .flat_map(|g| {
                (0..g % 5 + 1).map(move |i| (f64::from((7 * g + 3 * i) % 11) / 10.0, format!("g{g:02}")))
            })
            .unzip()
    }

    #[test]
    fn the_interval_is_numpys_percentiles_further_out() {
        // The reference takes the same sample and one million resamples, so its own noise is below 1e-4:
        //   sums = numpy.array([...]); sizes = numpy.arange(40) % 5 + 1; n = 40
        //   r = (w @ sums) / (w @ sizes), w = numpy.random.default_rng(1).multinomial(n, numpy.full(n, 1 / n), 1_000_000)
        //   v = n / (n - 1) * ((sums - .51 * sizes) ** 2).sum() / sizes.sum() ** 2
        //   z = 2.022691 * numpy.sqrt(v / r.var()), the t of 39 degrees of freedom
        //   numpy.quantile(r, [P(-z), P(z)]), P(z) = math.erfc(-z / math.sqrt(2)) / 2
        // The plain percentiles are 0.4718 and 0.5473. The tolerance allows for the ends of 10 000 resamples, which have a standard error of about 0.0007.
        let (values, groups) = sample();
        let interval = cluster_mean(&values, SHARE, &groups, &Bootstrap::default()).unwrap();
        assert!((interval.value - REFERENCE_MEAN).abs() < 1e-9);
        assert!((interval.low - REFERENCE_LOW).abs() < 0.003, "{interval:?}");
        assert!((interval.high - REFERENCE_HIGH).abs() < 0.003, "{interval:?}");
        assert_eq!(interval.method, "cluster bootstrap over 40 groups, 10000 resamples, seed 0");
    }

    const REFERENCE_MEAN: f64 = 0.51;
    const REFERENCE_LOW: f64 = 0.470_5;
    const REFERENCE_HIGH: f64 = 0.548_6;

    #[test]
    fn the_interval_of_weighted_items_is_numpys() {
        // As above, where the items of every third group weigh 5/2 and those of the others 1/4:
        //   weights = numpy.where(numpy.arange(40) % 3 == 0, 2.5, .25)
        // and `sums` and `sizes` are those times the weights.
        let (values, groups) = sample();
        let weight =
            |group: &String| if group[1..].parse::<u32>().unwrap().is_multiple_of(3) { 2.5 } else { 0.25 };
        let weights: Vec<f64> = groups.iter().map(weight).collect();
        let weighted = Weighted { groups: &groups, weights: &weights };
        let interval = cluster_mean(&values, SHARE, &weighted, &Bootstrap::default()).unwrap();
        assert!((interval.value - WEIGHTED_MEAN).abs() < 1e-12, "{interval:?}");
        assert!((interval.low - WEIGHTED_LOW).abs() < 0.003, "{interval:?}");
        assert!((interval.high - WEIGHTED_HIGH).abs() < 0.003, "{interval:?}");
    }

    const WEIGHTED_MEAN: f64 = 0.507_831_325_301_204_8;
    const WEIGHTED_LOW: f64 = 0.454_4;
    const WEIGHTED_HIGH: f64 = 0.555_1;

    #[test]
    fn no_resample_of_shares_is_more_than_all() {
        // Folds of uneven sizes, each of which counts alike, with groups of two items. None of the weights is a whole number.
        for sizes in [[6, 10, 10], [30, 30, 30], [2, 58, 30]] {
            let items: usize = sizes.iter().sum();
            let weights: Vec<f64> =
                sizes.iter().flat_map(|size| vec![0.1 * items as f64 / (3 * size) as f64; *size]).collect();
            let groups: Vec<String> = (0..items).map(|item| (item / 2).to_string()).collect();
            let weighted = Weighted { groups: &groups, weights: &weights };
            let clusters = Clusters::new(&weighted).unwrap();
            let mut right = vec![1.0; items];
            right[0] = 0.0;
            let sums = [clusters.sums(&right)];
            let means = resampled_means(&clusters, &sums, &Bootstrap::default(), |means, _| means[0]);
            assert!(means.iter().all(|mean| (0.0..=1.0).contains(mean)) && means.contains(&1.0), "{sizes:?}");
            right[0] = 1.0;
            let all = cluster_proportion(&right, &weighted, &Bootstrap::default()).unwrap();
            assert!(all.value == 1.0 && all.low < 1.0 && all.high == 1.0, "{all:?}");
        }
    }

    #[test]
    fn single_items_that_do_not_count_alike_are_fewer_trials() {
        // Thirteen items in folds of three, five and five, each of which counts alike; two of the first fold are wrong. Their
        // weights are 13/9 and 13/15, whose squares add up to 13.77: 12.27 trials. statsmodels:
        // proportion_confint(7 / 9 * n, n, method="wilson"), n = 13 ** 2 / (3 * (13 / 9) ** 2 + 10 * (13 / 15) ** 2)
        let weights = [vec![13.0 / 9.0; 3], vec![13.0 / 15.0; 10]].concat();
        let groups: Vec<String> = (0..13).map(|item| item.to_string()).collect();
        let weighted = Weighted { groups: &groups, weights: &weights };
        let mut right = vec![1.0; 13];
        (right[0], right[1]) = (0.0, 0.0);
        let found = cluster_proportion(&right, &weighted, &Bootstrap::default()).unwrap();
        assert!((found.value - 7.0 / 9.0).abs() < 1e-12, "{found:?}");
        assert!((found.low - KISH.0).abs() < 1e-9 && (found.high - KISH.1).abs() < 1e-9, "{found:?}");
        assert_eq!(found.method, "Wilson interval, 12.3 effective trials");
        let all = cluster_proportion(&[1.0; 13], &weighted, &Bootstrap::default()).unwrap();
        assert!(all.value == 1.0 && all.low < 1.0 && all.high == 1.0, "{all:?}");
    }

    const KISH: (f64, f64) = (0.498_044_437_027, 0.925_072_298_665);

    #[test]
    fn groups_widen_the_interval() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(u8::from(i % 8 < 4))).collect();
        let alone: Vec<String> = (0..200).map(|i| i.to_string()).collect();
        let together: Vec<String> = (0..200).map(|i| (i / 4).to_string()).collect();
        let width = |groups: &[String]| {
            let interval = cluster_mean(&values, SHARE, groups, &Bootstrap::default()).unwrap();
            interval.high - interval.low
        };
        // Items agree entirely within groups of 4, so the standard error doubles; and 50 groups say less than 200:
        // 2 * t.ppf(.975, 49) * sqrt(50 / 49) / (t.ppf(.975, 199) * sqrt(200 / 199)) -> 2.0537
        let ratio = width(&together) / width(&alone);
        assert!((ratio - 2.0537).abs() < 0.1, "{ratio}");
    }

    #[test]
    fn proportions_without_variation_fall_back_to_wilson() {
        let groups = ["a", "a", "b", "b", "c", "c"];
        let right = cluster_proportion(&[1.0; 6], &groups, &Bootstrap::default()).unwrap();
        assert_eq!((right.value, right.high), (1.0, 1.0));
        // statsmodels: proportion_confint(3, 3, method="wilson")[0] -> 0.43850
        assert!((right.low - 0.438_503).abs() < 1e-5, "{right:?}");
        let said = "Wilson interval, 3 trials as groups: every item is right, a bootstrap has nothing to vary; from fewer than ten groups, \
                    so it is rough";
        assert_eq!(right.method, said);
        let wrong = cluster_proportion(&[0.0; 6], &groups, &Bootstrap::default()).unwrap();
        assert!((wrong.high - 0.561_497).abs() < 1e-5 && wrong.low == 0.0, "{wrong:?}");
        let tied = cluster_proportion(&[0.5; 6], &groups, &Bootstrap::default()).unwrap();
        let halves = cluster_proportion(&[1.0, 0.0, 0.0, 1.0, 1.0, 0.0], &groups, &Bootstrap::default());
        assert_eq!(tied, halves.unwrap());
        assert!(tied.low < 0.2 && tied.high > 0.8 && tied.method.contains("the same share"), "{tied:?}");
    }

    #[test]
    fn two_groups_say_nearly_nothing_and_that_they_are_few() {
        let right = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let groups = ["a", "a", "a", "a", "b", "b", "b", "b"];
        // The shares are 3/4 and 1/4, with a standard error of 1/4: Student's t of one degree of freedom goes beyond all shares.
        let two = cluster_proportion(&right, &groups, &Bootstrap::default()).unwrap();
        assert_eq!((two.value, two.low, two.high), (0.5, 0.0, 1.0));
        let said = "Student's t with 1.0 degrees of freedom over 2 groups; from fewer than ten groups, so it is rough";
        assert_eq!(two.method, said);
    }

    #[test]
    fn one_group_has_no_interval() {
        let one = cluster_proportion(&[1.0, 1.0, 0.0, 1.0], &["a"; 4], &Bootstrap::default()).unwrap();
        assert_eq!((one.value, one.low, one.high), (0.75, 0.0, 1.0));
        assert!(one.method.starts_with("no interval"));
        let mean = cluster_mean(&[1.0, 4.0], LOSS, &["a"; 2], &Bootstrap::default()).unwrap();
        assert_eq!((mean.value, mean.low, mean.high), (2.5, 1.0, 4.0));
    }

    #[test]
    fn single_items_get_wilson() {
        let right: Vec<f64> = (0..50).map(|i| f64::from(u8::from(i % 5 != 0))).collect();
        let groups: Vec<String> = (0..50).map(|i| i.to_string()).collect();
        let interval = cluster_proportion(&right, &groups, &Bootstrap::default()).unwrap();
        assert_eq!(interval, wilson(40.0, 50.0).unwrap());
    }

    #[test]
    fn few_single_items_are_rough_and_ten_are_not() {
        let method = |items: usize| {
            let right: Vec<f64> = (0..items).map(|i| if i < items / 2 { 1.0 } else { 0.0 }).collect();
            let groups: Vec<String> = (0..items).map(|i| i.to_string()).collect();
            cluster_proportion(&right, &groups, &Bootstrap::default()).unwrap().method
        };
        assert_eq!(method(9), "Wilson interval, 9 trials; from fewer than ten groups, so it is rough");
        assert_eq!(method(10), "Wilson interval, 10 trials");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_order_of_items_decides_nothing(
            mut items in proptest::collection::vec((0.0..1.0, 0_u8..6), 2..40),
            seed in 0_u64..1000,
        ) {
            let options = Bootstrap { resamples: 200, seed };
            let interval = |items: &[(f64, u8)]| {
                let (values, groups): (Vec<f64>, Vec<String>) =
                    items.iter().map(|(value, group)| (*value, group.to_string())).unzip();
                cluster_mean(&values, SHARE, &groups, &options).unwrap()
            };
            let before = interval(&items);
            prop_assert_eq!(&before, &interval(&items));
            items.reverse();
            let after = interval(&items);
            prop_assert!((before.value - after.value).abs() < 1e-12);
            prop_assert!((before.low - after.low).abs() < 1e-12);
            prop_assert!((before.high - after.high).abs() < 1e-12);
        }
    }
}
