//! What a difference comes to, in a word.

use serde::Serialize;

use cliptune_store::Estimate;

/// The verdict on a difference that its interval and its test give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The whole interval is on the better side of zero, and this is not explained by chance.
    #[serde(rename = "improved")]
    Improved,
    /// The interval contains zero, or a difference as large is to be expected by chance.
    #[serde(rename = "no change detected")]
    NoChange,
    /// The whole interval is on the worse side of zero, and this is not explained by chance.
    #[serde(rename = "worse")]
    Worse,
}

/// The largest p-value that counts as a finding.
const LEVEL: f64 = 0.05;

impl Verdict {
    /// Returns the verdict on a difference, for which both its interval and its p-value among all differences of a report or
    /// a call have to speak.
    pub fn of(delta: &Estimate, holm_p: f64, is_lower_better: bool) -> Self {
        let (above, below) = (delta.low > 0.0, delta.high < 0.0);
        let (better, worse) = if is_lower_better { (below, above) } else { (above, below) };
        match (better, worse) {
            _ if holm_p >= LEVEL => Self::NoChange,
            (true, _) => Self::Improved,
            (_, true) => Self::Worse,
            _ => Self::NoChange,
        }
    }

    /// Returns the wording for tables and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::NoChange => "no change detected",
            Self::Worse => "worse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_and_test_both_have_to_speak() {
        let verdict = |low: f64, high: f64, p: f64, is_lower_better: bool| {
            let delta = Estimate { value: (low + high) / 2.0, low, high, method: String::new() };
            Verdict::of(&delta, p, is_lower_better)
        };
        assert_eq!(verdict(0.01, 0.05, 0.01, false), Verdict::Improved);
        assert_eq!(verdict(0.01, 0.05, 0.01, true), Verdict::Worse);
        assert_eq!(verdict(-0.05, -0.01, 0.01, false), Verdict::Worse);
        assert_eq!(verdict(0.01, 0.05, 0.05, false), Verdict::NoChange);
        assert_eq!(verdict(-0.01, 0.05, 0.01, false), Verdict::NoChange);
    }
}
