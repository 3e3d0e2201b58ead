//! How sure a model is of its answers, how right it is then, and whether it prefers a place among the choices.

use cliptune_statistics::{Reliability, Risk};

/// The number of columns of a histogram of confidences.
pub const COLUMNS: usize = 20;

/// The confidences of an entry on a board's test split, over all its seeds and folds. Each fold counts alike, as it does in the
/// metrics, whatever its number of items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confidence {
    /// How often answers of some confidence are right, in bins of equal mass from the lowest confidence.
    pub reliability: Vec<Reliability>,
    /// The share of the answers in each twentieth of the confidences from 0 to 1.
    pub histogram: Vec<f64>,
    /// The share of wrong answers among the most confident ones, from few of the items to all.
    pub risk: Vec<Risk>,
    /// The places among the choices; empty where items have no choices.
    pub places: Vec<Place>,
}

/// A place among the choices of items.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// The share of the items whose right text stands there.
    pub labels: f64,
    /// The share of the items that are answered with the text there.
    pub answers: f64,
    /// The share of right answers to the items whose right text stands there, or `None` if there are none.
    pub accuracy: Option<f64>,
}
