//! What a difference comes to: its interval and its p-value.

use super::Paired;
use crate::bootstrap::{Bootstrap, range_of_one_group};
use crate::clusters::Clusters;
use crate::distributions::{normal_quantile, t_beyond};
use crate::expanded::{Shift, Spread, Told, few};
use crate::interval::Interval;
use crate::seeds::counted;
use crate::unusable::Unusable;
use crate::wilson::wilson;

/// The difference between two sides in one metric, with what is known of its variance.
pub(super) struct Gap {
    /// The metric of each side, over its seeds.
    pub(super) sides: [f64; 2],
    /// In what way the sides are the same, if they are.
    pub(super) same: Option<&'static str>,
    /// How far the difference might be from the truth.
    pub(super) spread: Spread,
    /// What was done about the bias of the resamples.
    pub(super) shift: Shift,
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
        clusters.count() > 1 && self.same.is_none() && self.spread.varies()
    }

    /// Returns the interval and the p-value, both from the same resamples, so that they cannot contradict each other.
    pub(super) fn compared(&self, replicates: Vec<f64>, clusters: &Clusters, options: &Bootstrap) -> Paired {
        let (error, freedom) = (self.spread.error(), self.spread.freedom());
        let reach = self.spread.reach(&replicates);
        let p_value = match reach.tail {
            Some(_) => t_beyond(normal_quantile(beyond(&replicates)).min(0.0) / reach.wider, freedom),
            None => t_beyond(self.value() / error, freedom),
        };
        let told = Told { clusters, options, is_paired: true, shift: self.shift, crossed: self.crossed() };
        let difference = self.spread.reaching(&reach, self.value(), replicates, &told);
        let [of, against] = self.sides;
        Paired { of, against, difference, standard_error: Some(error), freedom, p_value }
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
            1 => range_of_one_group(self.value(), &[self.spread.observed.0, self.spread.observed.1]),
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

/// Returns the share of resamples in which the difference is gone or has the other sign. The observed value counts as one,
/// because no number of resamples shows that chance is impossible.
fn beyond(replicates: &[f64]) -> f64 {
    let count = |gone: fn(&f64) -> bool| replicates.iter().filter(|replicate| gone(replicate)).count();
    let fewer = count(|replicate| *replicate <= 0.0).min(count(|replicate| *replicate >= 0.0));
    (fewer + 1) as f64 / (replicates.len() + 1) as f64
}
