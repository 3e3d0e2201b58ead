//! Numbers as records hold them.

use cliptune_statistics::Interval;
use cliptune_store::Estimate;

/// A metric's name and estimate.
pub(crate) fn named(name: impl Into<String>, interval: Interval) -> (String, Estimate) {
    let Interval { value, low, high, method } = interval;
    (name.into(), Estimate { value, low, high, method })
}
