//! Appends the pages of a parquet file, as they are in memory. Nothing is compressed.

use std::io::{self, Write};

use crate::parquet_format::encoding::{PLAIN, RLE};
use crate::parquet_format::page;
use crate::thrift::structure;

/// A file, and how much has been written into it.
pub struct Pages<W> {
    /// The file.
    pub file: W,
    written: usize,
}

/// Where the values of a column lie in the file.
pub struct Place {
    /// The number of its values, missing ones included.
    pub count: usize,
    /// Where the page of its dictionary begins, if it has one.
    pub dictionary: Option<usize>,
    /// Where the page of its values begins.
    pub values: usize,
    /// Where its last page ends.
    pub end: usize,
}

impl Place {
    /// Returns where its first page begins.
    pub fn start(&self) -> usize {
        self.dictionary.unwrap_or(self.values)
    }

    /// Returns the number of bytes of its pages.
    pub fn size(&self) -> usize {
        self.end - self.start()
    }
}

impl<W: Write> Pages<W> {
    /// Begins a file, of which nothing is written yet.
    pub fn new(file: W) -> Self {
        Self { file, written: 0 }
    }

    /// Returns the number of bytes that have been written.
    pub fn written(&self) -> usize {
        self.written
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Returns an error when they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.written += bytes.len();
        Ok(())
    }

    /// Appends a page with so many values, missing ones included, in two parts, and returns its place.
    ///
    /// # Errors
    /// Returns an error when it cannot be written.
    pub fn values(
        &mut self,
        count: usize,
        encoding: usize,
        levels: &[u8],
        values: &[u8],
    ) -> io::Result<Place> {
        let (start, size) = (self.written, levels.len() + values.len());
        let mut bytes = Vec::new();
        structure(&mut bytes, |header| {
            header.i32(1, page::DATA);
            header.i32(2, size);
            header.i32(3, size);
            header.structure(5, |data| {
                data.i32(1, count);
                data.i32(2, encoding);
                data.i32(3, RLE);
                data.i32(4, RLE);
            });
        });
        bytes.extend(levels);
        self.write(&bytes)?;
        self.write(values)?;
        Ok(Place { count, dictionary: None, values: start, end: self.written })
    }

    /// Appends a page with so many different values, and returns where it begins.
    ///
    /// # Errors
    /// Returns an error when it cannot be written.
    pub fn dictionary(&mut self, count: usize, values: &[u8]) -> io::Result<usize> {
        let start = self.written;
        let mut bytes = Vec::new();
        structure(&mut bytes, |header| {
            header.i32(1, page::DICTIONARY);
            header.i32(2, values.len());
            header.i32(3, values.len());
            header.structure(7, |dictionary| {
                dictionary.i32(1, count);
                dictionary.i32(2, PLAIN);
            });
        });
        bytes.extend(values);
        self.write(&bytes)?;
        Ok(start)
    }
}
