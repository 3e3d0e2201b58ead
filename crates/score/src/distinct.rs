//! Encoding each distinct image and text once.

use std::collections::HashMap;

/// The distinct keys of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distinct {
    /// For each entry of the list, the number of its key; keys are numbered by first appearance.
    pub row_of: Vec<usize>,
    /// For each key, the first entry of the list that has it.
    pub firsts: Vec<usize>,
}

impl Distinct {
    /// The distinct keys of a list.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
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

    /// How many distinct keys there are.
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
}
