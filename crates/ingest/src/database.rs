//! The DuckDB that joins: closed to the outside, and careful with SQL that others wrote.

use std::path::Path;

use cliptune_store::{open_database, sql_text};
use duckdb::{Connection, ToSql};
use serde::Deserialize;

use crate::error::IngestError;

/// What one ingest may take of the memory; larger tables go to temporary files.
const MEMORY: &str = "4GB";

/// A database in memory.
pub(crate) struct Database {
    connection: Connection,
}

impl Database {
    /// Opens it; `temporary` is where it may put what does not fit into memory.
    pub(crate) fn open(temporary: &Path) -> Result<Self, IngestError> {
        let connection = open_database()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        connection.execute_batch(&format!(
            "SET threads = {threads}; SET memory_limit = '{MEMORY}'; SET temp_directory = {}",
            sql_text(&temporary.to_string_lossy())
        ))?;
        Ok(Self { connection })
    }

    /// From here on no SQL can read or write a file: the experiment's own SQL is for its own table.
    pub(crate) fn close_to_outside(&self) -> Result<(), IngestError> {
        Ok(self
            .connection
            .execute_batch("SET enable_external_access = false; SET lock_configuration = true")?)
    }

    /// Runs statements of our own.
    pub(crate) fn execute(&self, sql: &str) -> duckdb::Result<()> {
        self.connection.execute_batch(sql)
    }

    /// Appends rows to a table.
    pub(crate) fn append<'r>(
        &self,
        table: &str,
        rows: impl Iterator<Item = [&'r dyn ToSql; 6]>,
    ) -> Result<(), IngestError> {
        let mut appender = self.connection.appender(table)?;
        for row in rows {
            appender.append_row(row)?;
        }
        Ok(appender.flush()?)
    }

    /// All rows of a query whose one column is JSON.
    pub(crate) fn rows<T: for<'de> Deserialize<'de>>(&self, sql: &str) -> Result<Vec<T>, IngestError> {
        let mut statement = self.connection.prepare(sql)?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }

    /// SQL that the experiment has under `key`, as an operand: in parentheses, and what it is said to be.
    ///
    /// The line break ends a comment. Anything but one expression is refused, so that no text in an experiment can
    /// end our statement and start its own.
    pub(crate) fn expression(&self, key: &'static str, sql: &str) -> Result<String, IngestError> {
        let operand = format!("({sql}\n)");
        // Not parsed where it will stand: what can end these parentheses and go on here cannot do so there.
        let parse = sql_text(&format!("SELECT CASE WHEN {operand} THEN 1 END"));
        let parse = format!("SELECT CAST(json_serialize_sql({parse}) AS VARCHAR)");
        let parsed = self.rows::<Parsed>(&parse).map_err(|error| refused(key, sql, &error))?;
        match parsed.first() {
            Some(Parsed { error: true, error_message, .. }) => {
                Err(IngestError::Sql { key, sql: sql.to_owned(), problem: error_message.clone() })
            }
            Some(Parsed { statements, .. }) if statements.len() == 1 => Ok(operand),
            _ => Err(IngestError::Sql { key, sql: sql.to_owned(), problem: "not one expression".to_owned() }),
        }
    }

    /// Runs a statement that contains an [`expression`](Self::expression), and blames the expression if it fails.
    pub(crate) fn execute_with(
        &self,
        key: &'static str,
        sql: &str,
        statement: &str,
    ) -> Result<(), IngestError> {
        self.execute(statement).map_err(|error| refused(key, sql, &error))
    }
}

/// What DuckDB says of a statement when asked to parse it.
#[derive(Deserialize)]
struct Parsed {
    error: bool,
    #[serde(default)]
    error_message: String,
    #[serde(default)]
    statements: Vec<serde_json::Value>,
}

fn refused(key: &'static str, sql: &str, error: &dyn std::fmt::Display) -> IngestError {
    // DuckDB goes on to show the line, which is one of ours.
    let problem = error.to_string();
    let problem = problem.split("\n\nLINE ").next().unwrap_or_default();
    IngestError::Sql { key, sql: sql.to_owned(), problem: problem.trim().to_owned() }
}
