//! Wilson's interval for a share.

use crate::interval::Interval;
use crate::unusable::Unusable;

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Returns the score interval for independent trials (Wilson 1927, JASA 22:209–212), which is close to its level at any
/// size and never a point at 0 or 1.
///
/// Successes need not be whole numbers: a tie that a coin would decide is half a success. Nor need trials, which are fewer where
/// they do not count alike.
pub(crate) fn wilson(successes: f64, trials: f64) -> Result<Interval, Unusable> {
    let (k, n) = (successes, trials);
    if n == 0.0 {
        return Err(Unusable::Empty);
    }
    if !(0.0..=n).contains(&k) {
        return Err(Unusable::Successes { successes, trials });
    }
    let (low, high) = ends(k, n);
    let trials = match n.fract() {
        0.0 => format!("{n} trials"),
        _ => format!("{n:.1} effective trials"),
    };
    Ok(Interval { value: k / n, low, high, method: format!("Wilson interval, {trials}") })
}

/// Returns the ends of the interval of `k` successes in `n` trials, of which there are more than none.
pub(crate) fn ends(k: f64, n: f64) -> (f64, f64) {
    let centre = (k + Z * Z / 2.0) / (n + Z * Z);
    let half = Z / (n + Z * Z) * (k * (n - k) / n + Z * Z / 4.0).sqrt();
    // At the borders the formula is exact apart from rounding.
    let low = if k == 0.0 { 0.0 } else { centre - half };
    let high = if k == n { 1.0 } else { centre + half };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_statsmodels() {
        // statsmodels.stats.proportion.proportion_confint(k, n, alpha=0.05, method="wilson"), to 1e-9
        for (k, n, low, high) in REFERENCE {
            let interval = wilson(k, n).unwrap();
            assert!(
                (interval.low - low).abs() < 1e-9 && (interval.high - high).abs() < 1e-9,
                "{k}/{n} {interval:?}"
            );
        }
    }

    const REFERENCE: [(f64, f64, f64, f64); 5] = [
        (0.0, 10.0, 0.0, 0.277_532_799_86),
        (81.0, 263.0, 0.255_288_519_88, 0.366_209_576_98),
        (484.0, 780.0, 0.585_946_109_24, 0.653_898_310_68),
        (29.0, 30.0, 0.833_296_090_09, 0.994_091_409_62),
        (12.5, 30.0, WITH_A_TIE.0, WITH_A_TIE.1),
    ];

    const WITH_A_TIE: (f64, f64) = (0.259_754_417_71, 0.592_497_814_49);

    #[test]
    fn impossible_counts_are_errors() {
        assert_eq!(wilson(0.0, 0.0), Err(Unusable::Empty));
        assert_eq!(wilson(3.0, 2.0), Err(Unusable::Successes { successes: 3.0, trials: 2.0 }));
        assert!(wilson(f64::NAN, 2.0).is_err());
    }
}
