//! Medians of ranks.

use crate::statistic::Statistic;
use crate::unusable::Unusable;

/// Returns the median of at least one value, which is the middle one or the mean of the two in the middle.
pub fn median(values: &[f64]) -> Result<f64, Unusable> {
    if values.is_empty() {
        return Err(Unusable::Empty);
    }
    Ok(weighted_median(values, &ascending(values), &vec![1.0; values.len()]))
}

impl Statistic {
    /// Returns the median of one value per item.
    ///
    /// # Errors
    /// Returns an error when there is no value, or one is not finite.
    pub fn median(values: &[f64]) -> Result<Self, Unusable> {
        if values.is_empty() {
            return Err(Unusable::Empty);
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Unusable::NotFinite);
        }
        let (order, values) = (ascending(values), values.to_vec());
        let range = (values[order[0]], values[order[order.len() - 1]]);
        Ok(Self::new(values.len(), range, move |weights| weighted_median(&values, &order, weights)))
    }
}

/// Returns the indices of the items in ascending order of their values.
fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    order
}

/// Returns the median of values that each count as often as their weight says. Sums of weights that are no whole numbers are
/// rounded, and reach the half when they reach it apart from that.
fn weighted_median(values: &[f64], order: &[usize], weights: &[f64]) -> f64 {
    let half = weights.iter().sum::<f64>() / 2.0;
    let rounding = 1e-12 * half;
    let mut passed = 0.0;
    let mut lower = None;
    for &item in order.iter().filter(|&&item| weights[item] > 0.0) {
        if let Some(lower) = lower {
            return (lower + values[item]) / 2.0;
        }
        passed += weights[item];
        if passed > half + rounding {
            return values[item];
        }
        if passed >= half - rounding {
            lower = Some(values[item]);
        }
    }
    lower.unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bootstrap, cluster_statistic};
    use proptest::prelude::*;

    #[test]
    fn the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Ok(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Ok(2.5));
        assert_eq!(median(&[]), Err(Unusable::Empty));
    }

    #[test]
    fn the_interval_holds_the_median() {
        let values: Vec<f64> = (0..99).map(f64::from).collect();
        let groups: Vec<String> = (0..99).map(|i| i.to_string()).collect();
        let median = Statistic::median(&values).unwrap();
        let interval = cluster_statistic(&[median], &groups, &Bootstrap::default()).unwrap();
        assert_eq!(interval.value, 49.0);
        // By order statistics the ends are at the ranks 50 ± 1.96 √99 / 2, which are about 39 to 59 counted from 0.
        assert!((interval.low - 39.0).abs() <= 2.0 && (interval.high - 59.0).abs() <= 2.0, "{interval:?}");
    }

    #[test]
    fn half_of_weights_that_are_rounded_is_half() {
        // Each of two folds of five and of six items counts alike: the sums are 5.5 and, for half of both, 5.499999999999999.
        let values: Vec<f64> = (1..=11).map(f64::from).collect();
        let weights = [vec![1.1; 5], vec![11.0 / 12.0; 6]].concat();
        assert_eq!(weighted_median(&values, &ascending(&values), &weights), 5.5);
    }

    proptest! {
        #[test]
        fn a_weight_is_a_number_of_copies(items in proptest::collection::vec((0_u8..20, 0_u8..4), 1..30)) {
            prop_assume!(items.iter().any(|(_, weight)| *weight > 0));
            let values: Vec<f64> = items.iter().map(|(value, _)| f64::from(*value)).collect();
            let weights: Vec<f64> = items.iter().map(|(_, weight)| f64::from(*weight)).collect();
            let copies: Vec<f64> =
                items.iter().flat_map(|(value, weight)| vec![f64::from(*value); usize::from(*weight)]).collect();
            prop_assert_eq!(weighted_median(&values, &ascending(&values), &weights), median(&copies).unwrap());
        }
    }
}
