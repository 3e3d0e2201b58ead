//! The time of the machine, as far as records can hold it.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Returns the current time. A clock that shows a year that no record can hold counts as standing at the first or the last
/// moment that one can.
pub(crate) fn now() -> Timestamp {
    held(SystemTime::now())
}

/// Returns the current time as records store it: RFC 3339 in UTC, to the millisecond.
pub fn utc_now() -> String {
    format!("{:.3}", now())
}

/// Returns the time that has passed since one that a record holds, or `None` where there is no telling: the text is no
/// time, or lies in the future because a clock was set back.
pub fn age_since(time: &str) -> Option<Duration> {
    let time: Timestamp = time.parse().ok()?;
    Duration::try_from(now().duration_since(time)).ok()
}

fn held(time: SystemTime) -> Timestamp {
    let nearest = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(time).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    #[test]
    fn every_clock_shows_a_time_that_a_record_can_hold() {
        let epoch = SystemTime::UNIX_EPOCH;
        let clocks = [epoch + 50 * YEAR, epoch, epoch - YEAR, epoch + 9_000 * YEAR, epoch - 90_000 * YEAR];
        let shown = clocks.map(|clock| format!("{:.3}", held(clock)));
        let expected = [
            "2019-12-20T00:00:00.000Z",
            "1970-01-01T00:00:00.000Z",
            "1969-01-01T00:00:00.000Z",
            "9999-12-30T22:00:00.999Z",
            "-009999-01-02T01:59:59.000Z",
        ];
        assert_eq!(shown, expected);
        assert!(shown.iter().all(|time| time.parse::<Timestamp>().is_ok()));
    }
}
