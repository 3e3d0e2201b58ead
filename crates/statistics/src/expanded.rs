//! The one rule by which resamples become an interval, of a score as of a difference.
//!
//! Percentiles of resamples are too narrow where there are few groups or seeds: with ten groups, 95 % intervals of an accuracy hold
//! the truth in 89.6 % of cases, with twenty in 92.4 % (`docs/scoring.md` has the table). So they are taken further out, as far as
//! Student's t says (the expanded percentile interval of Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section
//! 5.3): where a plain percentile would be at Φ(-1.96), it is at Φ(-t · w), with the quantile t of Student's distribution and the number
//! w of times that the error is larger than the deviation of the resamples, which is √(n / (n - 1)) for n groups and one seed. No end is
//! outside of what is possible; resamples may be, where they are shifted by their bias or by the luck of the seeds, for else they would
//! vary less than the error that they are compared with. `tests/it/coverage.rs` holds the intervals to their level.

use crate::bootstrap::Bootstrap;
use crate::clusters::Clusters;
use crate::distributions::{normal_below, t_quantile};
use crate::interval::Interval;
use crate::range::Range;
use crate::variance::{LEVEL, Part, deviation};

/// The number of groups below which the method says that there are few.
const FEW_GROUPS: usize = 10;

/// The smallest share of resamples that is looked for beyond an end: ten of 10,000. Where it is smaller, the interval is Student's,
/// however many resamples there are. It lies between those of five groups, 0.00095, and of six, 0.00243, and between those of four seeds
/// that all of the variance is of, 0.00073, and of five, 0.00275.
const LEAST_TAIL: f64 = 0.001;

/// The share of the largest observed number below which the root of a variance is a matter of rounding.
const ROUNDING: f64 = 1e-12;

/// What is known of how far a score, or a difference, might be from the truth.
pub(crate) struct Spread {
    /// The smallest and the largest number that is possible.
    range: Range,
    /// The smallest and the largest number that items have.
    pub(crate) observed: Range,
    /// The variance over groups and seeds.
    whole: Part,
    /// The variance that the seeds add.
    of_seeds: f64,
    /// The variance of resamples, apart from what chance makes of it: that of n groups is n / (n - 1) times smaller than that over groups.
    of_resamples: f64,
}

/// How far out the ends of an interval are.
pub(crate) struct Reach {
    /// How many times the error is larger than the deviation of the resamples.
    pub(crate) wider: f64,
    /// The share of resamples beyond each end, or `None` where it would be so small that the interval is Student's.
    pub(crate) tail: Option<f64>,
    /// Half the width of Student's interval.
    half: f64,
}

/// What the method of an interval says.
pub(crate) struct Told<'a> {
    pub(crate) clusters: &'a Clusters,
    pub(crate) options: &'a Bootstrap,
    /// Whether two sides were resampled together.
    pub(crate) is_paired: bool,
    /// What was done about the bias of the resamples.
    pub(crate) shift: Shift,
    /// The seeds that the groups are crossed with, such as `, crossed with 3 seeds`, or nothing where there is one.
    pub(crate) crossed: String,
}

/// What was done about the bias of resamples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    /// Nothing: there is none that matters.
    None,
    /// The resamples were shifted to lie about the value.
    Centred,
    /// They were, and the lower end was then moved down by as much again.
    Lowered,
}

impl Shift {
    /// Returns what the method of percentiles says.
    fn of_percentiles(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Centred => ", shifted by its bias",
            Self::Lowered => ", shifted by its bias, the lower end twice",
        }
    }

    /// Returns what the method of Student's interval says, which lies about the value anyway.
    fn of_students(self) -> &'static str {
        match self {
            Self::None | Self::Centred => "",
            Self::Lowered => ", the lower end shifted by the bias of resamples",
        }
    }
}

impl Spread {
    /// Returns the spread of a number within a range, of items within what was observed, from its variance over groups and what the seeds
    /// of each side add.
    pub(crate) fn new(range: Range, observed: Range, of_groups: Part, of_seeds: &[Part]) -> Self {
        let whole = Part::together(&[std::slice::from_ref(&of_groups), of_seeds].concat());
        let of_seeds: f64 = of_seeds.iter().map(|part| part.variance).sum();
        let of_resamples = of_groups.variance * of_groups.freedom / (of_groups.freedom + 1.0) + of_seeds;
        Self { range, observed, whole, of_seeds, of_resamples }
    }

    /// Returns whether anything varies when groups are resampled and seeds are drawn.
    pub(crate) fn varies(&self) -> bool {
        let rounding = ROUNDING * self.observed.0.abs().max(self.observed.1.abs());
        self.whole.variance > rounding * rounding
    }

    /// Returns whether the seeds add any variance.
    pub(crate) fn has_seeds(&self) -> bool {
        self.of_seeds > 0.0
    }

    /// Returns the standard error.
    pub(crate) fn error(&self) -> f64 {
        self.whole.variance.sqrt()
    }

    /// Returns the degrees of freedom of the standard error.
    pub(crate) fn freedom(&self) -> f64 {
        self.whole.freedom
    }

    /// Returns the number of a resample from its mean over the seeds and a standard normal number, which is the luck of the seeds. It
    /// may be outside of what is possible: [`Spread::reach`] has to see how much resamples vary about the number.
    pub(crate) fn replicate(&self, mean: f64, luck: f64) -> f64 {
        mean + self.of_seeds.sqrt() * luck
    }

    /// Returns how far out the ends are, for these resamples of a number that varies.
    pub(crate) fn reach(&self, replicates: &[f64]) -> Reach {
        // Resamples of few groups vary less than the number does.
        let wider = self.error() / deviation(replicates);
        let further = t_quantile(LEVEL, self.freedom());
        let tail = normal_below(-further * wider);
        Reach { wider, tail: self.has_percentiles().then_some(tail), half: further * self.error() }
    }

    /// Returns whether the ends are percentiles of resamples. Neither the number of resamples nor their luck has a say, so that the same
    /// groups and seeds get the same kind of interval everywhere.
    fn has_percentiles(&self) -> bool {
        let wider = (self.whole.variance / self.of_resamples).sqrt();
        normal_below(-t_quantile(LEVEL, self.freedom()) * wider) >= LEAST_TAIL
    }

    /// Returns the interval of a number from its resamples. One that does not vary has no width, and its method says why.
    pub(crate) fn interval(&self, value: f64, replicates: Vec<f64>, told: &Told<'_>) -> Interval {
        match self.varies() {
            true => self.reaching(&self.reach(&replicates), value, replicates, told),
            false => Interval { value, low: value, high: value, method: told.nothing() },
        }
    }

    /// Returns the interval whose ends are so far out: between percentiles of the resamples, or Student's where groups or seeds are
    /// so few that the percentiles would lie beyond nearly all resamples.
    pub(crate) fn reaching(
        &self,
        reach: &Reach,
        value: f64,
        replicates: Vec<f64>,
        told: &Told<'_>,
    ) -> Interval {
        self.within(match reach.tail {
            Some(tail) => Interval::between((tail, 1.0 - tail), value, replicates, told.resampled()),
            None => Interval {
                value,
                low: value - reach.half,
                high: value + reach.half,
                method: told.students(self.freedom()),
            },
        })
    }

    /// Returns an interval with its ends within what is possible.
    fn within(&self, interval: Interval) -> Interval {
        let end = |end: f64| end.clamp(self.range.0, self.range.1);
        Interval { low: end(interval.low), high: end(interval.high), ..interval }
    }
}

impl Told<'_> {
    fn resampled(&self) -> String {
        let paired = if self.is_paired { "paired " } else { "" };
        let (resampled, shifted) = (self.options.described(self.clusters), self.shift.of_percentiles());
        format!("{paired}{resampled}{}{shifted}{}", self.crossed, few(self.clusters))
    }

    fn nothing(&self) -> String {
        let over = self.clusters.described();
        format!("nothing varies between {over}{}{}", self.crossed, few(self.clusters))
    }

    fn students(&self, freedom: f64) -> String {
        let paired = if self.is_paired { ", paired," } else { "" };
        let (groups, shifted) = (self.clusters.described(), self.shift.of_students());
        let from = format!("{groups}{}{shifted}{}", self.crossed, few(self.clusters));
        format!("Student's t with {freedom:.1} degrees of freedom{paired} over {from}")
    }
}

/// Returns the end of a method that says that there are few groups, or nothing.
pub(crate) fn few(clusters: &Clusters) -> String {
    few_groups(clusters.count()).map(|said| format!("; {said}")).unwrap_or_default()
}

/// Returns what has to be said of an interval from so many groups, if they are few. One group has no interval at all.
pub fn few_groups(groups: usize) -> Option<&'static str> {
    (2..FEW_GROUPS).contains(&groups).then_some("from fewer than ten groups, so it is rough")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::normal_quantile;
    use crate::{cluster_proportion, seeds_and_clusters};

    /// Returns the interval of a number that is never negative and has a standard error of one over 200 groups, from resamples that are
    /// normal about it.
    fn near_zero(value: f64, resamples: usize) -> Interval {
        let names: Vec<String> = (0..200).map(|group| group.to_string()).collect();
        let clusters = Clusters::new(&names).unwrap();
        let range = (0.0, 100.0);
        let spread = Spread::new(range, range, Part { variance: 1.0, freedom: 199.0 }, &[]);
        let of_resamples = (199.0_f64 / 200.0).sqrt();
        let drawn = |i: usize| normal_quantile((i as f64 + 0.5) / resamples as f64);
        let replicates =
            (0..resamples).map(|i| spread.replicate(value + of_resamples * drawn(i), 0.0)).collect();
        let options = Bootstrap { resamples, seed: 0 };
        let (clusters, options, crossed) = (&clusters, &options, String::new());
        let told = Told { clusters, options, is_paired: false, shift: Shift::Centred, crossed };
        spread.interval(value, replicates, &told)
    }

    #[test]
    fn resamples_that_are_not_possible_vary_as_much_as_the_others() {
        // As the calibration error of a nearly calibrated model. scipy: t.ppf(.975, 199) -> 1.971957; the quantiles of 2,000 resamples are
        // within 0.01 of those of a normal number.
        for value in [0.0, 0.15, 0.2, 3.0] {
            let found = near_zero(value, 2_000);
            assert!((found.high - value - 1.971_957).abs() < 0.01, "{found:?}");
            assert!((found.low - (value - 1.971_957).max(0.0)).abs() < 0.01, "{found:?}");
            assert_eq!(found.method, "bootstrap over 200 items, 2000 resamples, seed 0, shifted by its bias");
        }
    }

    #[test]
    fn percentiles_or_students_is_a_matter_of_groups_and_not_of_resamples() {
        for (groups, is_students) in
            [(2_usize, true), (4, true), (5, true), (6, false), (7, false), (12, false)]
        {
            // Groups of one to three items, which differ.
            let items = || (0..groups).flat_map(|group| (0..=group % 3).map(move |item| (group, item)));
            let names: Vec<String> = items().map(|(group, _)| format!("{group:02}")).collect();
            let right: Vec<f64> = items().map(|(group, item)| ((group + item) % 2) as f64).collect();
            for resamples in [500, 1_000, 2_000, 10_000] {
                let options = Bootstrap { resamples, seed: 0 };
                let found = cluster_proportion(&right, &names, &options).unwrap();
                let said = found.method.starts_with("Student's t");
                assert_eq!(said, is_students, "{groups} groups, {resamples} resamples: {found:?}");
            }
        }
    }

    #[test]
    fn percentiles_or_students_is_a_matter_of_seeds_where_only_these_vary() {
        let names: Vec<String> = (0..200).map(|item| (item / 2).to_string()).collect();
        for (seeds, is_students) in [(2, true), (3, true), (4, true), (5, false)] {
            // All groups are alike, and each seed is a little better than the one before.
            let seed = |seed: usize| {
                (0..200).map(|item| (f64::from(item % 2) + seed as f64 / 64.0) / 2.0).collect::<Vec<f64>>()
            };
            let per_seed: Vec<Vec<f64>> = (0..seeds).map(seed).collect();
            for resamples in [500, 2_000, 10_000] {
                let options = Bootstrap { resamples, seed: 0 };
                let found = seeds_and_clusters(&per_seed, &names, &options).unwrap();
                let said = found.method.starts_with("Student's t");
                assert_eq!(said, is_students, "{seeds} seeds, {resamples} resamples: {found:?}");
            }
        }
    }
}
