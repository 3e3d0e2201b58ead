//! A number with an interval.

/// An estimate with its 95 % interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The point estimate, which is always taken from the items as they are and never from resamples.
    pub value: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end of the 95 % interval.
    pub high: f64,
    /// The method by which the interval was made, such as `cluster bootstrap over 210 groups, 10000 resamples, seed 0`.
    pub method: String,
}

impl Interval {
    /// Returns the interval between two quantiles of bootstrap replicates.
    pub(crate) fn between(tails: (f64, f64), value: f64, mut replicates: Vec<f64>, method: String) -> Self {
        replicates.sort_unstable_by(f64::total_cmp);
        Self { value, low: quantile(&replicates, tails.0), high: quantile(&replicates, tails.1), method }
    }
}

/// Returns the quantile of sorted values, interpolated linearly between neighbours (numpy's default, type 7 of Hyndman
/// & Fan 1996).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = share * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let weight = position - position.floor();
    sorted[below] * (1.0 - weight) + sorted[above] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8, 16], [0, .025, .5, .975, 1]) -> 1, 1.1, 4, 15.2, 16
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [(0.0, 1.0), (0.025, 1.1), (0.5, 4.0), (0.975, 15.2), (1.0, 16.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12, "{share}");
        }
    }

    #[test]
    fn a_single_value_is_every_quantile() {
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
    }
}
