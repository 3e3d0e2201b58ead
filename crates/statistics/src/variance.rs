//! The parts that the variance of a score, or of a difference, consists of.

use crate::bootstrap::mean;
use crate::clusters::Clusters;
use crate::distributions::{bisect, t_beyond, t_quantile};

/// The share of cases in which a 95 % interval does not hold the truth.
pub(crate) const LEVEL: f64 = 0.05;

/// A part of a variance, with its degrees of freedom.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) variance: f64,
    pub(crate) freedom: f64,
}

impl Part {
    /// Returns the sum of independent parts. Its degrees of freedom are chosen by the width of the 95 % interval: that of
    /// Satterthwaite (1946) is too narrow where a part with few of them is small by chance, and that of Banerjee (1960, Sankhyā
    /// 22:359), which adds up the parts of the interval itself, is too wide. The mean of both holds its level.
    pub(crate) fn together(parts: &[Self]) -> Self {
        let parts: Vec<Self> = parts.iter().copied().filter(|part| part.variance > 0.0).collect();
        let variance: f64 = parts.iter().map(|part| part.variance).sum();
        let shares = parts.iter().map(|part| part.variance.powi(2) / part.freedom);
        let most = variance * variance / shares.sum::<f64>();
        let [_, _, ..] = parts.as_slice() else { return Self { variance, freedom: most } };
        let square = |part: &Self| t_quantile(LEVEL, part.freedom).powi(2) * part.variance;
        let widest = parts.iter().map(square).sum::<f64>().sqrt();
        let half = (t_quantile(LEVEL, most) * variance.sqrt() + widest) / 2.0;
        let least = parts.iter().map(|part| part.freedom).fold(f64::INFINITY, f64::min);
        // That the quantile of these degrees of freedom is larger is asked without looking for it.
        let is_wider = |freedom: f64| t_beyond(half / variance.sqrt(), freedom) > LEVEL;
        Self { variance, freedom: bisect(least.min(most), most, is_wider) }
    }
}

/// Returns the root of the mean square from the mean.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    (values.iter().map(|one| (one - centre).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Returns the variance of a mean over groups that differ in size or weight, which is a ratio of two sums (Cochran 1977, "Sampling
/// Techniques", section 6.4).
pub(crate) fn between(sums: &[f64], value: f64, clusters: &Clusters) -> Part {
    let (groups, total) = (clusters.count() as f64, clusters.total());
    let residual = |(sum, size): (&f64, &f64)| sum - value * size;
    let squares: f64 =
        sums.iter().zip(clusters.sizes()).map(residual).map(|residual| residual * residual).sum();
    Part { variance: groups / (groups - 1.0) * squares / (total * total), freedom: groups - 1.0 }
}

/// Returns the variance that the seeds add to the mean over them: that of their means, less what each doing better with some
/// groups than with others makes of it.
pub(crate) fn of_seeds(per_seed: &[Vec<f64>], means: &[f64], sums: &[f64], clusters: &Clusters) -> Part {
    let (seeds, groups, total) = (means.len() as f64, clusters.count() as f64, clusters.total());
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
    let with_groups = groups / (groups - 1.0) * squares / (freedom * total * total);
    // The comparison with zero also takes what is not a number, which a single group gives.
    let variance = f64::max(of_means - with_groups, 0.0) / seeds;
    Part { variance, freedom }
}

/// Returns the variance over groups of a number that is no mean, from its resamples. A resample of few groups varies less than
/// another set of groups would.
pub(crate) fn between_resamples(resamples: &[f64], groups: usize) -> Part {
    let (groups, spread) = (groups as f64, deviation(resamples));
    Part { variance: groups / (groups - 1.0) * spread * spread, freedom: groups - 1.0 }
}

/// Returns the variance that the seeds add to the mean over their numbers, which are no means: that of their values, less what
/// each doing better with some groups than with others makes of it. A resample has the number of each seed.
pub(crate) fn of_resampled_seeds(values: &[f64], resamples: &[&[f64]], groups: usize) -> Part {
    let (seeds, groups) = (values.len() as f64, groups as f64);
    let freedom = seeds - 1.0;
    if values.len() < 2 {
        return Part { variance: 0.0, freedom };
    }
    let centre = mean(values);
    let of_values = values.iter().map(|one| (one - centre).powi(2)).sum::<f64>() / freedom;
    let apart = |seed: usize| {
        let from_mean: Vec<f64> = resamples.iter().map(|one| one[seed] - mean(one)).collect();
        deviation(&from_mean).powi(2)
    };
    let with_groups = groups / (groups - 1.0) * (0..values.len()).map(apart).sum::<f64>() / freedom;
    // The comparison with zero also takes what is not a number, which a single group gives.
    Part { variance: f64::max(of_values - with_groups, 0.0) / seeds, freedom }
}
