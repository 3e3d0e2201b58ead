//! A run in a database of MLflow, which is SQLite. It is read without writing anything beside it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cliptune_store::{Told, ToldPoint, Tool, file_hash};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row};

use super::error::ImportError;
use super::flat::value_of;
use super::gathered::{Gathered, point, time};
use super::mlflow::{ACTIVE, COMMIT, NAME, USER};

/// The tables that a run is read from, each with the columns that are read.
const TABLES: [(&str, &[&str]); 4] = [
    (
        "runs",
        &[
            "run_uuid",
            "name",
            "user_id",
            "status",
            "start_time",
            "end_time",
            "source_version",
            "lifecycle_stage",
        ],
    ),
    ("params", &["key", "value", "run_uuid"]),
    ("metrics", &["key", "value", "timestamp", "run_uuid", "step", "is_nan"]),
    ("tags", &["key", "value", "run_uuid"]),
];
/// The most rows that are read of a table: one more than a record can hold, so that it is told.
const ROWS: usize = 1_000_001;

/// What SQLite adds to the name of a database for changes that are not all in it: its log, or what takes back half of a change.
const UNFINISHED: [&str; 2] = ["-wal", "-journal"];

/// A database that is open.
struct Database {
    path: PathBuf,
    source: Connection,
}

/// Reads the run that is named, or the only one.
pub(super) fn read(path: &Path, run: Option<&str>) -> Result<Gathered, ImportError> {
    let database = Database::open(path)?;
    database.expect_known()?;
    let id = database.chosen(run)?;
    let tags = database.texts("tags", &id)?;
    let metrics = database.metrics(&id)?;
    let params = database.texts("params", &id)?;
    let told = Told {
        settings: params.into_iter().map(|(key, text)| (key, value_of(&text))).collect(),
        metrics,
        ..database.about(&id, &tags)?
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = BTreeMap::from([(name, file_hash(path)?)]);
    let (tool_version, told, left_out) = (None, Told { tags, ..told }, Vec::new());
    Gathered { tool: Tool::Mlflow, tool_version, files, told, left_out }.bounded(path)
}

impl Database {
    /// Opens a database so that nothing is written beside it and its own SQL can call nothing unusual.
    fn open(path: &Path) -> Result<Self, ImportError> {
        if UNFINISHED.iter().any(|ending| is_beside(path, ending)) {
            let problem = "a process has it open, or left changes beside it: end MLflow, which puts them into the database";
            return Err(ImportError::Unreadable { path: path.to_path_buf(), problem: problem.to_owned() });
        }
        let address = format!("file:{}?mode=ro&immutable=1", escaped(path));
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let unreadable = |error: rusqlite::Error| unreadable(path, &error);
        let source = Connection::open_with_flags(address, flags).map_err(unreadable)?;
        source
            .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")
            .map_err(unreadable)?;
        Ok(Self { path: path.to_path_buf(), source })
    }

    /// Makes sure that the database has the tables of MLflow with the columns that are read. A view of that name could be anything.
    fn expect_known(&self) -> Result<(), ImportError> {
        let is_table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
        for (table, columns) in TABLES {
            let there: i64 = self
                .source
                .query_row(is_table, [table], |row| row.get(0))
                .map_err(|error| self.said(&error))?;
            if there == 0 {
                return Err(self.other(&format!("it has no table {table}")));
            }
            let own = self.rows("SELECT name FROM pragma_table_info(?1) LIMIT ?2", table, |row| {
                row.get::<_, String>(0)
            })?;
            if let Some(lost) = columns.iter().find(|column| !own.iter().any(|own| own == *column)) {
                return Err(self.other(&format!("its table {table} has no column {lost}")));
            }
        }
        Ok(())
    }

    /// Returns the identity of the run that is meant.
    fn chosen(&self, run: Option<&str>) -> Result<String, ImportError> {
        let sql = "SELECT run_uuid FROM runs WHERE lifecycle_stage = ?1 ORDER BY run_uuid LIMIT ?2";
        let mut known = self.rows(sql, ACTIVE, |row| row.get::<_, String>(0))?;
        match run {
            Some(run) if known.iter().any(|one| one == run) => Ok(run.to_owned()),
            Some(run) => Err(ImportError::NoRun { path: self.path.clone(), run: run.to_owned(), known }),
            None if known.len() == 1 => Ok(known.swap_remove(0)),
            None if known.is_empty() => Err(ImportError::NoRun {
                path: self.path.clone(),
                run: "that was not deleted".to_owned(),
                known,
            }),
            None => Err(ImportError::SeveralRuns { path: self.path.clone(), runs: known }),
        }
    }

    /// Returns what the database says about a run apart from its settings, metrics and tags.
    fn about(&self, id: &str, tags: &BTreeMap<String, String>) -> Result<Told, ImportError> {
        let sql = "SELECT name, user_id, status, start_time, end_time, source_version FROM runs WHERE run_uuid = ?1";
        let told = self.source.query_row(sql, [id], |row| {
            let text =
                |at: usize| row.get::<_, Option<String>>(at).map(|text| text.filter(|text| !text.is_empty()));
            let moment = |at: usize| row.get::<_, Option<i64>>(at).map(|at| at.and_then(time));
            Ok(Told {
                id: Some(id.to_owned()),
                name: text(0)?.or_else(|| tags.get(NAME).cloned()),
                user: text(1)?.or_else(|| tags.get(USER).cloned()),
                status: text(2)?,
                started: moment(3)?,
                ended: moment(4)?,
                commit: text(5)?.or_else(|| tags.get(COMMIT).cloned()),
                ..Told::default()
            })
        });
        told.map_err(|error| self.said(&error))
    }

    /// Returns the texts by their keys that a table has of a run.
    fn texts(&self, table: &str, id: &str) -> Result<BTreeMap<String, String>, ImportError> {
        let sql = format!("SELECT key, value FROM {table} WHERE run_uuid = ?1 LIMIT ?2");
        let rows = self.rows(&sql, id, |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default()))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Returns the metrics of a run. A value that is no number is stored as 0 with a mark.
    fn metrics(&self, id: &str) -> Result<BTreeMap<String, Vec<ToldPoint>>, ImportError> {
        let sql = "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ?1 \
                   ORDER BY key, step, timestamp LIMIT ?2";
        let rows = self.rows(sql, id, |row| {
            let value = if row.get::<_, bool>(4)? { f64::NAN } else { row.get(1)? };
            Ok((row.get::<_, String>(0)?, point(row.get(3)?, row.get(2)?, value)))
        })?;
        let mut metrics = BTreeMap::<String, Vec<ToldPoint>>::new();
        for (key, point) in rows {
            metrics.entry(key).or_default().push(point);
        }
        Ok(metrics)
    }

    /// Returns the rows that a query with one text gives, at most [`ROWS`] of them.
    fn rows<T>(
        &self,
        sql: &str,
        text: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ImportError> {
        let rows = || -> rusqlite::Result<Vec<T>> {
            let mut statement = self.source.prepare(sql)?;
            let rows = statement.query_map(rusqlite::params![text, ROWS as i64], &read)?;
            rows.collect()
        };
        rows().map_err(|error| self.said(&error))
    }

    fn said(&self, error: &rusqlite::Error) -> ImportError {
        unreadable(&self.path, error)
    }

    /// Returns the error that another version of MLflow has made the database, or none: each version writes which schema it has made.
    fn other(&self, what: &str) -> ImportError {
        let sql = "SELECT version_num FROM alembic_version LIMIT 1";
        let revision = self.source.query_row(sql, [], |row| row.get::<_, String>(0)).optional();
        let path = self.path.clone();
        match revision.ok().flatten() {
            Some(revision) => {
                let found = format!("{what} (its schema is {revision})");
                ImportError::OtherVersion { path, tool: Tool::Mlflow, found }
            }
            None => {
                let problem = format!("{what}, which every database of MLflow has");
                ImportError::Unreadable { path, problem }
            }
        }
    }
}

/// Checks whether a file that is not empty lies beside a database, with its name and an ending.
fn is_beside(path: &Path, ending: &str) -> bool {
    let mut beside = OsString::from(path);
    beside.push(ending);
    fs_err::metadata(&beside).is_ok_and(|about| about.len() > 0)
}

fn unreadable(path: &Path, error: &rusqlite::Error) -> ImportError {
    ImportError::Unreadable { path: path.to_path_buf(), problem: error.to_string() }
}

/// Returns a path as it stands in an address.
fn escaped(file: &Path) -> String {
    let escape = |byte: &u8| match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    file.as_os_str().as_bytes().iter().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables as MLflow makes them, as far as they are read.
    const SCHEMA: &str = "
        CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), user_id VARCHAR(256), status VARCHAR(9),
            start_time BIGINT, end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20), experiment_id INTEGER);
        CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
        CREATE TABLE metrics (key VARCHAR(250), value DOUBLE, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN);
        CREATE TABLE tags (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
        CREATE TABLE alembic_version (version_num VARCHAR(32));
        INSERT INTO alembic_version VALUES ('dc11669786a5');
        INSERT INTO runs VALUES ('aa', 'clean-cat', 'ada', 'FINISHED', 1700000000000, NULL, NULL, 'active', 0);
        INSERT INTO params VALUES ('lr', '1e-5', 'aa'), ('lr', '1', 'bb');
        INSERT INTO metrics VALUES ('acc', 0.625, 1700000001000, 'aa', 1, 0), ('acc', 0.5, 1700000000500, 'aa', 0, 0),
            ('loss', 0, 1700000001000, 'aa', 1, 1);
        INSERT INTO tags VALUES ('mlflow.source.git.commit', 'abc', 'aa');";

    fn made(sql: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mlflow.db");
        Connection::open(&path).unwrap().execute_batch(&format!("{SCHEMA}{sql}")).unwrap();
        (folder, path)
    }

    #[test]
    fn the_only_run_is_read() {
        let (_folder, path) = made("");
        let told = read(&path, None).unwrap().told;
        assert_eq!((told.id.as_deref(), told.commit.as_deref()), (Some("aa"), Some("abc")));
        assert_eq!(told.settings, BTreeMap::from([("lr".to_owned(), serde_json::json!(1e-5))]));
        let last: Vec<(&str, f64)> = told.last_metrics().filter(|(_, value)| !value.is_nan()).collect();
        assert_eq!(last, [("acc", 0.625)]);
        assert!(told.metrics["loss"][0].value.is_nan());
    }

    #[test]
    fn one_of_several_is_named_and_deleted_ones_are_none() {
        let (_folder, path) =
            made("INSERT INTO runs (run_uuid, lifecycle_stage) VALUES ('bb', 'active'), ('cc', 'deleted');");
        assert!(
            matches!(read(&path, None), Err(ImportError::SeveralRuns { runs, .. }) if runs == ["aa", "bb"])
        );
        assert_eq!(read(&path, Some("bb")).unwrap().told.settings["lr"], serde_json::json!(1));
        assert!(matches!(read(&path, Some("cc")), Err(ImportError::NoRun { .. })));
    }

    #[test]
    fn one_that_is_being_changed_is_left_alone() {
        for ending in UNFINISHED {
            let (folder, path) = made("");
            let beside = folder.path().join(format!("mlflow.db{ending}"));
            fs_err::write(&beside, "").unwrap();
            assert!(read(&path, None).is_ok(), "nothing is left over in {ending}");
            fs_err::write(&beside, "half of a change").unwrap();
            let said = read(&path, None).unwrap_err().to_string();
            assert!(said.contains("a process has it open"), "{ending}: {said}");
        }
    }

    #[test]
    fn another_schema_is_named() {
        for (change, lost) in [
            ("ALTER TABLE metrics DROP COLUMN is_nan;", "no column is_nan"),
            (
                "DROP TABLE tags; CREATE VIEW tags AS SELECT key, value, run_uuid FROM params;",
                "no table tags",
            ),
        ] {
            let (_folder, path) = made(change);
            let said = read(&path, None).unwrap_err().to_string();
            assert!(said.contains(lost) && said.contains("dc11669786a5"), "{said}");
        }
        let (_folder, path) = made("DROP TABLE runs; DROP TABLE alembic_version;");
        let said = read(&path, None).unwrap_err().to_string();
        assert!(said.contains("it has no table runs, which every database of MLflow has"), "{said}");
    }
}
