//! Reads the table of texts as it is. Nothing is guessed from what a text looks like.
//!
//! Text files are read here and not by DuckDB, which would take `1:15` for a time and a folder `label=0/` for a
//! column.

mod arrow;
mod database_file;
mod folders;
mod kind;
pub(crate) mod limits;
mod lines;
mod rows;
mod samples;
mod shape;
mod sqlite;

use std::path::{Path, PathBuf};

use cliptune_experiment::{TableFormat, TableSource};
use cliptune_store::{
    ROW_OF_FILE, TableFiles, TableLayout, csv, guard_parquet, literal_path, sql_name, sql_text,
};
use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;
use crate::problem::Problem;
pub(crate) use kind::{Kind, plain_name};

/// The name by which the SQL of an experiment can refer to the table.
pub(crate) use cliptune_store::TABLE_NAME as TABLE;

/// How much of a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All rows.
    Whole,
    /// The columns, and rows only where these are needed to know the columns.
    Header,
}

/// The loaded table, with its columns and the column that holds the row number.
pub(crate) struct Table {
    /// The path that the experiment names, which is that of a file or a glob.
    pub(crate) path: PathBuf,
    columns: Vec<Column>,
    /// The name of the column with the number of the row, counted from 0. The table itself has no column of that
    /// name.
    pub(crate) number: String,
    /// The files that are read where they lie whenever the table is asked.
    pub(crate) scanned: Vec<PathBuf>,
}

/// A column with its SQL type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "kind")]
    pub(crate) sql_type: String,
}

impl Table {
    /// Makes the table known to the database. Texts are read into the database, and parquet files are left where they are.
    pub(crate) fn load(
        database: &Database,
        source: &TableSource,
        table: &TableFiles,
        part: Part,
    ) -> Result<Self, IngestError> {
        let TableFiles { layout, files, names } = table;
        database.wait_for_files(files);
        let number = match layout {
            TableLayout::Plain => load_plain(database, source, files, part)?,
            TableLayout::Archives => samples::load(database, files, names)?,
            TableLayout::Rows => rows::load(database, files, names)?,
            TableLayout::Folders => folders::load(database, files, names, part)?,
        };
        let is_parquet =
            |file: &&PathBuf| file.extension().is_some_and(|it| it.eq_ignore_ascii_case("parquet"));
        let scanned = files.iter().filter(is_parquet).cloned().collect();
        let mut columns = described(database, TABLE)?;
        columns.retain(|column| column.name != number);
        Ok(Self { path: files[0].clone(), columns, number, scanned })
    }

    /// Checks whether the table is read from files so small that what they hold fits into memory beside all else.
    pub(crate) fn is_small(&self) -> bool {
        /// The size in bytes of all files together.
        const SMALL: u64 = 16 << 20;
        let size = |file: &PathBuf| fs_err::metadata(file).map_or(u64::MAX, |file| file.len());
        !self.scanned.is_empty() && self.scanned.iter().map(size).fold(0, u64::saturating_add) <= SMALL
    }

    /// Returns the column with exactly the given name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Returns all columns in order.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the names of all columns.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Returns what an SQL expression can call each value of a list: in `[c.raw for c in options]`, DuckDB would take a column `c` for
    /// it if there were one.
    pub(crate) fn one_of_list(&self) -> String {
        free_name("c", self.columns.iter().map(|column| column.name.as_str()))
    }
}

fn load_plain(
    database: &Database,
    source: &TableSource,
    files: &[PathBuf],
    part: Part,
) -> Result<String, IngestError> {
    match source.format {
        TableFormat::Parquet => load_parquet(database, files, &|_| Ok("*".to_owned())),
        TableFormat::Csv => load_csv(database, files, None, part),
        TableFormat::Jsonl => lines::load(database, files, None),
        TableFormat::Arrow => arrow::load(database, files),
        TableFormat::Database => database_file::load(database, files, source.table.as_deref()),
        // These have a layout of their own.
        TableFormat::Tar | TableFormat::Beside => Err(IngestError::Changed),
    }
}

/// Returns the columns of a table, a view or a query.
pub(crate) fn described(database: &Database, table: &str) -> Result<Vec<Column>, IngestError> {
    let columns = "SELECT CAST(to_json({'name': column_name, 'kind': column_type}) AS VARCHAR) FROM";
    database.rows(&format!("{columns} (DESCRIBE {table})"))
}

/// Attributes what the database refuses to a file.
fn of_file(path: &Path, error: IngestError) -> IngestError {
    match error {
        IngestError::Database(problem) => unreadable(path, problem),
        other => other,
    }
}

pub(crate) fn unreadable(path: &Path, problem: impl Into<Problem>) -> IngestError {
    IngestError::Table { path: path.to_path_buf(), problem: problem.into() }
}

/// Finds a name for the row number that no column has.
fn number_column<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> String {
    free_name("cliptune_row", columns)
}

/// Returns a name that no column has, and that begins with the given one.
fn free_name<'a>(first: &str, columns: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut name = first.to_owned();
    while columns.clone().any(|column| column.eq_ignore_ascii_case(&name)) {
        name.push('_');
    }
    name
}

/// Makes a view over parquet files. A function gives the SQL of what is read of each of them.
fn load_parquet(
    database: &Database,
    files: &[PathBuf],
    select: &dyn Fn(usize) -> Result<String, IngestError>,
) -> Result<String, IngestError> {
    let mut columns: Option<(&PathBuf, Vec<Column>)> = None;
    let mut parts = Vec::new();
    let mut start = 0_u64;
    for (at, file) in files.iter().enumerate() {
        guard_parquet(file).map_err(|problem| unreadable(file, problem))?;
        let select = select(at)?;
        let source = read_parquet(file);
        let query = format!("SELECT {select} FROM {source}");
        let found = described(database, &query).map_err(|error| of_file(file, error))?;
        match &columns {
            Some((first, columns)) => same_columns(file, &found, first, columns)?,
            None => columns = Some((file, found)),
        }
        let first = start;
        // Only the rows of the next file have to be counted on.
        if at + 1 < files.len() {
            let count = format!("SELECT CAST(count(*) AS VARCHAR) FROM {source}");
            start += database.row::<u64>(&count).map_err(|error| of_file(file, error))?;
        }
        parts.push(move |row: &str, number: &str| {
            format!("SELECT {select}, {row} + {first} AS {number} FROM {source}")
        });
    }
    let (first, columns) = columns.unwrap_or((&files[0], Vec::new()));
    let number = number_column(columns.iter().map(|column| column.name.as_str()));
    let is_hidden = columns.iter().any(|column| column.name.eq_ignore_ascii_case(ROW_OF_FILE));
    let row = if is_hidden { "row_number() OVER () - 1" } else { ROW_OF_FILE };
    let parts = parts.iter().map(|part| part(row, &number)).collect::<Vec<_>>().join(" UNION ALL ");
    let load = match is_hidden {
        true => format!(
            "SET preserve_insertion_order = true; CREATE TABLE {TABLE} AS {parts};
             SET preserve_insertion_order = false"
        ),
        false => format!("CREATE VIEW {TABLE} AS {parts}"),
    };
    database.execute(&load).map_err(|problem| unreadable(first, problem))?;
    Ok(number)
}

/// Returns the SQL that reads a parquet file. Folders in the path do not become columns, and the columns are those of
/// the file.
fn read_parquet(file: &Path) -> String {
    format!("read_parquet({}, hive_partitioning = false)", sql_text(&literal_path(file)))
}

fn same_columns(file: &Path, found: &[Column], first: &Path, columns: &[Column]) -> Result<(), IngestError> {
    let shown = |column: Option<&Column>| {
        column.map_or("nothing".to_owned(), |column| {
            format!("{} {}", plain_name(&column.name), column.sql_type)
        })
    };
    let width = found.len().max(columns.len());
    match (0..width).find(|&at| found.get(at) != columns.get(at)) {
        None => Ok(()),
        Some(at) => Err(unreadable(
            file,
            format!(
                "it does not have the columns of {}: column {} is {}, there it is {}",
                first.display(),
                at + 1,
                shown(found.get(at)),
                shown(columns.get(at))
            ),
        )),
    }
}

/// Makes a table of text files. Where they are about the images of folders, these are given with a slash at the end.
fn load_csv(
    database: &Database,
    files: &[PathBuf],
    folders: Option<&[String]>,
    part: Part,
) -> Result<String, IngestError> {
    let mut header: Option<(&PathBuf, Vec<Column>, String)> = None;
    let mut row = 0_u64;
    for (at, file) in files.iter().enumerate() {
        let mut records =
            csv::Records::open(file).map_err(|problem| unreadable(file, problem.to_string()))?;
        let names = records.record().map_err(|problem| unreadable(file, problem))?;
        let names = names.ok_or_else(|| unreadable(file, "it is empty: not even a header"))?;
        let width = names.len();
        let images = match folders {
            Some(folders) => {
                Some(folders::Images::of(&folders[at], &names).map_err(|problem| unreadable(file, problem))?)
            }
            None => None,
        };
        let image = images.iter().map(|_| Some(folders::IMAGE.to_owned()));
        let columns = text_columns(unique(image.chain(names)));
        match &header {
            Some((first, known, _)) => same_columns(file, &columns, first, known)?,
            None => header = Some((file, columns.clone(), create(database, file, &columns)?)),
        }
        if part == Part::Header {
            continue;
        }
        let next = || {
            let record = records.row(width)?;
            Ok(record.map(|record| {
                images.iter().map(|images| images.path(&record)).chain(record.iter().cloned()).collect()
            }))
        };
        let appended = database.append_texts(TABLE, columns.len(), &mut row, next);
        appended.map_err(|problem| unreadable(file, problem))?;
    }
    let (.., number) = header.ok_or_else(|| IngestError::Changed)?;
    Ok(number)
}

fn text_columns(names: Vec<String>) -> Vec<Column> {
    names.into_iter().map(|name| Column { name, sql_type: "VARCHAR".to_owned() }).collect()
}

/// Makes column names of what a file calls its columns, so that none is empty and none occurs twice.
fn unique(written: impl IntoIterator<Item = Option<String>>) -> Vec<String> {
    let mut names = Vec::new();
    let mut taken = std::collections::HashSet::new();
    for (at, name) in written.into_iter().enumerate() {
        let written = name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("column{at}"));
        let mut name = written.clone();
        let mut repeated = 0;
        while !taken.insert(name.to_lowercase()) {
            repeated += 1;
            name = format!("{written}_{repeated}");
        }
        names.push(name);
    }
    names
}

/// Creates the empty table with the column of the row number, and returns the name of that.
fn create(database: &Database, file: &Path, columns: &[Column]) -> Result<String, IngestError> {
    let number = number_column(columns.iter().map(|column| column.name.as_str()));
    let listed: Vec<String> =
        columns.iter().map(|column| format!("{} {}", sql_name(&column.name), column.sql_type)).collect();
    let create = format!("CREATE TABLE {TABLE} ({}, {number} BIGINT)", listed.join(", "));
    database.execute(&create).map_err(|problem| unreadable(file, problem))?;
    Ok(number)
}
