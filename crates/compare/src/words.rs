//! Differences in words, so that a terminal and a report say the same.

use cliptune_store::Estimate;
use cliptune_terminal::format;

use crate::difference::{Difference, Test};
use crate::verdict::Verdict;

/// Returns whether a metric is a share, which people read in points.
fn is_share(metric: &str) -> bool {
    !matches!(metric, "nll" | "brier") && !metric.ends_with("_rank")
}

/// Formats a value of a metric.
pub fn shown(value: f64) -> String {
    format::number(value)
}

/// Formats a difference in a metric without its sign: `3.1 pt`, or `0.031` where it is no share.
pub fn amount(metric: &str, value: f64) -> String {
    if is_share(metric) { format!("{:.1} pt", value * 100.0) } else { format::number(value) }
}

/// Formats a difference in a metric with its interval: `+2.8 pt [+0.4, +5.3]`.
pub fn interval(metric: &str, delta: &Estimate) -> String {
    if !is_share(metric) {
        return format::difference(delta.value, delta.low, delta.high);
    }
    let points = |value: f64| match value * 100.0 {
        // A difference that rounds to zero has no direction.
        points if points.abs() < 0.05 => "0.0".to_owned(),
        points => format!("{points:+.1}"),
    };
    format!("{} pt [{}, {}]", points(delta.value), points(delta.low), points(delta.high))
}

/// Returns the verdict on a difference in a sentence: `+2.8 pt [+0.4, +5.3] improved (mid-p 0.034)`.
pub fn judged(metric: &str, difference: &Difference) -> String {
    let verdict = difference.verdict.as_str();
    let could = match (difference.verdict, difference.detectable) {
        (Verdict::NoChange, Some(smallest)) => {
            format!("; this test set could show {}", amount(metric, smallest))
        }
        _ => String::new(),
    };
    format!("{} {verdict}{could} ({})", interval(metric, &difference.delta), p_value(difference))
}

/// Returns the p-value of a difference with its name.
pub fn p_value(difference: &Difference) -> String {
    let [alone, holm] = [difference.p_value, difference.holm_p].map(shown_p);
    let name = if difference.test == Test::McNemar { "mid-p" } else { "p" };
    if alone == holm { format!("{name} {alone}") } else { format!("{name} {alone} (Holm {holm})") }
}

/// Returns a p-value in words that do not pretend it is zero.
fn shown_p(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(value: f64, low: f64, high: f64, p_value: f64, test: Test) -> Difference {
        let delta = Estimate { value, low, high, method: String::new() };
        Difference {
            verdict: Verdict::of(&delta, p_value, false),
            delta,
            detectable: Some(0.0312),
            test,
            p_value,
            holm_p: p_value,
            is_lower_better: false,
        }
    }

    #[test]
    fn a_verdict_is_a_sentence() {
        let improved = difference(0.0281, 0.0042, 0.0526, 0.034, Test::McNemar);
        assert_eq!(judged("accuracy", &improved), "+2.8 pt [+0.4, +5.3] improved (mid-p 0.034)");
        let none = difference(0.0002, -0.0293, 0.03, 0.96, Test::Permutation(None));
        let said = "0.0 pt [-2.9, +3.0] no change detected; this test set could show 3.1 pt (p 0.960)";
        assert_eq!(judged("accuracy", &none), said);
        assert_eq!(interval("text_to_image_median_rank", &none.delta), "0.000 [-0.029, +0.030]");
        let corrected =
            Difference { holm_p: 0.0004, ..difference(-0.2, -0.3, -0.1, 0.0002, Test::Resamples) };
        assert_eq!(judged("nll", &corrected), "-0.200 [-0.300, -0.100] worse (p < 0.001)");
    }

    #[test]
    fn a_correction_is_named() {
        let corrected = Difference { holm_p: 0.068, ..difference(0.1, 0.05, 0.2, 0.034, Test::McNemar) };
        assert_eq!(p_value(&corrected), "mid-p 0.034 (Holm 0.068)");
    }
}
