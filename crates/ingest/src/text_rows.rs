//! Gathers rows of texts into columns, which a database takes in batches.

use std::sync::Arc;

use duckdb::arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use duckdb::arrow::error::ArrowError;

/// The largest number of rows in a batch.
const ROWS: usize = 1 << 14;
/// The size in bytes of the texts at which a batch is full.
const BYTES: usize = 8 << 20;

/// A batch of rows that is being gathered: columns of texts, and one with the number of the row.
pub(crate) struct TextRows {
    texts: Vec<StringBuilder>,
    numbers: Vec<i64>,
    bytes: usize,
}

impl TextRows {
    pub(crate) fn new(width: usize) -> Self {
        Self { texts: (0..width).map(|_| StringBuilder::new()).collect(), numbers: Vec::new(), bytes: 0 }
    }

    pub(crate) fn push(&mut self, row: Vec<Option<String>>, number: u64) {
        for (column, text) in self.texts.iter_mut().zip(row) {
            self.bytes += text.as_ref().map_or(0, String::len);
            column.append_option(text);
        }
        self.numbers.push(number.cast_signed());
    }

    pub(crate) fn is_full(&self) -> bool {
        self.numbers.len() >= ROWS || self.bytes >= BYTES
    }

    /// Returns the batch, and begins the next one.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.bytes = 0;
        let mut numbers = Int64Builder::new();
        numbers.append_slice(&std::mem::take(&mut self.numbers));
        let texts = self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        let columns: Vec<ArrayRef> = texts.chain([Arc::new(numbers.finish()) as ArrayRef]).collect();
        // The columns are taken in order, whatever they are called.
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().enumerate().map(|(at, column)| (at.to_string(), column, true)),
        )
    }
}
