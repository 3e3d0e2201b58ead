//! The values of a column.

use std::ops::Range;

use super::footer::{Stored, StoredColumn};
use super::levels::{number, take};
use crate::table_file::Row;

/// The level of a value that is there, without and within a list.
const THERE: u32 = 1;
const THERE_IN_LIST: u32 = 3;

/// Values one after the other, none of which is missing.
pub(super) enum Flat {
    /// Texts, and the number of their bytes.
    Texts(Vec<String>, usize),
    Wholes(Vec<i64>),
    Numbers(Vec<f64>),
    Truths(Vec<bool>),
}

/// The values of a column, row by row.
pub(crate) struct Values {
    pub(super) flat: Flat,
    /// For each place of a row or of a list, the place of its value among all that are there.
    places: Vec<Option<usize>>,
    present: usize,
    /// Where each row has a list, its places.
    lists: Option<Vec<Option<Range<usize>>>>,
}

impl Flat {
    pub(super) fn new(stored: Stored) -> Self {
        match stored {
            Stored::Texts => Self::Texts(Vec::new(), 0),
            Stored::Halves | Stored::Wholes => Self::Wholes(Vec::new()),
            Stored::Numbers => Self::Numbers(Vec::new()),
            Stored::Truths => Self::Truths(Vec::new()),
        }
    }

    /// Reads so many values.
    pub(super) fn read(&mut self, mut bytes: &[u8], count: usize, stored: Stored) -> Option<()> {
        match (self, stored) {
            (Self::Texts(texts, size), _) => (0..count).try_for_each(|_| {
                let length = number(take(&mut bytes, 4)?);
                let text = take(&mut bytes, usize::try_from(length).ok()?)?;
                push(texts, size, std::str::from_utf8(text).ok()?)
            }),
            (Self::Wholes(numbers), Stored::Halves) => {
                let all = fixed::<4>(bytes, count)?;
                numbers.extend(all.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes))));
                Some(())
            }
            (Self::Wholes(numbers), _) => {
                numbers.extend(fixed::<8>(bytes, count)?.iter().map(|bytes| i64::from_le_bytes(*bytes)));
                Some(())
            }
            (Self::Numbers(numbers), _) => {
                numbers.extend(fixed::<8>(bytes, count)?.iter().map(|bytes| f64::from_le_bytes(*bytes)));
                Some(())
            }
            (Self::Truths(truths), _) => {
                let bits = take(&mut bytes, count.div_ceil(8))?;
                truths.extend((0..count).map(|at| bits[at / 8] >> (at % 8) & 1 == 1));
                Some(())
            }
        }
    }

    /// Appends values of a dictionary.
    pub(super) fn look_up(&mut self, dictionary: &Self, numbers: &[u32]) -> Option<()> {
        match (self, dictionary) {
            (Self::Texts(all, size), Self::Texts(words, _)) => {
                numbers.iter().try_for_each(|number| push(all, size, words.get(*number as usize)?))
            }
            (Self::Wholes(all), Self::Wholes(words)) => look_up(all, words, numbers),
            (Self::Numbers(all), Self::Numbers(words)) => look_up(all, words, numbers),
            (Self::Truths(all), Self::Truths(words)) => look_up(all, words, numbers),
            _ => None,
        }
    }
}

/// Adds a text, unless all of them would take more memory than a small file may.
fn push(texts: &mut Vec<String>, size: &mut usize, text: &str) -> Option<()> {
    /// The most bytes of all texts of a column. A dictionary may hold one of millions of bytes, and name it a million times.
    const MOST: usize = 64 << 20;
    *size = size.saturating_add(text.len());
    if *size > MOST {
        return None;
    }
    texts.push(text.to_owned());
    Some(())
}

fn fixed<const N: usize>(mut bytes: &[u8], count: usize) -> Option<&[[u8; N]]> {
    Some(take(&mut bytes, count.checked_mul(N)?)?.as_chunks().0)
}

fn look_up<T: Clone>(all: &mut Vec<T>, words: &[T], numbers: &[u32]) -> Option<()> {
    numbers.iter().try_for_each(|number| {
        all.push(words.get(*number as usize)?.clone());
        Some(())
    })
}

impl Values {
    pub(super) fn new(stored: &StoredColumn) -> Self {
        Self {
            flat: Flat::new(stored.values),
            places: Vec::new(),
            present: 0,
            lists: stored.is_list.then(Vec::new),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.lists.as_ref().map_or(self.places.len(), Vec::len)
    }

    /// Notes what there is in each place, and returns the number of values that are there.
    pub(super) fn places(&mut self, continued: &[u32], found: &[u32]) -> Option<usize> {
        let before = self.present;
        match self.lists.take() {
            None => found.iter().for_each(|found| self.place(*found == THERE)),
            Some(mut lists) => {
                continued.iter().zip(found).try_for_each(|(continued, found)| {
                    self.place_in_list(&mut lists, *continued == 1, *found)
                })?;
                self.lists = Some(lists);
            }
        }
        Some(self.present - before)
    }

    fn place(&mut self, is_there: bool) {
        self.places.push(is_there.then_some(self.present));
        self.present += usize::from(is_there);
    }

    /// Notes what there is in a place of a list: no list, an empty one, nothing in one, or a value.
    fn place_in_list(
        &mut self,
        lists: &mut Vec<Option<Range<usize>>>,
        is_continued: bool,
        found: u32,
    ) -> Option<()> {
        let at = self.places.len();
        match (is_continued, found) {
            (false, 0) => lists.push(None),
            (false, 1) => lists.push(Some(at..at)),
            (false, _) => lists.push(Some(at..at + 1)),
            (true, 0 | 1) => return None,
            (true, _) => lists.last_mut()?.as_mut()?.end = at + 1,
        }
        if found > 1 {
            self.place(found == THERE_IN_LIST);
        }
        Some(())
    }

    /// Returns the place of the value of a row that has no list.
    fn at(&self, row: usize) -> Option<usize> {
        self.places.get(row).copied().flatten().filter(|_| self.lists.is_none())
    }

    /// Returns the text of a row, if it has one.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        let Flat::Texts(texts, _) = &self.flat else { return None };
        texts.get(self.at(row)?).map(String::as_str)
    }

    /// Returns the whole number of a row, if it has one.
    pub(crate) fn whole(&self, row: usize) -> Option<i64> {
        let Flat::Wholes(numbers) = &self.flat else { return None };
        numbers.get(self.at(row)?).copied()
    }

    /// Returns the number of a row, if it has one.
    pub(crate) fn number(&self, row: usize) -> Option<f64> {
        let Flat::Numbers(numbers) = &self.flat else { return None };
        numbers.get(self.at(row)?).copied()
    }

    /// Returns whether a row is true, if it says so or the opposite.
    pub(crate) fn truth(&self, row: usize) -> Option<bool> {
        let Flat::Truths(truths) = &self.flat else { return None };
        truths.get(self.at(row)?).copied()
    }

    /// Returns the list of whole numbers of a row, if it has one in which none is missing.
    pub(crate) fn wholes(&self, row: usize) -> Option<Vec<i64>> {
        let Flat::Wholes(numbers) = &self.flat else { return None };
        self.list(row)?
            .map(|place| numbers.get(self.places.get(place).copied().flatten()?).copied())
            .collect()
    }

    /// Returns the list of numbers of a row, if it has one in which none is missing.
    pub(crate) fn numbers(&self, row: usize) -> Option<Vec<f64>> {
        let Flat::Numbers(numbers) = &self.flat else { return None };
        self.list(row)?
            .map(|place| numbers.get(self.places.get(place).copied().flatten()?).copied())
            .collect()
    }

    fn list(&self, row: usize) -> Option<Range<usize>> {
        self.lists.as_ref()?.get(row).cloned().flatten()
    }

    /// Adds the value of a row, or its list.
    pub(super) fn add_to(&self, row: &mut Row<'_>, at: usize) {
        let place = |at: usize| self.places.get(at).copied().flatten();
        match (&self.flat, &self.lists) {
            (Flat::Texts(texts, _), _) => row.text(place(at).map(|at| texts[at].as_str())),
            (Flat::Truths(truths), _) => row.truth(place(at).map(|at| truths[at])),
            (Flat::Wholes(numbers), None) => row.whole(place(at).map(|at| numbers[at])),
            (Flat::Numbers(numbers), None) => row.number(place(at).map(|at| numbers[at])),
            (Flat::Wholes(numbers), Some(lists)) => {
                let list = lists.get(at).cloned().flatten();
                row.wholes(list.map(|list| list.map(|at| place(at).map(|at| numbers[at]))));
            }
            (Flat::Numbers(numbers), Some(lists)) => {
                let list = lists.get(at).cloned().flatten();
                row.numbers(list.map(|list| list.map(|at| place(at).map(|at| numbers[at]))));
            }
        }
    }
}
