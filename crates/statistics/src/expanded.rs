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
use crate::variance::{LEVEL, Part, deviation};

/// The number of groups below which the method says that there are few.
const FEW_GROUPS: usize = 10;

/// The number of resamples that a percentile needs beyond it. Where there are fewer, the interval is Student's.
const BEYOND: f64 = 10.0;

/// The share of the largest number below which the root of a variance is a matter of rounding.
const ROUNDING: f64 = 1e-12;

/// What is known of how far a score, or a difference, might be from the truth.
pub(crate) struct Spread {
    /// The smallest and the largest number that is possible.
    pub(crate) range: (f64, f64),
    /// The variance over groups and seeds.
    whole: Part,
    /// The variance that the seeds add.
    of_seeds: f64,
}

/// How far out the ends of an interval are.
pub(crate) struct Reach {
    /// How many times the error is larger than the deviation of the resamples.
    pub(crate) wider: f64,
    /// The share of resamples beyond each end, or `None` where these would be too few.
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
    /// Whether resamples were shifted by their bias.
    pub(crate) is_shifted: bool,
    /// The seeds that the groups are crossed with, such as `, crossed with 3 seeds`, or nothing where there is one.
    pub(crate) crossed: String,
}

impl Spread {
    /// Returns the spread of a number within a range, from its variance over groups and what the seeds of each side add.
    pub(crate) fn new(range: (f64, f64), of_groups: Part, of_seeds: &[Part]) -> Self {
        let whole = Part::together(&[std::slice::from_ref(&of_groups), of_seeds].concat());
        Self { range, whole, of_seeds: of_seeds.iter().map(|part| part.variance).sum() }
    }

    /// Returns whether anything varies when groups are resampled and seeds are drawn.
    pub(crate) fn varies(&self) -> bool {
        let rounding = ROUNDING * self.range.0.abs().max(self.range.1.abs());
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
        let is_told = tail * replicates.len() as f64 >= BEYOND;
        Reach { wider, tail: is_told.then_some(tail), half: further * self.error() }
    }

    /// Returns the interval of a number from its resamples. One that does not vary has no width, and its method says why.
    pub(crate) fn interval(&self, value: f64, replicates: Vec<f64>, told: &Told<'_>) -> Interval {
        match self.varies() {
            true => self.reaching(&self.reach(&replicates), value, replicates, told),
            false => Interval { value, low: value, high: value, method: told.nothing() },
        }
    }

    /// Returns the interval whose ends are so far out: between percentiles of the resamples, or Student's where groups or seeds are
    /// so few that the percentiles would lie beyond all resamples.
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
        let (paired, shifted) = (
            if self.is_paired { "paired " } else { "" },
            if self.is_shifted { ", shifted by its bias" } else { "" },
        );
        let resampled = self.options.described(self.clusters);
        format!("{paired}{resampled}{}{shifted}{}", self.crossed, few(self.clusters))
    }

    fn nothing(&self) -> String {
        let over = self.clusters.described();
        format!("nothing varies between {over}{}{}", self.crossed, few(self.clusters))
    }

    fn students(&self, freedom: f64) -> String {
        let paired = if self.is_paired { ", paired," } else { "" };
        let from = format!("{}{}{}", self.clusters.described(), self.crossed, few(self.clusters));
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

    /// Returns the interval of a number that is never negative and has a standard error of one over 200 groups, from resamples that are
    /// normal about it.
    fn near_zero(value: f64, resamples: usize) -> Interval {
        let names: Vec<String> = (0..200).map(|group| group.to_string()).collect();
        let clusters = Clusters::new(&names).unwrap();
        let spread = Spread::new((0.0, 100.0), Part { variance: 1.0, freedom: 199.0 }, &[]);
        let of_resamples = (199.0_f64 / 200.0).sqrt();
        let drawn = |i: usize| normal_quantile((i as f64 + 0.5) / resamples as f64);
        let replicates =
            (0..resamples).map(|i| spread.replicate(value + of_resamples * drawn(i), 0.0)).collect();
        let options = Bootstrap { resamples, seed: 0 };
        let (clusters, options, crossed) = (&clusters, &options, String::new());
        let told = Told { clusters, options, is_paired: false, is_shifted: true, crossed };
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
}
