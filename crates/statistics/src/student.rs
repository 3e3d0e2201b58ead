//! Quantiles of Student's t distribution.

use std::f64::consts::PI;

/// The t that a variable with `freedom` degrees of freedom stays within, either way, with 95 % probability.
///
/// `freedom` is an integer of at least 1, for which the distribution function is a finite sum (Abramowitz &
/// Stegun 26.7.3 and 26.7.4); the quantile is found by bisection.
pub(crate) fn two_sided_95(freedom: usize) -> f64 {
    // t(1) at 95 % is 12.7, the largest of all.
    let (mut low, mut high) = (0.0, 13.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match within(middle, freedom) < 0.95 {
            true => low = middle,
            false => high = middle,
        }
    }
    (low + high) / 2.0
}

/// P(|T| < t).
fn within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    // Odd: 2/π (θ + sin θ (cos θ + 2/3 cos³ θ + …)); even: sin θ (1 + 1/2 cos² θ + 3/8 cos⁴ θ + …).
    let odd = freedom % 2 == 1;
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = 0.0;
    let mut power = if odd { 1 } else { 0 };
    while power + 2 <= freedom {
        sum += term;
        term *= cosine * cosine * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if odd { 2.0 / PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_scipys() {
        // scipy.stats.t.ppf(0.975, freedom), to 1e-9
        for (freedom, expected) in REFERENCE {
            assert!((two_sided_95(freedom) - expected).abs() < 1e-9, "{freedom} {}", two_sided_95(freedom));
        }
    }

    const REFERENCE: [(usize, f64); 7] = [
        (1, 12.706_204_736_17),
        (2, 4.302_652_729_75),
        (3, 3.182_446_305_28),
        (4, 2.776_445_105_20),
        (9, 2.262_157_162_80),
        (30, 2.042_272_456_30),
        (120, 1.979_930_405_08),
    ];
}
