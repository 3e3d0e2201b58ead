//! Converts intervals into the form that records hold.

use cliptune_statistics::Interval;
use cliptune_store::Estimate;

/// Returns the estimate that a record holds for an interval.
pub(crate) fn estimate(interval: Interval) -> Estimate {
    let Interval { value, low, high, method } = interval;
    Estimate { value, low, high, method }
}

/// Returns a metric's name and estimate.
pub(crate) fn named(name: impl Into<String>, interval: Interval) -> (String, Estimate) {
    (name.into(), estimate(interval))
}
