//! The columns of CSV files.

use super::{Cell, Cells, Holds, TableColumn, until_none};
use crate::csv::Records;
use crate::error::StoreError;

/// Finds a column. All of them are texts.
pub(super) fn find(column: &TableColumn) -> Result<Holds, StoreError> {
    open(column).map(|_| Holds::Texts)
}

pub(super) fn cells(column: &TableColumn) -> Cells {
    let column = column.clone();
    let mut opened = None;
    until_none(move || {
        let (records, width, at) = match &mut opened {
            Some(opened) => opened,
            none => none.insert(open(&column)?),
        };
        let row = records.row(*width).map_err(|problem| column.unreadable(problem))?;
        Ok(row.map(|mut row| row.swap_remove(*at).map_or(Cell::Missing, Cell::Text)))
    })
}

/// Opens a file behind its header, and returns the number of its columns and the place of the wanted one.
fn open(column: &TableColumn) -> Result<(Records, usize, usize), StoreError> {
    let unreadable = |problem| column.unreadable(problem);
    let mut records = Records::open(&column.path).map_err(|error| column.unreadable(error))?;
    let header = records.record().map_err(unreadable)?;
    let header = header.ok_or_else(|| column.unreadable("it is empty: not even a header"))?;
    let is_wanted = |name: &Option<String>| name.as_ref() == Some(&column.name);
    match header.iter().filter(|name| is_wanted(name)).count() {
        0 => Err(column.missing(header.into_iter().flatten().collect())),
        1 => {
            let at = header.iter().position(is_wanted).unwrap_or_default();
            Ok((records, header.len(), at))
        }
        several => Err(column.unreadable(format!("{several} of its columns are called {}", column.name))),
    }
}
