//! Finds distinct images and texts, so that each is encoded once.

use std::collections::HashMap;
use std::hash::Hash;

/// The distinct keys of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distinct {
    /// The number of the key for each entry of the list; keys are numbered by first appearance.
    pub row_of: Vec<usize>,
    /// The first entry of the list that has the key, for each key.
    pub firsts: Vec<usize>,
}

impl Distinct {
    /// Returns the distinct keys of a list.
    pub fn new<K: Eq + Hash>(keys: impl IntoIterator<Item = K>) -> Self {
        let mut rows = HashMap::new();
        let mut distinct = Self::default();
        for (entry, key) in keys.into_iter().enumerate() {
            let row = *rows.entry(key).or_insert_with(|| {
                distinct.firsts.push(entry);
                distinct.firsts.len() - 1
            });
            distinct.row_of.push(row);
        }
        distinct
    }

    /// Returns the distinct keys of the original list when this list's keys are themselves the entries of `keys`.
    #[must_use]
    pub fn then(&self, keys: &Self) -> Self {
        Self {
            row_of: self.row_of.iter().map(|&row| keys.row_of[row]).collect(),
            firsts: keys.firsts.iter().map(|&first| self.firsts[first]).collect(),
        }
    }

    /// Returns how many distinct keys there are.
    pub fn count(&self) -> usize {
        self.firsts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_by_first_appearance() {
        let distinct = Distinct::new(["b", "a", "b", "c", "a"]);
        assert_eq!(distinct, Distinct { row_of: vec![0, 1, 0, 2, 1], firsts: vec![0, 1, 3] });
    }

    #[test]
    fn keys_can_have_keys() {
        let words = ["b", "a", "B", "c", "a"];
        let spellings = Distinct::new(words);
        let letters = Distinct::new(["b", "a", "b", "c"]);
        assert_eq!(spellings.then(&letters), Distinct { row_of: vec![0, 1, 0, 2, 1], firsts: vec![0, 1, 3] });
    }
}
