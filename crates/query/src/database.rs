//! The DuckDB database that answers questions. It is closed to the outside and bounded in memory and time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cliptune_store::{
    closing, duckdb_said, interruptible, more_time_for_sql, open_database, sql_patience, sql_text,
};
use cliptune_terminal::fail_now;
use cliptune_terminal::format::{counted, visible};
use duckdb::Connection;
use duckdb::arrow::array::RecordBatch;

use crate::error::QueryError;
use crate::output::Answer;

/// The gigabytes of memory that the database may use. Nothing goes to temporary files.
const MEMORY: usize = 2;

/// A database in memory.
pub(crate) struct Database {
    connection: Connection,
    /// The time that one statement may take.
    patience: Duration,
}

impl Database {
    /// Opens an empty database.
    pub(crate) fn open() -> Result<Self, QueryError> {
        let connection = open_database().map_err(|error| QueryError::Database(said(&error)))?;
        let database = Self { connection, patience: sql_patience()? };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        database.make(&format!(
            "SET threads = {threads}; SET memory_limit = '{MEMORY}GB'; SET temp_directory = '';
             CREATE SCHEMA held"
        ))?;
        Ok(database)
    }

    /// Gives statements another time.
    #[cfg(test)]
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Prevents all SQL from reading or writing files from here on, apart from reading the given ones and writing into the
    /// given folder.
    pub(crate) fn close(&self, files: &[PathBuf], folder: Option<&Path>) -> Result<(), QueryError> {
        let folders: Vec<&Path> = folder.into_iter().collect();
        self.make(&closing(files, &folders))
    }

    /// Runs statements of our own.
    pub(crate) fn make(&self, sql: &str) -> Result<(), QueryError> {
        self.connection.execute_batch(sql).map_err(|error| QueryError::Database(said(&error)))
    }

    /// Appends rows to a table of the schema `held`.
    pub(crate) fn append(
        &self,
        table: &str,
        batches: impl Iterator<Item = RecordBatch>,
    ) -> Result<(), QueryError> {
        let append = || {
            let mut appender = self.connection.appender_to_db(table, "held")?;
            for batch in batches {
                appender.append_record_batch(batch)?;
            }
            appender.flush()
        };
        append().map_err(|error| QueryError::Database(said(&error)))
    }

    /// Runs statements with SQL of a user in them.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), QueryError> {
        self.bounded(|| self.connection.execute_batch(sql))
    }

    /// Asks a question with SQL of a user in it. All columns of the answer are texts.
    pub(crate) fn texts(&self, sql: &str) -> Result<Answer, QueryError> {
        self.bounded(|| {
            let mut statement = self.connection.prepare(sql)?;
            let batches: Vec<RecordBatch> = statement.query_arrow([])?.collect();
            Ok(Answer::new(statement.column_names(), batches))
        })
    }

    /// Returns the first text of the answer to a question about one text.
    pub(crate) fn text_of(&self, sql: &str, text: &str) -> Result<String, QueryError> {
        self.bounded(|| self.connection.query_row(sql, [text], |row| row.get(0)))
    }

    /// Attaches a new database file, gives it to a function under the name `saved`, and detaches it.
    pub(crate) fn saved(
        &self,
        path: &Path,
        fill: impl FnOnce() -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        self.make(&format!("ATTACH {} AS saved", sql_text(&path.to_string_lossy())))?;
        fill()?;
        self.make("DETACH saved")
    }

    /// Runs a function and interrupts the database when it takes too long.
    fn bounded<T>(&self, run: impl FnOnce() -> duckdb::Result<T>) -> Result<T, QueryError> {
        let interrupt = self.connection.interrupt_handle();
        let patience = self.patience;
        let (result, is_late) =
            interruptible(patience, move || interrupt.interrupt(), move || fail_now(&stopped(patience)), run);
        result.map_err(|error| match is_late {
            true => stopped(patience),
            false => QueryError::Sql { said: said(&error), hint: None },
        })
    }
}

/// Returns the error about SQL that takes too long.
fn stopped(patience: Duration) -> QueryError {
    let said = format!("the query was stopped after {}", counted(patience.as_secs(), "second"));
    QueryError::Sql { said, hint: Some(more_time_for_sql(patience)) }
}

/// Returns DuckDB's message about an error on one line, as a user can follow it.
fn said(error: &duckdb::Error) -> String {
    let text = duckdb_said(error).unwrap_or_else(|| {
        format!("the query needs more memory than it gets, which is {MEMORY} GB or what the system allows")
    });
    let plain = [
        "Binder Error: ",
        "Catalog Error: ",
        "Parser Error: ",
        "Invalid Input Error: ",
        "Conversion Error: ",
    ];
    let text = plain.iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(&text);
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_stopped() {
        let database = Database::open().unwrap().with_patience(Duration::from_millis(50));
        let endless = "SELECT CAST(count(*) AS VARCHAR) FROM range(1000000000000) AS a, range(1000000000000) AS b WHERE a.range = -b.range";
        let error = database.texts(endless).err().unwrap().to_string();
        assert!(error.starts_with("the query was stopped after"), "{error}");
        assert_eq!(database.texts("SELECT 'one'").unwrap().rows().next().unwrap(), [Some("one")]);
    }

    #[test]
    fn memory_is_bounded_and_the_message_says_so() {
        let database = Database::open().unwrap();
        database.make("SET memory_limit = '40MB'").unwrap();
        let large = "SELECT CAST(count(DISTINCT range || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxx') AS VARCHAR) FROM range(5000000)";
        let error = database.texts(large).err().unwrap().to_string();
        assert!(error.contains("more memory than it gets"), "{error}");
    }
}
