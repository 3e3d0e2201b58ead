//! The DuckDB database that joins the sources. It is closed to the outside and bounded in memory and time, and its
//! error messages do not show our own SQL.

mod patience;
mod watch;

use std::cell::Cell;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use cliptune_durable::StagedFolder;
use cliptune_store::{closing, duckdb_said, interruptible, open_database, sql_patience, sql_text};
use duckdb::Connection;
use duckdb::arrow::array::RecordBatch;
use duckdb::arrow::error::ArrowError;
use duckdb::vscalar::VArrowScalar;
use serde::Deserialize;

use crate::error::IngestError;
use crate::problem::Problem;
use crate::text_rows::TextRows;
use patience::Patience;
use watch::{Watch, interrupt_on_signal};

/// The megabytes of memory that the database may use for each thread. Larger tables go to temporary files.
const MEMORY: usize = 480;
/// The amount of disk space that those temporary files may use.
const DISK: &str = "64GB";

/// A database in memory.
pub(crate) struct Database {
    connection: Connection,
    /// What interrupts the connection once a signal has asked this process to stop.
    _watch: Watch,
    /// The folder for data that does not fit into memory, where it is to go with the database.
    spilled: Option<StagedFolder>,
    /// The time that a statement may take.
    patience: Patience,
    /// The number of threads that each statement uses.
    threads: Cell<usize>,
    /// The number of rows that they are for.
    rows: Cell<u64>,
}

impl Database {
    /// Opens the database. `temporary` is the folder for data that does not fit into memory.
    pub(crate) fn open(temporary: &Path) -> Result<Self, IngestError> {
        let connection = open_database().map_err(|error| failed(&error))?;
        let (threads, rows) = (Cell::new(1), Cell::new(0));
        let (watch, patience) = (Watch::over(&connection), Patience::new(sql_patience()?));
        let database = Self { connection, _watch: watch, spilled: None, patience, threads, rows };
        let memory = MEMORY * processors().max(2);
        // Whoever needs an order asks for it. Otherwise the database may hold back no row for the sake of one.
        let settings = format!(
            "SET memory_limit = '{memory}MB'; SET max_temp_directory_size = '{DISK}';
             SET preserve_insertion_order = false; SET temp_directory = {}",
            sql_text(&temporary.to_string_lossy())
        );
        database.execute(&settings).map_err(IngestError::Database)?;
        // If the library knows time zones, that of the machine must not affect how a time is written.
        let _ = database.execute("SET GLOBAL TimeZone = 'UTC'");
        Ok(database)
    }

    /// Gives statements the time that reading these files takes, which they do until others are named here.
    pub(crate) fn wait_for_files(&self, files: &[PathBuf]) {
        let sizes = files.iter().map(|file| fs_err::metadata(file).map_or(0, |file| file.len()));
        self.patience.set_bytes(sizes.fold(0, u64::saturating_add));
    }

    /// Gives statements the time that a table of so many rows takes, and as many threads as it keeps busy. A thread without work
    /// looks for some all the time, which slows the others down.
    pub(crate) fn prepare_for(&self, rows: u64) -> Result<(), IngestError> {
        /// The number of rows in a row group of the database, which one thread reads.
        const ROWS: u64 = 122_880;
        let busy = usize::try_from(rows / ROWS).unwrap_or(usize::MAX).saturating_add(1);
        self.threads.set(busy.min(processors()));
        self.rows.set(rows);
        self.patience.set_rows(rows);
        self.make(&format!("SET threads = {}", self.threads.get()))
    }

    /// Opens the database with a folder of its own for data that does not fit into memory. Databases that share one write into
    /// each other's files.
    pub(crate) fn open_with(spilled: StagedFolder) -> Result<Self, IngestError> {
        let database = Self::open(spilled.path())?;
        Ok(Self { spilled: Some(spilled), ..database })
    }

    /// Leaves the memory of the database to the end of the process, and removes its files.
    pub(crate) fn leave(self) {
        std::mem::forget(self.connection);
        drop(self.spilled);
    }

    /// Checks whether a statement over all rows keeps no more than one thread busy.
    pub(crate) fn has_few_rows(&self) -> bool {
        self.threads.get() == 1
    }

    /// Does two things that do not need each other. They are done at the same time, each with a connection of its own,
    /// unless a single statement keeps more than one thread busy already.
    pub(crate) fn both<A: Send, B>(
        &self,
        beside: impl FnOnce(&Self) -> Result<A, IngestError> + Send,
        here: impl FnOnce(&Self) -> Result<B, IngestError>,
    ) -> Result<(A, B), IngestError> {
        if self.threads.get() > 1 {
            return Ok((beside(self)?, here(self)?));
        }
        let connection = self.connection.try_clone().map_err(|error| failed(&error))?;
        let (threads, rows) = (self.threads.clone(), self.rows.clone());
        let (watch, patience) = (Watch::over(&connection), self.patience.clone());
        let other = Self { connection, _watch: watch, spilled: None, patience, threads, rows };
        std::thread::scope(|scope| {
            let beside = scope.spawn(move || beside(&other));
            let here = here(self);
            // Which of two errors is returned does not depend on which comes first.
            Ok((beside.join().unwrap_or_else(|panic| resume_unwind(panic))?, here?))
        })
    }

    /// Makes a table of the rows of a query. Its halves are made at the same time, by the column `number` of the query, where
    /// a single statement keeps one thread busy for long. `numbers` is a table with these numbers.
    pub(crate) fn make_table(&self, name: &str, query: &str, numbers: &str) -> Result<(), IngestError> {
        /// The number of rows from which on two statements are faster than one.
        const MANY: u64 = 1 << 15;
        if self.threads.get() > 1 || self.rows.get() < MANY {
            return self.make(&format!("CREATE TABLE {name} AS {query}"));
        }
        self.make(&format!("CREATE TABLE {name} AS {query} WITH NO DATA"))?;
        let middle: i64 = self.row(&format!(
            "SELECT CAST(coalesce((min(number) + max(number)) // 2, 0) AS VARCHAR) FROM {numbers}"
        ))?;
        let half = |condition| {
            format!("INSERT INTO {name} SELECT * FROM ({query}) WHERE number {condition} {middle}")
        };
        self.both(|other| other.make(&half("<=")), |own| own.make(&half(">")))?;
        Ok(())
    }

    /// Prevents all SQL from reading or writing files from here on, apart from the given files, which are read where
    /// they lie, and those in the given folder, which are written. The SQL of an experiment is only for its own table.
    pub(crate) fn close_to_outside(&self, files: &[PathBuf], folder: &Path) -> Result<(), IngestError> {
        self.make(&closing(files, &[folder]))
    }

    /// Registers a function in Rust, with the rules that it follows.
    pub(crate) fn register<F>(&self, name: &str, rules: &F::State) -> Result<(), IngestError>
    where
        F: VArrowScalar,
        F::State: Clone,
    {
        let registered = self.connection.register_scalar_function_with_state::<F>(name, rules);
        registered.map_err(|error| failed(&error))
    }

    /// Returns the connection, for whoever writes what has been made.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs statements. The error is for the user.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), Problem> {
        self.bounded(|| self.connection.execute_batch(sql))
    }

    /// Runs statements of our own.
    pub(crate) fn make(&self, sql: &str) -> Result<(), IngestError> {
        self.connection.execute_batch(sql).map_err(|error| failed(&error))
    }

    /// Appends columns to a table.
    pub(crate) fn append(
        &self,
        table: &str,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    ) -> Result<(), IngestError> {
        let append = || {
            let mut appender = self.connection.appender(table)?;
            for batch in batches {
                let batch = batch.map_err(|error| duckdb::Error::ToSqlConversionFailure(error.into()))?;
                appender.append_record_batch(batch)?;
            }
            appender.flush()
        };
        append().map_err(|error| failed(&error))
    }

    /// Gives the columns of a query to a function, one batch after the other.
    ///
    /// The query has to be one that cannot fail half way, such as one over the columns of a table of our own.
    pub(crate) fn stream(
        &self,
        sql: &str,
        mut on_batch: impl FnMut(&RecordBatch),
    ) -> Result<(), IngestError> {
        let mut stream = || -> duckdb::Result<()> {
            let mut statement = self.connection.prepare(sql)?;
            statement.stream_arrow([])?.for_each(|batch| on_batch(&batch));
            Ok(())
        };
        stream().map_err(|error| failed(&error))
    }

    /// Appends rows of texts to a table until the source has no next one. The table's last column gets the number of
    /// each row, counted on from `number`.
    pub(crate) fn append_texts(
        &self,
        table: &str,
        width: usize,
        number: &mut u64,
        mut next: impl FnMut() -> Result<Option<Vec<Option<String>>>, String>,
    ) -> Result<(), String> {
        let mut appender = self.connection.appender(table).map_err(|error| said(&error))?;
        let mut rows = TextRows::new(width);
        let mut is_more = true;
        while is_more {
            match next()? {
                Some(row) => {
                    rows.push(row, *number);
                    *number += 1;
                }
                None => is_more = false,
            }
            if rows.is_full() || !is_more {
                let batch = rows.take().map_err(|error| error.to_string())?;
                appender.append_record_batch(batch).map_err(|error| said(&error))?;
            }
        }
        appender.flush().map_err(|error| said(&error))
    }

    /// Returns the only row of a query whose only column is JSON.
    pub(crate) fn row<T: for<'de> Deserialize<'de>>(&self, sql: &str) -> Result<T, IngestError> {
        self.rows(sql)?.into_iter().next().ok_or(IngestError::Changed)
    }

    /// Returns all rows of a query whose only column is JSON.
    pub(crate) fn rows<T: for<'de> Deserialize<'de>>(&self, sql: &str) -> Result<Vec<T>, IngestError> {
        let lines: Vec<String> = self.lines(sql).map_err(IngestError::Database)?;
        lines.iter().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    fn lines(&self, sql: &str) -> Result<Vec<String>, Problem> {
        self.bounded(|| {
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Runs a function and interrupts the database when it takes too long.
    fn bounded<T>(&self, run: impl FnOnce() -> duckdb::Result<T>) -> Result<T, Problem> {
        let handle = self.connection.interrupt_handle();
        self.in_time(|| handle.interrupt(), || run().map_err(|error| said(&error)))
    }

    /// Runs a function that reads from another database, and interrupts that one when it takes too long or a signal asks to stop.
    pub(crate) fn stoppable<T>(
        &self,
        interrupt: impl Fn() + Send + Sync,
        run: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, Problem> {
        let interrupt = &interrupt;
        self.in_time(interrupt, || {
            let (ended, end) = channel();
            std::thread::scope(|scope| {
                scope.spawn(move || interrupt_on_signal(&end, interrupt));
                let result = run();
                drop(ended);
                result
            })
        })
    }

    /// Runs a function that is interrupted when it takes too long.
    fn in_time<T>(
        &self,
        interrupt: impl Fn() + Send,
        run: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, Problem> {
        let patience = self.patience.total();
        let (result, is_late) = interruptible(patience, interrupt, self.patience.give_up(), run);
        result.map_err(|problem| if is_late { Problem::Stopped(patience) } else { problem.into() })
    }
}

fn processors() -> usize {
    rayon::current_num_threads()
}

/// Returns the error about a statement of our own.
fn failed(error: &duckdb::Error) -> IngestError {
    IngestError::Database(said(error).into())
}

/// Returns DuckDB's message about an error as a user can follow it.
fn said(error: &duckdb::Error) -> String {
    let too_much = || {
        format!(
            "it needs more memory than it gets, which is {MEMORY} MB for each processor or what the system allows"
        )
    };
    duckdb_said(error).unwrap_or_else(too_much)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).unwrap();
        (folder, database)
    }

    #[test]
    fn what_never_ends_is_stopped() {
        let (_folder, mut database) = database();
        database.patience = Patience::new(Duration::from_millis(50));
        let endless = "SELECT count(*) FROM range(1000000000000) AS a, range(1000000000000) AS b WHERE a.range = -b.range";
        let problem = database.execute(&format!("CREATE TABLE t AS {endless}")).unwrap_err();
        assert_eq!(problem, Problem::Stopped(Duration::from_millis(50)));
        // The database can still be used afterwards.
        assert_eq!(database.rows::<u64>("SELECT '1'").unwrap(), [1]);
    }

    #[test]
    fn what_goes_over_more_may_take_longer() {
        let (folder, mut database) = database();
        database.patience = Patience::new(Duration::from_secs(120));
        assert_eq!(database.patience.total().as_secs(), 120);
        let files = ["one.csv", "other.csv"].map(|name| folder.path().join(name));
        files.iter().for_each(|file| fs_err::write(file, vec![0; 3_000_000]).unwrap());
        database.wait_for_files(&files);
        assert_eq!(database.patience.total().as_secs(), 120 + 6);
        // A table that lies in its files is read from them with each statement.
        database.prepare_for(10_000_000).unwrap();
        assert_eq!(database.patience.total().as_secs(), 120 + 6 + 10 * 120);
        database.wait_for_files(&[]);
        assert_eq!(database.patience.total().as_secs(), 120 + 10 * 120);
        let beside = database.both(|other| Ok(other.patience.total()), |_| Ok(())).unwrap().0;
        assert_eq!(beside, database.patience.total());
    }

    #[test]
    fn two_things_at_once_see_the_same_tables_and_settings() {
        let (_folder, database) = database();
        database
            .make("CREATE TABLE t AS SELECT 7 AS seven, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS time")
            .unwrap();
        let written = |database: &Database| {
            database.row::<String>("SELECT CAST(to_json(seven || ' ' || time) AS VARCHAR) FROM t")
        };
        for threads in [1, 2] {
            database.threads.set(threads);
            let (beside, here) = database.both(written, written).unwrap();
            assert_eq!([beside.as_str(), here.as_str()], ["7 2026-01-01 00:00:00+00"; 2]);
            let nowhere = |database: &Database| database.make("FROM nowhere");
            assert!(database.both(nowhere, |_| Ok(())).is_err());
            assert!(database.both(|_| Ok(()), nowhere).is_err());
        }
    }

    #[test]
    fn a_table_is_the_same_whether_or_not_its_halves_are_made_at_once() {
        let (_folder, database) = database();
        for rows in [0_u64, 1, 2, 1 << 15, 100_001] {
            database.prepare_for(rows).unwrap();
            database
                .make(&format!(
                    "CREATE OR REPLACE TABLE numbers AS SELECT range AS number FROM range({rows})"
                ))
                .unwrap();
            database
                .make_table("twice", "SELECT number, 2 * number AS double FROM numbers", "numbers")
                .unwrap();
            let sums = "SELECT CAST(to_json([count(*), count(DISTINCT number), coalesce(sum(double), 0)]) AS VARCHAR) FROM twice";
            assert_eq!(database.row::<[u64; 3]>(sums).unwrap(), [rows, rows, rows * rows.saturating_sub(1)]);
            database.make("DROP TABLE twice").unwrap();
        }
        assert!(database.make_table("twice", "SELECT nothing AS number FROM numbers", "numbers").is_err());
    }

    #[test]
    fn messages_have_neither_our_sql_nor_advice() {
        let (_folder, database) = database();
        for sql in ["SELECT nothing FROM range(3)", "SELEC 1", "SELECT CAST('x' AS INTEGER)", "FROM nowhere"]
        {
            let problem = database.execute(sql).unwrap_err().to_string();
            assert!(
                !problem.contains("LINE") && !problem.contains("SELECT") && !problem.contains("Did you"),
                "{problem}"
            );
            assert!(!problem.is_empty());
        }
    }
}
