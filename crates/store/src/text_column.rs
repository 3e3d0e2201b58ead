//! The texts in a column of somebody's table, one after the other, however many there are.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

use duckdb::Connection;
use duckdb::arrow::array::{Array, StringArray};

use crate::error::StoreError;
use crate::parquet::{literal_path, open_database, sql_name, sql_text};
use crate::parquet_guard::guard_parquet;
use crate::regular::check;

/// The number of rows that are read ahead, in batches of DuckDB.
const AHEAD: usize = 4;

/// Returns the cells of a column of a parquet, CSV, TSV or JSON lines file as texts, in the order of its rows; `None` for each
/// that is missing. The last one is the error that ended the reading, if there is one.
pub fn text_column(
    path: &Path,
    column: &str,
) -> impl Iterator<Item = Result<Option<String>, StoreError>> + use<> {
    let (sender, receiver) = sync_channel(AHEAD);
    let (path, column) = (path.to_path_buf(), column.to_owned());
    // DuckDB gives its batches while it reads, on the stack of whoever asked.
    std::thread::spawn(move || {
        if let Err(error) = send(&path, &column, &sender) {
            let _ = sender.send(Err(error));
        }
    });
    receiver.into_iter().flat_map(|batch| match batch {
        Ok(cells) => cells.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}

type Cells = Result<Vec<Option<String>>, StoreError>;

fn send(path: &Path, column: &str, to: &SyncSender<Cells>) -> Result<(), StoreError> {
    check(path)?;
    let unusable = |problem| StoreError::Packed { path: PathBuf::from(path), problem };
    if reader(path) == "read_parquet" {
        guard_parquet(path).map_err(unusable)?;
    }
    let failed = |source| StoreError::Table { action: "read", path: path.to_path_buf(), source };
    let database = open_database().map_err(failed)?;
    let has = columns(&database, path).map_err(failed)?;
    if !has.iter().any(|own| own == column) {
        return Err(StoreError::NoColumn { path: path.to_path_buf(), column: column.to_owned(), has });
    }
    let sql = format!("SELECT CAST({} AS VARCHAR) FROM {}", sql_name(column), table(path));
    let mut statement = database.prepare(&sql).map_err(failed)?;
    for batch in statement.stream_arrow([]).map_err(failed)? {
        let Some(texts) = batch.column(0).as_any().downcast_ref::<StringArray>() else { return Ok(()) };
        let cells = (0..texts.len()).map(|at| texts.is_valid(at).then(|| texts.value(at).to_owned()));
        if to.send(Ok(cells.collect())).is_err() {
            // Nobody reads on.
            return Ok(());
        }
    }
    Ok(())
}

/// Returns the names of the columns.
fn columns(database: &Connection, path: &Path) -> duckdb::Result<Vec<String>> {
    let mut statement = database.prepare(&format!("DESCRIBE SELECT * FROM {}", table(path)))?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Returns the SQL of a table.
fn table(path: &Path) -> String {
    format!("{}({})", reader(path), sql_text(&literal_path(path)))
}

fn reader(path: &Path) -> &'static str {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "parquet" => "read_parquet",
        "jsonl" | "ndjson" => "read_json_auto",
        _ => "read_csv_auto",
    }
}
