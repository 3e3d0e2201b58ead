//! The columns of parquet files.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use duckdb::arrow::array::StringArray;

use super::{Cell, Cells, Holds, TableColumn};
use crate::closed::duckdb_said;
use crate::error::StoreError;
use crate::packed::{SqlColumn, parquet_columns, parquet_source};
use crate::parquet::{open_database, sql_name};
use crate::parquet_guard::guard_parquet;

/// The number of batches of DuckDB that are read ahead.
const AHEAD: usize = 4;
/// The most letters of a type in a message.
const TYPE: usize = 80;

/// Finds a column, and reads a column of texts once: what is damaged is found before anything is made of it.
pub(super) fn find(column: &TableColumn) -> Result<Holds, StoreError> {
    guard_parquet(&column.path).map_err(|problem| column.unreadable(problem))?;
    let columns = parquet_columns(&column.path).map_err(|error| column.unreadable(said(&error)))?;
    let Some(own) = columns.iter().find(|own| own.name == column.name) else {
        return Err(column.missing(columns.into_iter().map(|own| own.name).collect()));
    };
    match holds(own) {
        Some(Holds::Texts) => {
            read_once(column).map_err(|error| column.unreadable(said(&error)))?;
            Ok(Holds::Texts)
        }
        Some(holds) => Ok(holds),
        None => {
            let kind = beginning(&own.sql_type);
            let usable = columns.into_iter().filter(|own| holds(own).is_some());
            Err(column.of_type(kind, usable.map(|own| own.name).collect()))
        }
    }
}

fn holds(column: &SqlColumn) -> Option<Holds> {
    match column.sql_type.as_str() {
        "VARCHAR" => Some(Holds::Texts),
        kind if kind.starts_with("ENUM(") => Some(Holds::Texts),
        _ => column.image_bytes().map(|_| Holds::Images),
    }
}

/// Returns a type, of which a struct has no end.
fn beginning(sql_type: &str) -> String {
    match sql_type.char_indices().nth(TYPE) {
        Some((end, _)) => format!("{}…", &sql_type[..end]),
        None => sql_type.to_owned(),
    }
}

fn read_once(column: &TableColumn) -> duckdb::Result<()> {
    let sql = format!(
        "SELECT coalesce(sum(strlen({})), 0)::VARCHAR FROM {}",
        text(column),
        parquet_source(&column.path)
    );
    open_database()?.query_row(&sql, [], |row| row.get::<_, String>(0)).map(drop)
}

/// Returns the SQL of a cell's text.
fn text(column: &TableColumn) -> String {
    format!("CAST({} AS VARCHAR)", sql_name(&column.name))
}

pub(super) fn cells(column: &TableColumn) -> Cells {
    let (sender, receiver) = sync_channel(AHEAD);
    let (of_reader, column) = (column.clone(), column.clone());
    // DuckDB gives its batches while it reads, on the stack of whoever asked.
    let mut reader = Some(thread::spawn(move || send(&of_reader, &sender)));
    let next = move || match receiver.recv() {
        Ok(cells) => Some(Ok(cells)),
        // It has ended; by a panic where DuckDB failed between two batches.
        Err(_) => match reader.take()?.join() {
            Ok(ended) => ended.map_err(|error| column.unreadable(said(&error))).err().map(Err),
            Err(_) => Some(Err(column.unreadable("it changed while it was read"))),
        },
    };
    Box::new(std::iter::from_fn(next).flat_map(|batch: Result<Vec<Cell>, StoreError>| match batch {
        Ok(cells) => cells.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    }))
}

fn send(column: &TableColumn, to: &SyncSender<Vec<Cell>>) -> duckdb::Result<()> {
    let database = open_database()?;
    let sql = format!("SELECT {} FROM {}", text(column), parquet_source(&column.path));
    let mut statement = database.prepare(&sql)?;
    for batch in statement.stream_arrow([])? {
        let Some(texts) = batch.column(0).as_any().downcast_ref::<StringArray>() else {
            return Err(duckdb::Error::InvalidQuery);
        };
        let cell = |text: Option<&str>| text.map_or(Cell::Missing, |text| Cell::Text(text.to_owned()));
        if to.send(texts.iter().map(cell).collect()).is_err() {
            // Nobody reads on.
            break;
        }
    }
    Ok(())
}

/// Returns what DuckDB said, on one line.
fn said(error: &duckdb::Error) -> String {
    match duckdb_said(error) {
        Some(said) => said.split_whitespace().collect::<Vec<_>>().join(" "),
        None => "it needs more memory than there is".to_owned(),
    }
}
