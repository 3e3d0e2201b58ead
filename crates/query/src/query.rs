//! Answers SQL over the views.

use std::collections::BTreeSet;
use std::path::Path;

use cliptune_durable::{StagedFolder, parent, publish};
use cliptune_store::{Store, StoreError, sql_text};
use cliptune_terminal::did_you_mean;
use fs_err as fs;
use tempfile::TempPath;

use crate::database::Database;
use crate::error::QueryError;
use crate::events::{EVENTS, lines};
use crate::index::Runs;
use crate::json::harmless_json;
use crate::load::load;
use crate::output::Answer;
use crate::predictions::predictions;
use crate::statement::Statement;
use crate::system::SYSTEM;
use crate::tables::{Made, of_datasets};
use crate::views::View;

/// The name that the rows of an answer have in SQL. Messages leave out lines that have it.
const ROWS: &str = "cliptune_rows";

/// The bytes that a program may take that runs SQL of a user: the bound of the database, which does not count what a single
/// value takes, as much again for that, and as much for the answer.
pub const MEMORY: u64 = 6 << 30;

/// A question that can be answered. Nothing is read or written any more but what the answer needs.
pub struct Query {
    database: Database,
    statement: Statement,
    damage: Vec<StoreError>,
    /// Where a file is written until it is whole.
    staging: Option<StagedFolder>,
    /// Files that are removed when the question is answered.
    _temporary: Vec<TempPath>,
}

impl Query {
    /// Reads a question, and only as much of the store as it names. `file` is the file that the answer will be written to, if
    /// it is.
    ///
    /// # Errors
    /// Returns an error when the text is anything but one SELECT over the views, or when the store cannot be read.
    pub fn open(store: &Store, runs: &Runs, sql: &str, file: Option<&Path>) -> Result<Self, QueryError> {
        let database = Database::open()?;
        let statement = Statement::read(&database, sql)?;
        let staging = file.map(staging).transpose()?;
        let made = make(&database, store, runs, &statement.views)?;
        database.close(&made.files, staging.as_ref().map(StagedFolder::path))?;
        Ok(Self { database, statement, damage: made.damage, staging, _temporary: made.temporary })
    }

    /// Returns the errors about files that are left out because they are damaged.
    pub fn damage(&self) -> &[StoreError] {
        &self.damage
    }

    /// Answers with a table of texts.
    ///
    /// # Errors
    /// Returns an error when the question cannot be answered, or not within its bounds.
    pub fn answer(&self) -> Result<Answer, QueryError> {
        self.asked(&format!("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n{}\n) AS {ROWS}", self.statement.sql))
    }

    /// Answers with a JSON object for each row.
    ///
    /// # Errors
    /// Returns an error when the question cannot be answered, or not within its bounds.
    pub fn json(&self) -> Result<Vec<String>, QueryError> {
        let sql =
            format!("SELECT CAST(to_json({ROWS}) AS VARCHAR) FROM (\n{}\n) AS {ROWS}", self.statement.sql);
        let answer = self.asked(&sql)?;
        Ok(answer.rows().filter_map(|row| row.first().copied().flatten().map(harmless_json)).collect())
    }

    /// Writes the answer to the file that the question was opened for.
    ///
    /// # Errors
    /// Returns an error when the question cannot be answered, or when the file cannot be written or holds something else.
    pub fn parquet(&self, file: &Path) -> Result<(), QueryError> {
        make_way(file, 0, b"PAR1", "parquet")?;
        let Some(staging) = &self.staging else { return Ok(()) };
        let staged = staging.path().join("answer.parquet");
        let sql = format!(
            "COPY (SELECT * FROM (\n{}\n) AS {ROWS}) TO {} (FORMAT parquet, COMPRESSION zstd)",
            self.statement.sql,
            sql_text(&staged.to_string_lossy())
        );
        self.database.execute(&sql).map_err(|error| self.explained(error))?;
        Ok(publish(&staged, file)?)
    }

    /// Writes all views as tables of a DuckDB file, and returns the errors about what is left out because it is damaged.
    ///
    /// # Errors
    /// Returns an error when the store cannot be read, or when the file cannot be written or holds something else.
    pub fn save(store: &Store, runs: &Runs, file: &Path) -> Result<Vec<StoreError>, QueryError> {
        make_way(file, 8, b"DUCK", "DuckDB")?;
        let staging = staging(file)?;
        let database = Database::open()?;
        let made = make(&database, store, runs, &View::ALL.into_iter().collect())?;
        let staged = staging.path().join("saved.duckdb");
        save_all(&database, &staged)?;
        publish(&staged, file)?;
        Ok(made.damage)
    }

    fn asked(&self, sql: &str) -> Result<Answer, QueryError> {
        self.database.texts(sql).map_err(|error| self.explained(error))
    }

    /// Adds which column may have been meant.
    fn explained(&self, error: QueryError) -> QueryError {
        let QueryError::Sql { said, hint: None } = error else { return error };
        let known: Vec<&str> =
            self.statement.views.iter().flat_map(|view| view.columns()).map(|column| column.name).collect();
        let is_unknown = |name: &&String| {
            !known.iter().any(|column| column.eq_ignore_ascii_case(name))
                && said.contains(&format!("\"{name}\""))
        };
        let mut unknown = self.statement.columns.iter().filter_map(|parts| parts.last()).filter(is_unknown);
        let hint = unknown.next().map(|name| match did_you_mean(name, &known) {
            Some(similar) => format!("did you mean {similar}?"),
            None => format!("the columns are {}", known.join(", ")),
        });
        QueryError::Sql { said, hint }
    }
}

/// Makes some views.
fn make(database: &Database, store: &Store, runs: &Runs, views: &BTreeSet<View>) -> Result<Made, QueryError> {
    let mut all = Made::default();
    for view in views {
        let made = match view {
            View::Runs | View::Settings | View::Metrics => {
                load(database, *view, runs)?;
                continue;
            }
            View::System => lines(database, store, runs, &SYSTEM)?,
            View::Events => lines(database, store, runs, &EVENTS)?,
            View::Predictions => predictions(database, store, runs)?,
            View::Items | View::Rejects => of_datasets(database, store, *view)?,
        };
        all.extend(made);
    }
    Ok(all)
}

/// Writes a view as a table, with what its columns mean.
fn save(database: &Database, view: View) -> Result<(), QueryError> {
    let name = view.name();
    database.make(&format!("CREATE TABLE saved.{name} AS FROM {name}"))?;
    database.make(&format!("COMMENT ON TABLE saved.{name} IS {}", sql_text(view.about())))?;
    view.columns().iter().try_for_each(|column| {
        let about = sql_text(column.about);
        database.make(&format!("COMMENT ON COLUMN saved.{name}.\"{}\" IS {about}", column.name))
    })
}

/// Writes all views to a new DuckDB file.
fn save_all(database: &Database, file: &Path) -> Result<(), QueryError> {
    let fill = || View::ALL.into_iter().try_for_each(|view| save(database, view));
    // DuckDB follows links, and takes what follows a `?` in a path for parameters.
    let place = fs::canonicalize(parent(file))?;
    if !place.as_os_str().as_encoded_bytes().contains(&b'?') {
        return database.saved(file, fill);
    }
    let elsewhere = tempfile::tempdir()?;
    let saved = elsewhere.path().join("saved.duckdb");
    database.saved(&saved, fill)?;
    fs::copy(&saved, file)?;
    Ok(())
}

/// Makes a folder beside a file, and removes what killed processes have left there.
fn staging(file: &Path) -> Result<StagedFolder, QueryError> {
    let folder = parent(file);
    match folder.is_dir() {
        true => Ok(StagedFolder::beside(&std::path::absolute(file)?)?),
        false => Err(QueryError::NoFolder { path: folder.to_path_buf() }),
    }
}

/// Makes sure that nothing is lost when a file is written: what is there has to be of the same kind.
fn make_way(file: &Path, at: usize, magic: &[u8], kind: &'static str) -> Result<(), QueryError> {
    if fs::symlink_metadata(file).is_err() {
        return Ok(());
    }
    let bytes = first_bytes(file, at + magic.len());
    match bytes.is_ok_and(|bytes| bytes.get(at..) == Some(magic)) {
        true => Ok(()),
        false => Err(QueryError::Occupied { path: file.to_path_buf(), kind }),
    }
}

fn first_bytes(file: &Path, count: usize) -> Result<Vec<u8>, std::io::Error> {
    use std::io::Read as _;
    if !fs::metadata(file)?.is_file() {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
