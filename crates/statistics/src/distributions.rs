//! The normal distribution and Student's t.

use std::f64::consts::PI;

use cliptune_random::Random;

/// The number of halvings after which a bracket of quantiles is as narrow as numbers are.
const HALVINGS: usize = 60;

/// Draws a standard normal number (Box & Muller 1958).
pub(crate) fn normal(random: &mut Random) -> f64 {
    let (radius, angle) = (1.0 - random.unit(), random.unit());
    (-2.0 * radius.ln()).sqrt() * (2.0 * PI * angle).cos()
}

/// Returns the probability that a standard normal number is below `z`.
pub(crate) fn normal_below(z: f64) -> f64 {
    if z > 0.0 { 1.0 - normal_above(z) } else { normal_above(-z) }
}

/// Returns the probability that a standard normal number is above `x`, which is not negative: near the middle by the series
/// of the integral (Abramowitz & Stegun 26.2.11), further out by the continued fraction (26.2.14).
fn normal_above(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / (2.0 * PI).sqrt();
    if x > 3.0 {
        let fraction = (1..=200).rev().fold(x, |fraction, k| x + f64::from(k) / fraction);
        return density / fraction;
    }
    let (mut term, mut sum) = (x, 0.0);
    for k in 1..200 {
        sum += term;
        term *= x * x / f64::from(2 * k + 1);
    }
    0.5 - density * sum
}

/// Returns the number that a standard normal number is below with this probability.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    bisect(-40.0, 40.0, |z| normal_below(z) < probability)
}

/// Returns the probability that a number of Student's t distribution is further from zero than `t`, in either direction.
pub(crate) fn t_beyond(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// Returns the number that Student's t distribution exceeds in either direction with this probability.
pub(crate) fn t_quantile(beyond: f64, freedom: f64) -> f64 {
    bisect(0.0, 1e6, |t| t_beyond(t, freedom) > beyond)
}

/// Returns where a function that holds at first holds no longer.
pub(crate) fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// Returns the regularized incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22), on the side where
/// that converges.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    match x {
        x if x <= 0.0 => return 0.0,
        x if x >= 1.0 => return 1.0,
        x if x > (a + 1.0) / (a + b + 2.0) => return 1.0 - incomplete_beta(1.0 - x, b, a),
        _ => {}
    }
    let coefficient = |n: u32| {
        let m = f64::from(n / 2);
        let from = a + f64::from(n);
        match n % 2 {
            0 => m * (b - m) * x / ((from - 1.0) * from),
            _ => -(a + m) * (a + b + m) * x / ((from - 1.0) * from),
        }
    };
    let terms = 200 + 4 * a.max(b).sqrt() as u32;
    let fraction = (1..=terms).rev().fold(1.0, |fraction, n| 1.0 + coefficient(n) / fraction);
    let log_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    (a * x.ln() + b * (1.0 - x).ln() - log_beta).exp() / (a * fraction)
}

/// Returns the logarithm of the gamma function by Stirling's series (DLMF 5.11.1), which is exact to 1e-14 from 10 onwards.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let square = (x * x).recip();
    let rest = series.iter().rev().fold(0.0, |sum, coefficient| sum * square + coefficient) / x;
    (x - 0.5) * x.ln() - x + (2.0 * PI).ln() / 2.0 + rest - below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, expected {expected}");
    }

    #[test]
    fn the_normal_distribution_is_scipys() {
        // scipy.stats.norm.cdf(z), norm.ppf(p)
        for (z, below) in NORMAL {
            assert_close(normal_below(z), below);
            assert!((normal_quantile(below) - z).abs() < 1e-7, "{z}");
        }
        assert_eq!(normal_below(0.0), 0.5);
    }

    #[test]
    fn students_distribution_is_scipys() {
        // 2 * scipy.stats.t.sf(t, df)
        for (t, freedom, beyond) in STUDENT {
            assert_close(t_beyond(t, freedom), beyond);
            assert!((t_quantile(beyond, freedom) - t).abs() < 1e-7, "{t} {freedom}");
        }
        assert_eq!(t_beyond(0.0, 5.0), 1.0);
    }

    const NORMAL: [(f64, f64); 6] = [
        (-6.0, 9.865876450376946e-10),
        (-3.1, 0.0009676032132183563),
        (-1.96, 0.024997895148220435),
        (-0.5, 0.3085375387259869),
        (0.25, 0.5987063256829237),
        (1.5, 0.9331927987311419),
    ];

    const STUDENT: [(f64, f64, f64); 7] = [
        (12.7, 1.0, 0.050024327689344165),
        (2.5, 2.0, 0.12961172022151082),
        (0.3, 4.7, 0.7769884759339971),
        (2.262, 9.0, 0.05001284550245463),
        (1.98, 129.0, 0.04983191258568337),
        (3.3, 499.0, 0.0010359967290315684),
        (1.96, 99999.0, 0.049998563222030994),
    ];
}
