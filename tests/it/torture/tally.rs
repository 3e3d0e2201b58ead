//! What was tried, and how often.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by kind.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    /// Counts one more of a kind.
    pub(super) fn count(&mut self, kind: &'static str) {
        self.add(kind, 1);
    }

    pub(super) fn add(&mut self, kind: &'static str, number: usize) {
        *self.0.entry(kind).or_default() += number;
    }
}

/// As in `12 kills, 3 full disks`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self.0.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        f.write_str(&counts.join(", "))
    }
}
