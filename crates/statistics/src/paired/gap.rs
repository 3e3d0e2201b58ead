//! What a difference comes to: its interval and its p-value.

use std::f64::consts::PI;

use cliptune_random::Random;

use super::Paired;
use super::variance::{LEVEL, Part};
use crate::bootstrap::{Bootstrap, mean, range_of_one_group};
use crate::clusters::Clusters;
use crate::distributions::{normal_below, normal_quantile, t_beyond, t_quantile};
use crate::interval::Interval;
use crate::seeds::counted;
use crate::unusable::Unusable;
use crate::wilson::wilson;

/// The number of groups below which the method says that there are few.
const FEW_GROUPS: usize = 10;

/// The number of resamples that a percentile needs beyond it. Where there are fewer, the interval is Student's.
const BEYOND: f64 = 10.0;

/// The share of the largest difference below which the root of a variance is a matter of rounding.
const ROUNDING: f64 = 1e-12;

/// The difference between two sides in one metric, with what is known of its variance.
pub(super) struct Gap {
    /// The metric of each side, over its seeds.
    pub(super) sides: [f64; 2],
    /// The smallest and the largest difference that is possible.
    pub(super) range: (f64, f64),
    /// In what way the sides are the same, if they are.
    pub(super) same: Option<&'static str>,
    /// The variance that comes from the seeds of each side.
    pub(super) of_seeds: [Part; 2],
    /// The variance of the difference over groups and seeds.
    pub(super) whole: Part,
    /// The number of seeds of each side.
    pub(super) seeds: [usize; 2],
}

impl Gap {
    /// Returns the metric of the one side minus that of the other.
    pub(super) fn value(&self) -> f64 {
        self.sides[0] - self.sides[1]
    }

    /// Returns whether the difference varies when groups are resampled and seeds are drawn.
    pub(super) fn varies(&self, clusters: &Clusters) -> bool {
        let rounding = ROUNDING * self.range.0.abs().max(self.range.1.abs());
        clusters.count() > 1 && self.same.is_none() && self.whole.variance > rounding * rounding
    }

    /// Returns whether the seeds add any variance.
    pub(super) fn has_seeds(&self) -> bool {
        self.of_seeds.iter().any(|part| part.variance > 0.0)
    }

    /// Returns the difference of a resample from its mean over the seeds and a standard normal number, which is the luck of the
    /// seeds.
    pub(super) fn replicate(&self, mean: f64, luck: f64) -> f64 {
        let of_seeds: f64 = self.of_seeds.iter().map(|part| part.variance).sum();
        (mean + of_seeds.sqrt() * luck).clamp(self.range.0, self.range.1)
    }

    /// Returns the interval and the p-value, both from the same resamples, so that they cannot contradict each other.
    pub(super) fn compared(&self, replicates: Vec<f64>, clusters: &Clusters, options: &Bootstrap) -> Paired {
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
                    Interval::between((tail, 1.0 - tail), self.value(), replicates, method),
                    t_beyond(beyond / wider, freedom),
                )
            }
            false => {
                (self.students(further * error, freedom, clusters), t_beyond(self.value() / error, freedom))
            }
        };
        let [of, against] = self.sides;
        Paired { of, against, difference, standard_error: Some(error), freedom, p_value }
    }

    fn method(&self, clusters: &Clusters, options: &Bootstrap) -> String {
        format!("paired {}{}{}", options.described(clusters), self.crossed(), few(clusters))
    }

    /// Returns the interval where groups or seeds are so few that the percentiles would lie beyond all resamples.
    fn students(&self, half: f64, freedom: f64, clusters: &Clusters) -> Interval {
        let from = format!("{}{}{}", clusters.described(), self.crossed(), few(clusters));
        Interval {
            value: self.value(),
            low: (self.value() - half).max(self.range.0),
            high: (self.value() + half).min(self.range.1),
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
    pub(super) fn degenerate(&self, clusters: &Clusters) -> Result<Paired, Unusable> {
        let difference = match clusters.count() {
            _ if let Some(same) = self.same => {
                Interval { value: 0.0, low: 0.0, high: 0.0, method: same.to_owned() }
            }
            1 => range_of_one_group(self.value(), &[self.range.0, self.range.1]),
            _ => self.all_alike(clusters)?,
        };
        let ([of, against], freedom) = (self.sides, clusters.count() as f64 - 1.0);
        Ok(Paired { of, against, difference, standard_error: None, freedom, p_value: 1.0 })
    }

    /// Returns the interval for groups that all differ alike. It is as wide as that of a share of all groups.
    fn all_alike(&self, clusters: &Clusters) -> Result<Interval, Unusable> {
        let groups = clusters.count();
        let share = wilson(groups as f64, groups as f64)?;
        let ends = [self.value() * share.low, self.value()];
        let method = format!(
            "{} as groups: every group differs alike, a bootstrap has nothing to vary{}",
            share.method,
            few(clusters)
        );
        Ok(Interval { value: self.value(), low: ends[0].min(ends[1]), high: ends[0].max(ends[1]), method })
    }
}

/// Returns the root of the mean square from the mean.
pub(super) fn deviation(values: &[f64]) -> f64 {
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
pub(super) fn normal(random: &mut Random) -> f64 {
    let (radius, angle) = (1.0 - random.unit(), random.unit());
    (-2.0 * radius.ln()).sqrt() * (2.0 * PI * angle).cos()
}

fn few(clusters: &Clusters) -> String {
    few_groups(clusters.count()).map(|said| format!("; {said}")).unwrap_or_default()
}

/// Returns what has to be said of an interval from so many groups, if they are few. One group has no interval at all.
pub fn few_groups(groups: usize) -> Option<&'static str> {
    (2..FEW_GROUPS).contains(&groups).then_some("from fewer than ten groups, so it is rough")
}
