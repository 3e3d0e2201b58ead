//! The values of a column in some rows, and how they lie in a parquet file: one page, behind a dictionary where values repeat.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::io::{self, Write};

use super::lists::Lists;
use crate::columns::Kind;
use cliptune_store::parquet_format::encoding::{PLAIN, RLE_DICTIONARY};
use cliptune_store::parquet_runs::{Runs, bits, levels};
use cliptune_store::parquet_write::{Pages, Place};

/// A column of numbers has a dictionary when it has at most one change in so many values.
const REPEATED: usize = 16;
/// The farthest moments that are kept, in microseconds from 1970: about 285,000 years.
const FARTHEST: f64 = 9e18;

/// The values of a column.
pub(super) struct Chunk {
    /// 1 for each row that has a value, 0 for each that has none, as far as the last of those that have none.
    present: Runs,
    /// The first of the rows since then. All of them have values.
    from: usize,
    /// The row behind the last one that has a value.
    rows: usize,
    values: Values,
}

enum Values {
    Whole(Vec<[u8; 8]>),
    Number(Vec<[u8; 8]>),
    Time(Vec<[u8; 8]>),
    Truth(Vec<bool>),
    Text(Dictionary<String>),
    Lists(Lists),
}

impl Chunk {
    pub(super) fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Whole => Values::Whole(Vec::new()),
            Kind::Number => Values::Number(Vec::new()),
            Kind::Time => Values::Time(Vec::new()),
            Kind::Truth => Values::Truth(Vec::new()),
            Kind::Wholes | Kind::Numbers => Values::Lists(Lists::default()),
            _ => Values::Text(Dictionary::default()),
        };
        Self { present: Runs::default(), from: 0, rows: 0, values }
    }

    /// Adds the number of a row to numbers or moments, which are seconds.
    #[inline]
    pub(super) fn number(&mut self, row: usize, value: f64) {
        match &mut self.values {
            Values::Number(numbers) => numbers.push(value.to_le_bytes()),
            Values::Time(moments) => match moment(value) {
                Some(moment) => moments.push(moment.to_le_bytes()),
                None => return,
            },
            _ => return,
        }
        self.fill(row);
    }

    /// Adds the whole number of a row.
    #[inline]
    pub(super) fn whole(&mut self, row: usize, value: i64) {
        if let Values::Whole(numbers) = &mut self.values {
            numbers.push(value.to_le_bytes());
            self.fill(row);
        }
    }

    /// Adds the text of a row.
    pub(super) fn text(&mut self, row: usize, text: &str) {
        if let Values::Text(texts) = &mut self.values {
            texts.push(text);
            self.fill(row);
        }
    }

    pub(super) fn truth(&mut self, row: usize, value: bool) {
        if let Values::Truth(truths) = &mut self.values {
            truths.push(value);
            self.fill(row);
        }
    }

    /// Adds the list of a row, whose numbers are given as they are in memory.
    pub(super) fn list(&mut self, row: usize, list: impl Iterator<Item = Option<[u8; 8]>>) {
        if let Values::Lists(lists) = &mut self.values {
            lists.push(row, list);
        }
    }

    /// Notes that a row has a value, and that those before it without one have none.
    #[inline]
    fn fill(&mut self, row: usize) {
        if self.rows < row {
            self.pad(row);
        }
        self.rows = row + 1;
    }

    /// Notes that the rows before this one that have no value have none.
    fn pad(&mut self, row: usize) {
        self.present.push(1, self.rows - self.from);
        self.present.push(0, row - self.rows);
        (self.from, self.rows) = (row, row);
    }

    /// Appends the values of so many rows to a file, and forgets them.
    pub(super) fn write<W: Write>(&mut self, rows: usize, file: &mut Pages<W>) -> io::Result<Place> {
        self.pad(rows);
        (self.from, self.rows) = (0, 0);
        let levels = levels(&mut self.present, 1);
        match &mut self.values {
            Values::Whole(numbers) | Values::Number(numbers) | Values::Time(numbers) => {
                let place = match repeated(numbers) {
                    Some(mut dictionary) => {
                        dictionary.write(rows, levels, file, |number, bytes| bytes.extend(number))?
                    }
                    None => file.values(rows, PLAIN, &levels, numbers.as_flattened())?,
                };
                numbers.clear();
                Ok(place)
            }
            Values::Truth(truths) => {
                let place = file.values(rows, PLAIN, &levels, &packed(truths))?;
                truths.clear();
                Ok(place)
            }
            Values::Lists(lists) => lists.write(rows, file),
            Values::Text(texts) if texts.words.is_empty() => file.values(rows, PLAIN, &levels, &[]),
            Values::Text(texts) => texts.write(rows, levels, file, |text, bytes| {
                bytes.extend((text.len() as u32).to_le_bytes());
                bytes.extend(text.as_bytes());
            }),
        }
    }
}

/// Returns the microseconds of a moment, unless it is too far away.
fn moment(seconds: f64) -> Option<i64> {
    let moment = (seconds * 1e6).round_ties_even();
    (moment.abs() <= FARTHEST).then_some(moment as i64)
}

/// Puts eight values into a byte, the first into the last bit.
fn packed(truths: &[bool]) -> Vec<u8> {
    let byte = |eight: &[bool]| eight.iter().rev().fold(0, |byte, truth| byte << 1 | u8::from(*truth));
    truths.chunks(8).map(byte).collect()
}

/// Returns numbers as places in a dictionary, if most are like the one before.
fn repeated(numbers: &[[u8; 8]]) -> Option<Dictionary<[u8; 8]>> {
    let most = numbers.len() / REPEATED;
    let changes = numbers.windows(2).filter(|pair| pair[0] != pair[1]).take(most + 1).count();
    if numbers.is_empty() || changes > most {
        return None;
    }
    let mut dictionary = Dictionary::default();
    for number in numbers {
        dictionary.push(number);
    }
    Some(dictionary)
}

/// Different values, and which of them follow each other.
struct Dictionary<T> {
    words: Vec<T>,
    numbers: HashMap<T, u32>,
    runs: Runs,
}

impl<T> Default for Dictionary<T> {
    fn default() -> Self {
        Self { words: Vec::new(), numbers: HashMap::new(), runs: Runs::default() }
    }
}

impl<T: Clone + Eq + Hash> Dictionary<T> {
    fn push<Q: Eq + Hash + ToOwned<Owned = T> + ?Sized>(&mut self, value: &Q)
    where
        T: Borrow<Q>,
    {
        let last = self.runs.last().filter(|last| self.words[*last as usize].borrow() == value);
        let number = last.or_else(|| self.numbers.get(value).copied()).unwrap_or_else(|| {
            let number = self.words.len() as u32;
            self.words.push(value.to_owned());
            self.numbers.insert(value.to_owned(), number);
            number
        });
        self.runs.push(number, 1);
    }

    /// Appends the page of the values and then that of their numbers, and forgets both.
    fn write<W: Write>(
        &mut self,
        rows: usize,
        mut levels: Vec<u8>,
        file: &mut Pages<W>,
        spell: impl Fn(&T, &mut Vec<u8>),
    ) -> io::Result<Place> {
        let bits = bits(self.words.len());
        let mut words = Vec::new();
        self.words.iter().for_each(|word| spell(word, &mut words));
        let dictionary = file.dictionary(self.words.len(), &words)?;
        levels.push(bits as u8);
        self.runs.encode(bits, &mut levels);
        self.words.clear();
        self.numbers.clear();
        Ok(Place { dictionary: Some(dictionary), ..file.values(rows, RLE_DICTIONARY, &levels, &[])? })
    }
}
