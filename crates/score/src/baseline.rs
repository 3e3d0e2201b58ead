//! What always giving the same answer reaches.

use std::collections::HashMap;
use std::hash::Hash;

/// Returns how often the most frequent key occurs.
pub(crate) fn most_frequent<K: Eq + Hash>(keys: impl IntoIterator<Item = K>) -> usize {
    let mut counts = HashMap::<K, usize>::new();
    keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    counts.into_values().max().unwrap_or_default()
}
