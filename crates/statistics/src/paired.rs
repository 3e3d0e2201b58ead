//! Compares two sides on the same items: two runs, or two sets of seeds.
//!
//! The groups are resampled, the same ones for both sides. Two or three seeds are too few to be resampled: their mean is
//! drawn from a normal distribution with the variance that they show, apart from what they show because each does better with
//! some groups than with others, which is variance of the groups. Percentiles of resamples are too narrow where there are few
//! groups or seeds: with ten groups, 95 % intervals cover 91 %. So they are taken further out, as far as Student's t says
//! (the expanded percentile interval of Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 5.3).
//! `tests/it/coverage.rs` holds the intervals to their level.

use std::f64::consts::PI;

use cliptune_random::Random;

use crate::bootstrap::{Bootstrap, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::distributions::{bisect, normal_below, normal_quantile, t_beyond, t_quantile};
use crate::draws::resampled;
use crate::interval::Interval;
use crate::unusable::Unusable;
use crate::wilson::wilson;

/// The share of cases in which a 95 % interval does not hold the truth.
const LEVEL: f64 = 0.05;

/// The number of groups below which the method says that there are few.
const FEW_GROUPS: usize = 10;

/// The number of resamples that a percentile needs beyond it. Where there are fewer, the interval is Student's.
const BEYOND: f64 = 10.0;

/// The share of the largest difference below which the root of a variance is a matter of rounding.
const ROUNDING: f64 = 1e-12;

/// The values of one metric on both sides: a list for each seed, with a value for each item. All lists are in the same
/// order of items.
#[derive(Clone, Debug)]
pub struct Sides<'a> {
    /// The side whose values count.
    pub of: Vec<&'a [f64]>,
    /// The side whose values are taken off.
    pub against: Vec<&'a [f64]>,
}

/// The difference between two sides in one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// The mean of the one side minus the mean of the other.
    pub difference: Interval,
    /// The standard error of the difference over groups and seeds, or `None` where it cannot be estimated.
    pub standard_error: Option<f64>,
    /// The degrees of freedom of the standard error.
    pub freedom: f64,
    /// How often chance alone would show a difference as large in either direction, as the resamples say: it is below 0.05
    /// just where the interval does not contain zero.
    pub p_value: f64,
}

impl Paired {
    /// Returns the smallest difference that a test at 5 % finds in four of five cases, with these groups and seeds.
    pub fn detectable(&self) -> Option<f64> {
        let power = normal_quantile(0.8);
        self.standard_error.map(|error| (t_quantile(LEVEL, self.freedom) + power) * error)
    }
}

/// Returns the mean of `of` minus the mean of `against` for several metrics on the same items. The same draws serve all
/// metrics.
///
/// A side with one seed (a model that was not trained, for one) contributes no variance of seeds. Sides that do not differ
/// on any item get an interval of 0 to 0, and the method says so.
pub fn paired_differences(
    metrics: &[Sides<'_>],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Vec<Paired>, Unusable> {
    let clusters = Clusters::new(groups)?;
    let pairs = metrics.iter().map(|sides| Pair::new(sides, &clusters)).collect::<Result<Vec<_>, _>>()?;
    let varying: Vec<&Pair> = pairs.iter().filter(|pair| pair.varies(&clusters)).collect();
    let resamples = if varying.is_empty() { Vec::new() } else { replicates(&varying, &clusters, options) };
    let mut resamples = resamples.into_iter();
    let compared = pairs.iter().map(|pair| match pair.varies(&clusters) {
        true => Ok(pair.compared(resamples.next().unwrap_or_default(), &clusters, options)),
        false => pair.degenerate(&clusters),
    });
    compared.collect()
}

/// Returns the mean of `a` minus the mean of `b`, two runs on the same items.
///
/// Pairing the items removes what is common to both runs (Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640).
pub fn paired_cluster_difference(
    a: &[f64],
    b: &[f64],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let sides = Sides { of: vec![a], against: vec![b] };
    let compared = paired_differences(&[sides], groups, options)?.into_iter().next();
    compared.map(|paired| paired.difference).ok_or(Unusable::Empty)
}

/// Returns the difference of each pair in each resample.
fn replicates(pairs: &[&Pair], clusters: &Clusters, options: &Bootstrap) -> Vec<Vec<f64>> {
    let own = pairs.iter().map(|pair| pair.sums.clone());
    let columns: Vec<Vec<f64>> = std::iter::once(clusters.sizes()).chain(own).collect();
    let resamples = resampled(&columns, options, |sums, random| {
        let one = |(pair, sum): (&&Pair, &f64)| pair.replicate(sum / sums[0], random);
        pairs.iter().zip(&sums[1..]).map(one).collect::<Vec<f64>>()
    });
    (0..pairs.len()).map(|pair| resamples.iter().map(|resample| resample[pair]).collect()).collect()
}

/// One metric on both sides.
struct Pair {
    /// The mean of the one side minus the mean of the other.
    value: f64,
    /// The smallest and the largest difference that any item can show.
    range: (f64, f64),
    /// Whether no item has another value on the one side than on the other.
    is_same: bool,
    /// The difference of each group's sums, averaged over seeds.
    sums: Vec<f64>,
    /// The variance that comes from the seeds of each side.
    of_seeds: [Part; 2],
    /// The variance of the difference over groups and seeds.
    whole: Part,
    seeds: [usize; 2],
}

/// A part of a variance, with its degrees of freedom.
#[derive(Clone, Copy)]
struct Part {
    variance: f64,
    freedom: f64,
}

impl Part {
    /// Returns the sum of independent parts. Its degrees of freedom are chosen by the width of the 95 % interval: that of
    /// Satterthwaite (1946) is too narrow where a part with few of them is small by chance, and that of Banerjee (1960, Sankhyā
    /// 22:359), which adds up the parts of the interval itself, is too wide. The mean of both holds its level.
    fn together(parts: &[Self]) -> Self {
        let parts: Vec<Self> = parts.iter().copied().filter(|part| part.variance > 0.0).collect();
        let variance: f64 = parts.iter().map(|part| part.variance).sum();
        let shares = parts.iter().map(|part| part.variance.powi(2) / part.freedom);
        let most = variance * variance / shares.sum::<f64>();
        let [_, _, ..] = parts.as_slice() else { return Self { variance, freedom: most } };
        let square = |part: &Self| t_quantile(LEVEL, part.freedom).powi(2) * part.variance;
        let widest = parts.iter().map(square).sum::<f64>().sqrt();
        let half = (t_quantile(LEVEL, most) * variance.sqrt() + widest) / 2.0;
        let least = parts.iter().map(|part| part.freedom).fold(f64::INFINITY, f64::min);
        let is_wider = |freedom: f64| t_quantile(LEVEL, freedom) * variance.sqrt() > half;
        Self { variance, freedom: bisect(least.min(most), most, is_wider) }
    }
}

impl Pair {
    fn new(sides: &Sides<'_>, clusters: &Clusters) -> Result<Self, Unusable> {
        if sides.of.is_empty() || sides.against.is_empty() {
            return Err(Unusable::Empty);
        }
        sides.of.iter().chain(&sides.against).try_for_each(|values| clusters.fit(values))?;
        let [of, against] = [&sides.of, &sides.against].map(|side| Side::new(side, clusters));
        let value = of.mean - against.mean;
        let sums: Vec<f64> = of.sums.iter().zip(&against.sums).map(|(of, against)| of - against).collect();
        let of_groups = between(&sums, value, clusters);
        let of_seeds = [of.of_seeds, against.of_seeds];
        Ok(Self {
            value,
            whole: Part::together(&[of_groups, of_seeds[0], of_seeds[1]]),
            range: (of.lowest - against.highest, of.highest - against.lowest),
            is_same: sides.of.iter().chain(&sides.against).all(|values| *values == sides.of[0]),
            of_seeds,
            seeds: [sides.of.len(), sides.against.len()],
            sums,
        })
    }

    /// Returns whether the difference varies when groups are resampled and seeds are drawn.
    fn varies(&self, clusters: &Clusters) -> bool {
        let rounding = ROUNDING * self.range.0.abs().max(self.range.1.abs());
        clusters.count() > 1 && !self.is_same && self.whole.variance > rounding * rounding
    }

    /// Returns the difference of a resample from its mean over the seeds.
    fn replicate(&self, mean: f64, random: &mut Random) -> f64 {
        let of_seeds: f64 = self.of_seeds.iter().map(|part| part.variance).sum();
        let shift = if of_seeds > 0.0 { of_seeds.sqrt() * normal(random) } else { 0.0 };
        (mean + shift).clamp(self.range.0, self.range.1)
    }

    /// Returns the interval and the p-value, both from the same resamples, so that they cannot contradict each other.
    fn compared(&self, replicates: Vec<f64>, clusters: &Clusters, options: &Bootstrap) -> Paired {
        let Part { variance, freedom } = self.whole;
        let (error, further) = (variance.sqrt(), t_quantile(LEVEL, freedom));
        // Resamples of few groups vary less than the difference does.
        let wider = error / deviation(&replicates);
        let tail = normal_below(-further * wider);
        let (difference, p_value) = match tail * replicates.len() as f64 >= BEYOND {
            true => {
                let beyond = normal_quantile(beyond(&replicates)).min(0.0);
                let method = self.method(clusters, options);
                (
                    Interval::between((tail, 1.0 - tail), self.value, replicates, method),
                    t_beyond(beyond / wider, freedom),
                )
            }
            false => {
                (self.students(further * error, freedom, clusters), t_beyond(self.value / error, freedom))
            }
        };
        Paired { difference, standard_error: Some(error), freedom, p_value }
    }

    fn method(&self, clusters: &Clusters, options: &Bootstrap) -> String {
        format!("paired {}{}{}", options.described(clusters), self.crossed(), few(clusters))
    }

    /// Returns the interval where groups or seeds are so few that the percentiles would lie beyond all resamples.
    fn students(&self, half: f64, freedom: f64, clusters: &Clusters) -> Interval {
        let from = format!("{}{}{}", clusters.described(), self.crossed(), few(clusters));
        Interval {
            value: self.value,
            low: (self.value - half).max(self.range.0),
            high: (self.value + half).min(self.range.1),
            method: format!("Student's t with {freedom:.1} degrees of freedom, paired, over {from}"),
        }
    }

    fn crossed(&self) -> String {
        match self.seeds {
            [1, 1] => String::new(),
            [of, against] => format!(", crossed with {} against {}", counted(of), counted(against)),
        }
    }

    /// Returns what can be said where there is nothing to resample.
    fn degenerate(&self, clusters: &Clusters) -> Result<Paired, Unusable> {
        let difference = match clusters.count() {
            _ if self.is_same => {
                let method = "the sides do not differ on any item".to_owned();
                Interval { value: 0.0, low: 0.0, high: 0.0, method }
            }
            1 => range_of_one_group(self.value, &[self.range.0, self.range.1]),
            groups => self.all_alike(groups)?,
        };
        Ok(Paired { difference, standard_error: None, freedom: clusters.count() as f64 - 1.0, p_value: 1.0 })
    }

    /// Returns the interval for groups that all differ alike. It is as wide as that of a share of all groups.
    fn all_alike(&self, groups: usize) -> Result<Interval, Unusable> {
        let share = wilson(groups as f64, groups)?;
        let ends = [self.value * share.low, self.value];
        let method =
            format!("{} as groups: every group differs alike, a bootstrap has nothing to vary", share.method);
        Ok(Interval { value: self.value, low: ends[0].min(ends[1]), high: ends[0].max(ends[1]), method })
    }
}

/// Returns the variance of a mean difference over groups that differ in size, which is a ratio of two sums.
fn between(sums: &[f64], value: f64, clusters: &Clusters) -> Part {
    let (groups, items) = (clusters.count() as f64, clusters.items() as f64);
    let residual = |(sum, size): (&f64, f64)| sum - value * size;
    let squares: f64 =
        sums.iter().zip(clusters.sizes()).map(residual).map(|residual| residual * residual).sum();
    Part { variance: groups / (groups - 1.0) * squares / (items * items), freedom: groups - 1.0 }
}

/// Returns the root of the mean square from the mean.
fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    (values.iter().map(|one| (one - centre).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Returns the share of resamples in which the difference is gone or has the other sign. The observed value counts as one,
/// because no number of resamples shows that chance is impossible.
fn beyond(replicates: &[f64]) -> f64 {
    let count = |gone: fn(&f64) -> bool| replicates.iter().filter(|replicate| gone(replicate)).count();
    let fewer = count(|replicate| *replicate <= 0.0).min(count(|replicate| *replicate >= 0.0));
    (fewer + 1) as f64 / (replicates.len() + 1) as f64
}

/// Draws a standard normal number (Box & Muller 1958).
fn normal(random: &mut Random) -> f64 {
    let (radius, angle) = (1.0 - random.unit(), random.unit());
    (-2.0 * radius.ln()).sqrt() * (2.0 * PI * angle).cos()
}

fn few(clusters: &Clusters) -> &'static str {
    if clusters.count() < FEW_GROUPS { "; from fewer than ten groups, so it is rough" } else { "" }
}

fn counted(seeds: usize) -> String {
    if seeds == 1 { "1 seed".to_owned() } else { format!("{seeds} seeds") }
}

/// The seeds of one side.
struct Side {
    /// The mean over seeds and items.
    mean: f64,
    lowest: f64,
    highest: f64,
    /// The sum of each group, averaged over the seeds.
    sums: Vec<f64>,
    of_seeds: Part,
}

impl Side {
    fn new(seeds: &[&[f64]], clusters: &Clusters) -> Self {
        let per_seed: Vec<Vec<f64>> = seeds.iter().map(|values| clusters.sums(values)).collect();
        let means: Vec<f64> = seeds.iter().map(|values| mean(values)).collect();
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
        }
    }
}

/// Returns the variance that the seeds add to the mean over them: that of their means, less what each doing better with some
/// groups than with others makes of it.
fn of_seeds(per_seed: &[Vec<f64>], means: &[f64], sums: &[f64], clusters: &Clusters) -> Part {
    let (seeds, groups, items) = (means.len() as f64, clusters.count() as f64, clusters.items() as f64);
    let freedom = seeds - 1.0;
    if means.len() < 2 {
        return Part { variance: 0.0, freedom };
    }
    let (centre, sizes) = (mean(means), clusters.sizes());
    let of_means = means.iter().map(|one| (one - centre).powi(2)).sum::<f64>() / freedom;
    let residuals = |(own, mean): (&Vec<f64>, &f64)| {
        let of_group = |group: usize| own[group] - sums[group] - sizes[group] * (mean - centre);
        (0..sizes.len()).map(|group| of_group(group).powi(2)).sum::<f64>()
    };
    let squares: f64 = per_seed.iter().zip(means).map(residuals).sum();
    let with_groups = groups / (groups - 1.0) * squares / (freedom * items * items);
    // The comparison with zero also takes what is not a number, which a single group gives.
    let variance = f64::max(of_means - with_groups, 0.0) / seeds;
    Part { variance, freedom }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(items: usize) -> Vec<String> {
        (0..items).map(|i| (i / 2).to_string()).collect()
    }

    fn compare(of: &[&[f64]], against: &[&[f64]], groups: &[impl AsRef<str>]) -> Paired {
        let sides = Sides { of: of.to_vec(), against: against.to_vec() };
        paired_differences(&[sides], groups, &Bootstrap::default()).unwrap().remove(0)
    }

    #[test]
    fn pairing_removes_what_is_common() {
        // Both runs vary widely from item to item, but they differ by 0.1 on every second item.
        let a: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 100.0).collect();
        let b: Vec<f64> = a.iter().enumerate().map(|(i, a)| if i % 4 < 2 { a - 0.1 } else { *a }).collect();
        let found = compare(&[&a], &[&b], &groups(100));
        let interval = &found.difference;
        assert!((interval.value - 0.05).abs() < 0.003, "{interval:?}");
        // The 50 groups are at 0 or 0.1, so the standard error is 0.05 / √49. scipy: t.ppf(0.975, 49) -> 2.0096
        let half = (interval.high - interval.low) / 2.0;
        assert!((half - 2.0096 * 0.05 / 49_f64.sqrt()).abs() < 0.001, "{interval:?}");
        assert!(
            (found.standard_error.unwrap() - 0.05 / 7.0).abs() < 1e-9 && found.freedom == 49.0,
            "{found:?}"
        );
        assert_eq!(interval.method, "paired cluster bootstrap over 50 groups, 10000 resamples, seed 0");
    }

    #[test]
    fn the_interval_is_numpys_percentiles_further_out() {
        // 40 groups of 1 to 5 items with the values ((7g + 3i) mod 11) / 10, as in bootstrap.rs, against 0.45:
        //   w = numpy.random.default_rng(1).multinomial(40, numpy.full(40, 1 / 40), 1_000_000)
        //   r = w @ (sums - .45 * sizes) / (w @ sizes)
        //   n = 40; z = scipy.stats.t.ppf(.975, n - 1) * numpy.sqrt(v / r.var()), v = n / (n - 1) * (residuals ** 2).sum() / N ** 2
        //   numpy.quantile(r, scipy.stats.norm.cdf([-z, z]))
        let (values, groups): (Vec<f64>, Vec<String>) = (0..40)
            .flat_map(|g| {
                (0..g % 5 + 1).map(move |i| (f64::from((7 * g + 3 * i) % 11) / 10.0, format!("g{g:02}")))
            })
            .unzip();
        let against = vec![0.45; values.len()];
        let found = compare(&[&values], &[&against], &groups).difference;
        assert!(
            (found.low - REFERENCE.0).abs() < 0.003 && (found.high - REFERENCE.1).abs() < 0.003,
            "{found:?}"
        );
    }

    const REFERENCE: (f64, f64) = (0.0205, 0.0986);

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let a = [1.0, 0.0, 1.0, 0.0];
        let found = compare(&[&a], &[&a], &groups(4));
        assert_eq!((found.difference.value, found.difference.low, found.difference.high), (0.0, 0.0, 0.0));
        assert_eq!(
            (found.difference.method.as_str(), found.p_value),
            ("the sides do not differ on any item", 1.0)
        );
    }

    #[test]
    fn seeds_widen_a_difference() {
        let base: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        let shifted = |by: f64| base.iter().map(|value| value + by).collect::<Vec<f64>>();
        let tuned = [shifted(0.02), shifted(0.05), shifted(0.08)];
        let found = compare(&[&tuned[0], &tuned[1], &tuned[2]], &[&base], &groups(200));
        assert!((found.difference.value - 0.05).abs() < 1e-9);
        // The items cancel, which leaves the seeds' variance of 0.0009 / 3 with two degrees of freedom.
        assert!((found.standard_error.unwrap() - 0.0003_f64.sqrt()).abs() < 1e-9, "{found:?}");
        // scipy: t.ppf(0.975, 2) -> 4.3027, 2 * t.sf(0.05 / 0.0003 ** 0.5, 2) -> 0.101973
        let half = 4.3027 * 0.0003_f64.sqrt();
        assert!(
            (found.freedom - 2.0).abs() < 1e-6 && (found.difference.low - 0.05 + half).abs() < 1e-5,
            "{found:?}"
        );
        assert!((found.p_value - 0.101_973).abs() < 1e-4, "{found:?}");
        assert!(
            found.difference.method.ends_with("100 groups, crossed with 3 seeds against 1 seed"),
            "{found:?}"
        );
    }

    #[test]
    fn a_p_value_is_that_of_students_test() {
        // Of 400 items, 65 are right with a alone and 40 with b alone: a difference of 0.0625 with a standard error of
        // sqrt((0.2625 - 0.0625 ** 2) / 399). scipy: 2 * t.sf(0.0625 / se, 399) -> 0.014513. The tolerance is that of a
        // share of 10 000 resamples, doubled, and half a step of the difference.
        let a: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i < 65))).collect();
        let b: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i >= 360))).collect();
        let alone: Vec<String> = (0..400).map(|i| i.to_string()).collect();
        let found = compare(&[&a], &[&b], &alone);
        assert!((found.p_value - 0.014_513).abs() < 0.008, "{found:?}");
        assert!(found.difference.low > 0.0 && found.p_value < 0.05, "{found:?}");
    }

    #[test]
    fn what_can_be_shown_depends_on_how_many_answers_differ() {
        // With 500 items of which 15 % differ, a difference of 4.85 points is found in 80 % of cases:
        // (norm.ppf(.975) + norm.ppf(.8)) * sqrt(.15 / 500) -> 0.04853
        let value = |i: usize, at: usize| f64::from(u8::from(i < 75 && i % 2 == at));
        let [a, b] = [0, 1].map(|at| (0..500).map(|i| value(i, at)).collect::<Vec<f64>>());
        let alone: Vec<String> = (0..500).map(|i| i.to_string()).collect();
        let found = compare(&[&a], &[&b], &alone);
        assert!((found.detectable().unwrap() - 0.0486).abs() < 0.0002, "{found:?}");
    }

    #[test]
    fn one_group_proves_nothing_and_few_groups_little() {
        let one = compare(&[&[1.0, 1.0]], &[&[0.0, 0.0]], &["a"; 2]);
        assert_eq!((one.p_value, one.difference.low, one.difference.high), (1.0, 1.0, 1.0));
        assert!(one.difference.method.starts_with("no interval"));
        let few = compare(&[&[1.0, 1.0, 0.0]], &[&[0.0, 0.0, 0.0]], &["a", "b", "c"]);
        assert!(
            few.difference.low <= 0.0 && few.difference.method.contains("fewer than ten groups"),
            "{few:?}"
        );
    }

    #[test]
    fn groups_that_differ_alike_are_as_sure_as_their_number() {
        let found = compare(&[&[1.0; 6]], &[&[0.0; 6]], &["a", "a", "b", "b", "c", "c"]).difference;
        // statsmodels: proportion_confint(3, 3, method="wilson")[0] -> 0.43850
        assert!((found.low - 0.438_503).abs() < 1e-5 && found.high == 1.0, "{found:?}");
        assert!(found.method.contains("differs alike"), "{found:?}");
    }

    #[test]
    fn metrics_together_are_metrics_one_by_one() {
        let values = |factor: usize| (0..60).map(|i| (i * factor % 17) as f64).collect::<Vec<f64>>();
        let [a, b, c, d] = [3, 5, 7, 11].map(values);
        let both = [Sides { of: vec![&a], against: vec![&b] }, Sides { of: vec![&c], against: vec![&d] }];
        let found = paired_differences(&both, &groups(60), &Bootstrap::default()).unwrap();
        assert_eq!(found[0], compare(&[&a], &[&b], &groups(60)));
        assert_eq!(found[1], compare(&[&c], &[&d], &groups(60)));
    }

    #[test]
    fn lists_of_different_items_are_an_error() {
        let error = paired_cluster_difference(&[1.0], &[1.0, 2.0], &["a"], &Bootstrap::default());
        assert_eq!(error, Err(Unusable::Lengths { values: 2, items: 1 }));
        let none =
            paired_differences(&[Sides { of: vec![], against: vec![&[1.0]] }], &["a"], &Bootstrap::default());
        assert_eq!(none, Err(Unusable::Empty));
    }
}
