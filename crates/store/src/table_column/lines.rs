//! The columns of files with a JSON object in each line.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::{Cell, Cells, Holds, TableColumn, until_none};
use crate::error::StoreError;
use crate::table_limits::COLUMNS;
use crate::table_text;

/// Finds a column by the first object that has something in it.
pub(super) fn find(column: &TableColumn) -> Result<Holds, StoreError> {
    let (mut rows, mut has, mut is_there) = (Rows::open(column)?, Vec::new(), false);
    while let Some(row) = rows.next()? {
        match row.get(&column.name).map(cell) {
            Some(Cell::Text(_)) => return Ok(Holds::Texts),
            Some(Cell::Other(kind)) => return Err(column.of_type(kind, texts(&row))),
            Some(Cell::Missing) => is_there = true,
            None => {
                let new = row.into_iter().map(|(key, _)| key).filter(|key| !has.contains(key));
                has.extend(new.take(COLUMNS.saturating_sub(has.len())).collect::<Vec<_>>());
            }
        }
    }
    if is_there { Ok(Holds::Texts) } else { Err(column.missing(has)) }
}

/// Returns the keys of the strings of an object.
fn texts(row: &Map<String, Value>) -> Vec<String> {
    row.iter().filter(|(_, value)| value.is_string()).map(|(key, _)| key.clone()).collect()
}

pub(super) fn cells(column: &TableColumn) -> Cells {
    let column = column.clone();
    let mut opened = None;
    until_none(move || {
        let rows = match &mut opened {
            Some(opened) => opened,
            none => none.insert(Rows::open(&column)?),
        };
        Ok(rows.next()?.map(|row| row.get(&column.name).map_or(Cell::Missing, cell)))
    })
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::String(text) => Cell::Text(text.clone()),
        Value::Null => Cell::Missing,
        Value::Bool(_) => Cell::Other("a truth value"),
        Value::Number(_) => Cell::Other("a number"),
        Value::Array(_) => Cell::Other("a list"),
        Value::Object(_) => Cell::Other("an object"),
    }
}

/// The objects of a file.
struct Rows {
    column: TableColumn,
    input: Box<dyn BufRead + Send>,
    line: u64,
}

impl Rows {
    fn open(column: &TableColumn) -> Result<Self, StoreError> {
        let input = table_text::open(&column.path).map_err(|error| column.unreadable(error))?;
        Ok(Self { column: column.clone(), input, line: 0 })
    }

    /// Reads the next object, past blank lines.
    fn next(&mut self) -> Result<Option<Map<String, Value>>, StoreError> {
        let Self { column, input, line } = self;
        while let Some(text) =
            table_text::next_line(input, line).map_err(|problem| column.unreadable(problem))?
        {
            if text.trim().is_empty() {
                continue;
            }
            return match serde_json::from_str(text.trim_end()) {
                Ok(Value::Object(row)) => Ok(Some(row)),
                Ok(_) => Err(column.unreadable(format!("line {line} is no JSON object"))),
                Err(problem) => Err(column.unreadable(format!("line {line} is no JSON: {}", said(&problem)))),
            };
        }
        Ok(None)
    }
}

/// Returns what is wrong with a line and where, without the number of the line, which is 1 for the parser.
fn said(problem: &serde_json::Error) -> String {
    let text = problem.to_string();
    let place = format!(" at line {} column {}", problem.line(), problem.column());
    match text.strip_suffix(&place) {
        Some(what) => format!("{what} at column {}", problem.column()),
        None => text,
    }
}
