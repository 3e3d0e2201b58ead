//! The answer to a question.

use cliptune_documents::csv_line;
use duckdb::arrow::array::{Array, AsArray, RecordBatch, StringArray};

/// The rows that answer a question. All values are texts.
#[derive(Debug)]
pub struct Answer {
    columns: Vec<String>,
    batches: Vec<RecordBatch>,
}

impl Answer {
    pub(crate) fn new(columns: Vec<String>, batches: Vec<RecordBatch>) -> Self {
        Self { columns, batches }
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns the rows. What is missing is `None`.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Option<&str>>> {
        self.batches.iter().flat_map(|batch| {
            let columns: Vec<Option<&StringArray>> =
                batch.columns().iter().map(|column| column.as_string_opt::<i32>()).collect();
            (0..batch.num_rows()).map(move |row| columns.iter().map(|column| cell(*column, row)).collect())
        })
    }

    /// Returns the rows as CSV, after a line with the names of the columns. What is missing is empty.
    pub fn csv(&self) -> String {
        let header = csv_line(self.columns().iter().map(String::as_str));
        let rows = self.rows().map(|row| csv_line(row.into_iter().map(Option::unwrap_or_default)));
        std::iter::once(header).chain(rows).map(|line| format!("{line}\n")).collect()
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn cell(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.and_then(|column| column.is_valid(row).then(|| column.value(row)))
}
