//! How often something is measured, and how often a line is written.

use std::time::Duration;

/// The time between two looks at the machine, however long a run takes.
pub const LOOK: Duration = Duration::from_secs(2);

/// The number of lines in the time that a run has taken so far, at which the periods grow longer.
const LINES: f64 = 200.0;
/// The longest period in seconds.
const LONGEST: f64 = 60.0;

/// Returns whether a period of this length is to end, after so many seconds of a run.
///
/// Periods are as long as a look at first, and a minute from the fourth hour on. What happens inside a period is in its means,
/// sums and extremes, so that a long one loses detail and nothing else.
pub fn is_due(over: f64, seconds: f64) -> bool {
    // A look that comes a little early must not double the period.
    over >= (seconds / LINES).clamp(LOOK.as_secs_f64(), LONGEST) - LOOK.as_secs_f64() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of lines of a run.
    fn lines(seconds: u64) -> usize {
        let (mut at, mut begun, mut lines) = (0.0, 0.0, 0);
        while at < seconds as f64 {
            at += LOOK.as_secs_f64();
            if is_due(at - begun, at) {
                (begun, lines) = (at, lines + 1);
            }
        }
        lines
    }

    #[test]
    fn a_short_run_has_a_line_for_each_look_and_a_long_one_has_one_a_minute() {
        assert_eq!(lines(60), 30);
        assert!((500..800).contains(&lines(3_600)), "{}", lines(3_600));
        let (day, week) = (lines(86_400), lines(7 * 86_400));
        assert!(day < 2_400, "{day}");
        assert!((week - day).abs_diff(6 * 24 * 60) < 200, "{week}");
    }
}
