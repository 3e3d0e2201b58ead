//! Scores that are reached without looking at the images.

use std::collections::HashMap;
use std::hash::Hash;

/// Scores of answers that do not look at the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Baselines {
    /// The score that guessing reaches.
    pub(crate) chance: f64,
    /// The score of always giving the same answer, namely the most frequent one.
    pub(crate) majority: f64,
}

/// Returns how often the most frequent key occurs.
pub(crate) fn most_frequent<K: Eq + Hash>(keys: impl IntoIterator<Item = K>) -> usize {
    let mut counts = HashMap::<K, usize>::new();
    keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    counts.into_values().max().unwrap_or_default()
}
