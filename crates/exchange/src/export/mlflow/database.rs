//! The tracking database of MLflow.

use std::path::Path;

use rusqlite::{Connection, Error, params};

use super::entry::{Entry, Value};

/// The tables, as an early version of MLflow had them: each later one brings them up to date when it opens the database.
const SCHEMA: &str = include_str!("schema.sql");

/// A database that is being written.
pub(super) struct Database {
    connection: Connection,
}

impl Database {
    /// Starts a database in a new file. The folder of the file has to be put on disk as a whole afterwards.
    pub(super) fn create(file: &Path) -> Result<Self, Error> {
        let connection = Connection::open(file)?;
        connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    /// Adds an experiment with its number, its name, and the URI of its artifacts.
    pub(super) fn experiment(&self, number: usize, name: &str, artifacts: &str) -> Result<(), Error> {
        let sql = "INSERT INTO experiments VALUES (?1, ?2, ?3, 'active')";
        self.connection.execute(sql, params![number as i64, name, artifacts])?;
        Ok(())
    }

    /// Adds a run to the experiment with a number.
    pub(super) fn run(&self, experiment: usize, entry: &Entry) -> Result<(), Error> {
        let Entry { id, name, status, start, end, artifacts, .. } = entry;
        self.connection.execute(
            "INSERT INTO runs VALUES (?1, ?2, 'LOCAL', 'cliptune', '', '', ?3, ?4, ?5, '', 'active', ?6, ?7)",
            params![id, name, status, start, end, artifacts, experiment as i64],
        )?;
        let texts = [("tags", &entry.tags), ("params", &entry.params)];
        for (table, texts) in texts {
            let mut insert = self.connection.prepare(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3)"))?;
            for (key, value) in texts {
                insert.execute(params![key, value, id])?;
            }
        }
        for (key, values) in &entry.metrics {
            self.metric(id, key, values)?;
        }
        Ok(())
    }

    /// Adds all values of a metric, which are in the order of their steps. MLflow keeps none twice, and another tool may tell one twice.
    fn metric(&self, run: &str, key: &str, values: &[Value]) -> Result<(), Error> {
        let mut insert = self.connection.prepare(
            "INSERT OR IGNORE INTO metrics (\"key\", value, timestamp, step, is_nan, run_uuid) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for Value { step, time, value, is_nan } in values {
            insert.execute(params![key, value, time, step, is_nan, run])?;
        }
        if let Some(Value { step, time, value, is_nan }) = values.last() {
            self.connection.execute(
                "INSERT INTO latest_metrics (\"key\", value, timestamp, step, is_nan, run_uuid) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![key, value, time, step, is_nan, run],
            )?;
        }
        Ok(())
    }

    /// Completes the file.
    pub(super) fn finish(self) -> Result<(), Error> {
        self.connection.execute_batch("COMMIT;")?;
        self.connection.close().map_err(|(_, error)| error)
    }
}
