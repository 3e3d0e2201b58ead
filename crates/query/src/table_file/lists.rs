//! The lists of a column in some rows, and how they lie in a parquet file: as their numbers, with a level for each that tells
//! whether it begins a list.

use std::io::{self, Write};

use cliptune_store::parquet_format::encoding::PLAIN;
use cliptune_store::parquet_runs::{Runs, levels};
use cliptune_store::parquet_write::{Pages, Place};

/// What there is in a place of a list, by the number that stands for it.
const NO_LIST: u32 = 0;
const NOTHING: u32 = 1;
const MISSING: u32 = 2;
const NUMBER: u32 = 3;
/// The bits of such a number.
const BITS: usize = 2;

/// Lists of numbers.
#[derive(Default)]
pub(super) struct Lists {
    /// 0 for each place that begins a row, 1 for each that continues one.
    continued: Runs,
    /// What there is in each place.
    found: Runs,
    places: usize,
    /// The number of rows that have their places.
    rows: usize,
    numbers: Vec<[u8; 8]>,
}

impl Lists {
    /// Adds the list of a row.
    pub(super) fn push(&mut self, row: usize, list: impl Iterator<Item = Option<[u8; 8]>>) {
        self.pad(row);
        let before = self.places;
        for number in list {
            self.place(self.places > before, if number.is_some() { NUMBER } else { MISSING });
            self.numbers.extend(number);
        }
        if self.places == before {
            self.place(false, NOTHING);
        }
        self.rows = row + 1;
    }

    /// Notes that the rows before this one that have no list have none.
    fn pad(&mut self, row: usize) {
        (self.rows..row).for_each(|_| self.place(false, NO_LIST));
        self.rows = row;
    }

    fn place(&mut self, is_continued: bool, found: u32) {
        self.continued.push(is_continued.into(), 1);
        self.found.push(found, 1);
        self.places += 1;
    }

    /// Appends the lists of so many rows to a file, and forgets them.
    pub(super) fn write<W: Write>(&mut self, rows: usize, file: &mut Pages<W>) -> io::Result<Place> {
        self.pad(rows);
        let mut bytes = levels(&mut self.continued, 1);
        bytes.append(&mut levels(&mut self.found, BITS));
        let place = file.values(self.places, PLAIN, &bytes, self.numbers.as_flattened())?;
        self.numbers.clear();
        (self.places, self.rows) = (0, 0);
        Ok(place)
    }
}
