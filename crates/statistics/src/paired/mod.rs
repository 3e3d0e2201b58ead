//! Compares two sides on the same items: two runs, or two sets of seeds.
//!
//! The groups are resampled, the same ones for both sides. Two or three seeds are too few to be resampled: their mean is
//! drawn from a normal distribution with the variance that they show, apart from what they show because each does better with
//! some groups than with others, which is variance of the groups. What resamples become is in `expanded.rs`, for scores too.

mod gap;
mod means;
mod statistics;
#[cfg(test)]
mod tests;

use crate::bootstrap::Bootstrap;
use crate::clusters::Clusters;
use crate::distributions::{normal_quantile, t_quantile};
use crate::grouping::Grouping;
use crate::interval::Interval;
use crate::range::{Range, SHARE};
use crate::unusable::Unusable;
use crate::variance::LEVEL;

use means::{Luck, MeanGap};
use rayon::prelude::*;

pub use statistics::paired_statistics;

/// The values of one metric on both sides: a list for each seed, with a value for each item. All lists are in the same
/// order of items.
#[derive(Clone, Debug)]
pub struct Sides<'a> {
    /// The side whose values count.
    pub of: Vec<&'a [f64]>,
    /// The side whose values are taken off.
    pub against: Vec<&'a [f64]>,
    /// What the value of an item can be.
    pub range: Range,
}

/// The difference between two sides in one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// The metric of the one side, over all its seeds.
    pub of: f64,
    /// The metric of the other side.
    pub against: f64,
    /// The metric of the one side minus that of the other.
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
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Vec<Paired>, Unusable> {
    let clusters = Clusters::new(groups)?;
    let gaps = metrics.iter().map(|sides| MeanGap::new(sides, &clusters)).collect::<Result<Vec<_>, _>>()?;
    means::compared(&gaps, &clusters, options, Luck::OfEach)
}

/// Returns the same for many sides in one metric, each as if it were compared alone: with the same numbers, in a fraction of the
/// time.
///
/// # Errors
/// Returns an error when the values of a side do not fit the groups.
pub fn paired_differences_of_many(
    sides: &[Sides<'_>],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Vec<Paired>, Unusable> {
    let clusters = Clusters::new(groups)?;
    let gaps = sides.par_iter().map(|sides| MeanGap::new(sides, &clusters));
    let gaps = gaps.collect::<Result<Vec<_>, _>>()?;
    means::compared(&gaps, &clusters, options, Luck::Common)
}

/// Returns the mean of `a` minus the mean of `b`, which say how right two runs are about each of the same items, from 0 to 1.
///
/// Pairing the items removes what is common to both runs (Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640).
pub fn paired_cluster_difference(
    a: &[f64],
    b: &[f64],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let sides = Sides { of: vec![a], against: vec![b], range: SHARE };
    let compared = paired_differences(&[sides], groups, options)?.into_iter().next();
    compared.map(|paired| paired.difference).ok_or(Unusable::Empty)
}
