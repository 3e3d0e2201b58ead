//! Imported runs, which a report shows beside its entries and never among them.

use cliptune_compare::Difference;
use cliptune_store::Estimate;

use super::Measure;

/// An imported run beside the entries.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignEntry {
    /// The name that it was imported by, and what of: `rival (foreign: mlflow 3.4.0)`.
    pub name: String,
    /// Its name in the store.
    pub run: String,
    /// What its predictions of test items reach, where it has any.
    pub scored: Option<ForeignScore>,
    /// The metrics that the other tool told, each with its last value. They have no intervals.
    pub told: Vec<(String, f64)>,
}

/// What the predictions of an imported run reach on the items of a test split.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignScore {
    /// The board of the same items, as an index into [`ReportData::boards`](super::ReportData::boards), if there is one.
    pub board: Option<usize>,
    /// The accuracy.
    pub score: Estimate,
    /// The other metrics that the predictions tell.
    pub others: Vec<(String, Measure)>,
    /// The entry that it is compared with, as an index into [`ReportData::entries`](super::ReportData::entries): the baseline of the
    /// board, or the only entry on it.
    pub against: Option<usize>,
    /// The difference from that entry.
    pub difference: Option<Difference>,
}
