//! Texts in one piece of memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A list of texts that lie one after another in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a text, or an empty one where there is none.
    pub(crate) fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).and_then(|&end| self.text.get(start..end)).unwrap_or_default()
    }
}

/// Distinct texts, numbered in the order in which they first came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    strings: Strings,
    /// The number of each text by its hash. A text whose hash is taken by another one is found under the next.
    numbers: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Interner {
    /// Returns the number of a text, which is a new one if the text is new.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        let mut hash = self.hasher.hash_one(text);
        loop {
            match self.numbers.get(&hash) {
                None => break,
                Some(&number) if self.strings.get(number as usize) == text => return number,
                Some(_) => hash = hash.wrapping_add(1),
            }
        }
        let number = self.strings.len() as u32;
        self.strings.push(text);
        self.numbers.insert(hash, number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        self.strings.get(number as usize)
    }
}

/// Lists that lie one after another in memory.
#[derive(Clone, Debug)]
pub(crate) struct Lists<T> {
    values: Vec<T>,
    ends: Vec<usize>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { values: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    pub(crate) fn push(&mut self, values: impl IntoIterator<Item = T>) {
        self.values.extend(values);
        self.ends.push(self.values.len());
    }

    /// Returns a list, or an empty one where there is none.
    pub(crate) fn get(&self, at: usize) -> &[T] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).and_then(|&end| self.values.get(start..end)).unwrap_or_default()
    }
}

/// Lists of texts that lie one after another in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct StringLists {
    strings: Strings,
    ends: Vec<usize>,
}

impl StringLists {
    pub(crate) fn push<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        texts.for_each(|text| self.strings.push(text));
        self.ends.push(self.strings.len());
    }

    /// Returns a list, or an empty one where there is none.
    pub(crate) fn get(&self, at: usize) -> impl ExactSizeIterator<Item = &str> {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(at).copied().unwrap_or(start);
        (start..end).map(|at| self.strings.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_and_numbers_follow_the_first_of_each() {
        let mut texts = Interner::default();
        let numbers: Vec<u32> =
            ["b", "", "b", "漫画", "a", ""].iter().map(|text| texts.number(text)).collect();
        assert_eq!(numbers, [0, 1, 0, 2, 3, 1]);
        assert_eq!((0..4).map(|number| texts.get(number)).collect::<Vec<_>>(), ["b", "", "漫画", "a"]);
        assert_eq!((texts.strings.len(), texts.get(4)), (4, ""));
    }

    #[test]
    fn two_texts_with_one_hash_are_two() {
        let mut texts = Interner::default();
        texts.number("a");
        let taken = texts.hasher.hash_one("b");
        texts.numbers.insert(taken, 0);
        assert_eq!((texts.number("b"), texts.number("b"), texts.number("a")), (1, 1, 0));
    }

    #[test]
    fn lists_of_texts_come_back() {
        let mut lists = StringLists::default();
        for list in [&["a", ""][..], &[], &["b"]] {
            lists.push(list.iter().copied());
        }
        let all: Vec<Vec<&str>> = (0..4).map(|at| lists.get(at).collect()).collect();
        assert_eq!(all, [vec!["a", ""], vec![], vec!["b"], vec![]]);
    }

    #[test]
    fn lists_come_back_and_there_is_none_beyond_the_last() {
        let mut lists = Lists::default();
        lists.push([1, 2]);
        lists.push([]);
        lists.push([3]);
        assert_eq!(
            (0..4).map(|at| lists.get(at).to_vec()).collect::<Vec<_>>(),
            [vec![1, 2], vec![], vec![3], vec![]]
        );
    }
}
