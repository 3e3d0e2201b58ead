//! Reads and writes rows in parquet files through DuckDB. A row is passed as JSON, so that the only definition of a
//! table besides its struct is the list of its columns' SQL types.

use std::fmt::Write as _;
use std::path::Path;

use duckdb::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::closed::duckdb_said;
use crate::error::StoreError;
use crate::parquet_guard::guard_parquet;
use crate::regular::check;

/// A table, given by its columns in order and the columns that its rows are ordered by.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The name and the SQL type of each column.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// The columns that rows are ordered by when they are written, so that the same rows always give the same bytes.
    pub(crate) order: &'static [&'static str],
}

impl Table {
    /// Returns the SQL statement that creates an empty table with these columns in a database.
    pub fn create(&self, name: &str) -> String {
        let column = |(name, kind): &(&str, &str)| format!("{} {kind}", sql_name(name));
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        format!("CREATE TABLE {} ({})", sql_name(name), columns.join(", "))
    }

    /// Returns the SQL of a query that gives the columns of another query as this table has them, in the order of its rows.
    fn select(&self, query: &str) -> String {
        let column =
            |(name, kind): &(&str, &str)| format!("CAST({name} AS {kind}) AS {name}", name = sql_name(name));
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        format!("SELECT {} FROM ({query})", columns.join(", "))
    }

    /// Returns the SQL of a query that gives the rows of another query in the order that this table has them in.
    pub fn ordered(&self, query: &str) -> String {
        let order: Vec<String> = self.order.iter().map(|name| sql_name(name)).collect();
        format!("SELECT * FROM ({query}) ORDER BY {}", order.join(", "))
    }
}

/// The name under which DuckDB gives the number of a row in its parquet file, unless the file has a column of that name.
pub const ROW_OF_FILE: &str = "file_row_number";

/// Opens a separate DuckDB database in memory that fetches no extensions.
pub fn open_database() -> duckdb::Result<Connection> {
    let config = duckdb::Config::default()
        .enable_autoload_extension(false)?
        .with("autoinstall_known_extensions", "false")?
        .with("threads", "1")?;
    Connection::open_in_memory_with_flags(config)
}

/// Quotes an identifier for SQL, whatever characters it contains.
pub fn sql_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a text for SQL, whatever characters it contains.
pub fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Escapes a path for DuckDB's `read_…` functions, which would otherwise treat `*`, `?` and `[` in it as a glob.
pub fn literal_path(path: &Path) -> String {
    let mut literal = String::new();
    for letter in path.to_string_lossy().chars() {
        match letter {
            '*' | '?' | '[' => {
                let _ = write!(literal, "[{letter}]");
            }
            _ => literal.push(letter),
        }
    }
    literal
}

/// Writes rows to a new file.
pub(crate) fn write<T: Serialize>(path: &Path, table: &Table, rows: &[T]) -> Result<(), StoreError> {
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let line = serde_json::to_string(row)
            .map_err(|source| StoreError::Json { path: path.to_path_buf(), source })?;
        lines.push(line);
    }
    copy(path, table, &lines).map_err(|source| failed("write", path, source))
}

/// Reads rows in the order of the file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, StoreError> {
    check(path)?;
    let lines = lines(path).map_err(|source| failed("read", path, source))?;
    let parse = |line: &String| {
        serde_json::from_str(line).map_err(|source| StoreError::Json { path: path.to_path_buf(), source })
    };
    lines.iter().map(parse).collect()
}

/// Returns the rows of a parquet file that is not of the store as JSON objects, in the order of the file.
///
/// # Errors
/// Returns the reason as a phrase.
pub fn foreign_rows(path: &Path) -> Result<Vec<String>, String> {
    check(path).map_err(|error| error.in_one_line())?;
    guard_parquet(path)?;
    let memory = || "it needs more memory than there is".to_owned();
    lines(path).map_err(|error| duckdb_said(&error).unwrap_or_else(memory))
}

/// Writes the rows of a query to a new file, as the table describes them.
pub(crate) fn export(
    database: &Connection,
    path: &Path,
    table: &Table,
    query: &str,
) -> Result<(), StoreError> {
    copy_query(database, path, table, query).map_err(|source| failed("write", path, source))
}

/// The number of rows in a row group: what a thread writes, and what a reader of one split skips. It has to fit into
/// memory, once for each thread, with everything that is counted to compress it.
const ROW_GROUP: usize = 20_480;

/// The effort of the compression: at 3, the default, our tables are no smaller, and writing them takes twice as long.
const LEVEL: u32 = 1;

fn copy_query(database: &Connection, path: &Path, table: &Table, query: &str) -> duckdb::Result<()> {
    database.execute_batch(&format!(
        "COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {ROW_GROUP})",
        table.select(query),
        sql_text(&path.to_string_lossy()),
    ))
}

fn copy(path: &Path, table: &Table, lines: &[String]) -> duckdb::Result<()> {
    let database = open_database()?;
    database.execute_batch("CREATE TABLE lines (line VARCHAR)")?;
    let mut appender = database.appender("lines")?;
    for line in lines {
        appender.append_row([line])?;
    }
    appender.flush()?;
    drop(appender);
    let types: Map<String, Value> =
        table.columns.iter().map(|(name, kind)| ((*name).to_owned(), Value::from(*kind))).collect();
    let rows =
        format!("SELECT unnest(from_json(line, {})) FROM lines", sql_text(&Value::from(types).to_string()));
    copy_query(&database, path, table, &table.ordered(&rows))
}

fn lines(path: &Path) -> duckdb::Result<Vec<String>> {
    let database = open_database()?;
    let mut statement = database.prepare("SELECT CAST(to_json(t) AS VARCHAR) FROM read_parquet(?) AS t")?;
    statement.query_map([literal_path(path)], |row| row.get(0))?.collect()
}

fn failed(action: &'static str, path: &Path, source: duckdb::Error) -> StoreError {
    StoreError::Table { action, path: path.to_path_buf(), source }
}
