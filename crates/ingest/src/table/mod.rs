//! Reads the table of texts as it is. Nothing is guessed from what a text looks like.
//!
//! Text files are read here and not by DuckDB, which would take `1:15` for a time and a folder `label=0/` for a
//! column.

mod csv;
mod kind;
pub(crate) mod limits;
mod parquet;
mod shape;
mod text;

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use cliptune_experiment::{TableFormat, TableSource};
use cliptune_store::{literal_path, sql_name, sql_text};
use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;
pub(crate) use kind::{Kind, plain_name};

/// The name by which the SQL of an experiment can refer to the table.
pub(crate) const TABLE: &str = "metadata";

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
    /// Makes the table known to the database. Its files are given in order. Texts are read into the database, and
    /// parquet files are left where they are.
    pub(crate) fn load(
        database: &Database,
        source: &TableSource,
        files: &[PathBuf],
    ) -> Result<Self, IngestError> {
        let number = match source.format {
            TableFormat::Parquet => load_parquet(database, files)?,
            TableFormat::Csv => load_csv(database, files)?,
            TableFormat::Jsonl => load_json(database, files)?,
        };
        let scanned = match source.format {
            TableFormat::Parquet => files.to_vec(),
            TableFormat::Csv | TableFormat::Jsonl => Vec::new(),
        };
        let mut columns = described(database, TABLE)?;
        columns.retain(|column| column.name != number);
        Ok(Self { path: files[0].clone(), columns, number, scanned })
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
}

/// Returns the columns of a table, a view or a query.
pub(crate) fn described(database: &Database, table: &str) -> Result<Vec<Column>, IngestError> {
    let columns = "SELECT CAST(to_json({'name': column_name, 'kind': column_type}) AS VARCHAR) FROM";
    database.rows(&format!("{columns} (DESCRIBE {table})"))
}

pub(crate) fn unreadable(path: &Path, problem: impl ToString) -> IngestError {
    IngestError::Table { path: path.to_path_buf(), problem: problem.to_string() }
}

/// Finds a name for the row number that no column has.
fn number_column<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut number = "cliptune_row".to_owned();
    while columns.clone().any(|column| column.eq_ignore_ascii_case(&number)) {
        number.push('_');
    }
    number
}

fn load_parquet(database: &Database, files: &[PathBuf]) -> Result<String, IngestError> {
    let mut columns: Option<(&PathBuf, Vec<Column>)> = None;
    let mut starts = vec![0_u64];
    for file in files {
        parquet::guard(file).map_err(|problem| unreadable(file, problem))?;
        let view = format!("CREATE OR REPLACE VIEW source AS SELECT * FROM {}", read_parquet(file));
        database.execute(&view).map_err(|problem| unreadable(file, problem))?;
        let found = described(database, "source")?;
        match &columns {
            Some((first, columns)) => same_columns(file, &found, first, columns)?,
            None => columns = Some((file, found)),
        }
        let rows: u64 = database.row("SELECT CAST(count(*) AS VARCHAR) FROM source")?;
        starts.push(starts.last().unwrap_or(&0) + rows);
    }
    let (first, columns) = columns.unwrap_or((&files[0], Vec::new()));
    let number = number_column(columns.iter().map(|column| column.name.as_str()));
    let is_hidden = columns.iter().any(|column| column.name.eq_ignore_ascii_case(ROW_OF_FILE));
    let parts = files.iter().zip(&starts).map(|(file, start)| match is_hidden {
        true => {
            format!("SELECT *, row_number() OVER () - 1 + {start} AS {number} FROM {}", read_parquet(file))
        }
        false => format!("SELECT *, {ROW_OF_FILE} + {start} AS {number} FROM {}", read_parquet(file)),
    });
    let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
    let load = match is_hidden {
        true => format!(
            "SET preserve_insertion_order = true; CREATE TABLE {TABLE} AS {parts};
             SET preserve_insertion_order = false; DROP VIEW source"
        ),
        false => format!("CREATE VIEW {TABLE} AS {parts}; DROP VIEW source"),
    };
    database.execute(&load).map_err(|problem| unreadable(first, problem))?;
    Ok(number)
}

/// The name under which DuckDB gives the number of a row in its file, unless the file has a column of that name.
const ROW_OF_FILE: &str = "file_row_number";

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

fn load_csv(database: &Database, files: &[PathBuf]) -> Result<String, IngestError> {
    let mut header: Option<(&PathBuf, Vec<Column>, String)> = None;
    let mut row = 0_u64;
    for file in files {
        let always = is_tsv(file).then_some(b'\t');
        let records = text::open(file).and_then(|text| csv::Records::new(text, always));
        let mut records = records.map_err(|problem| unreadable(file, problem))?;
        let names = records.next().map_err(|problem| unreadable(file, problem))?;
        let names = names.ok_or_else(|| unreadable(file, "it is empty: not even a header"))?;
        let columns = csv_columns(names);
        match &header {
            Some((first, known, _)) => same_columns(file, &columns, first, known)?,
            None => header = Some((file, columns.clone(), create_csv(database, file, &columns)?)),
        }
        let width = columns.len();
        let appended = database.append_texts(TABLE, width, &mut row, || next_record(&mut records, width));
        appended.map_err(|problem| unreadable(file, problem))?;
    }
    let (.., number) = header.ok_or_else(|| IngestError::Changed)?;
    Ok(number)
}

/// Reads the next row. An empty line is a missing value if there is only one column, and is ignored otherwise.
fn next_record(records: &mut csv::Records, width: usize) -> Result<Option<csv::Record>, String> {
    loop {
        let line = records.line();
        let Some(record) = records.next()? else { return Ok(None) };
        match record.len() {
            found if found == width => return Ok(Some(record)),
            1 if record[0].is_none() => {}
            found => return Err(format!("line {line} has {found} values, and the header {width}")),
        }
    }
}

fn is_tsv(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.split('.').any(|part| part == "tsv")
}

/// Makes column names from a header, so that none is empty and none occurs twice.
fn csv_columns(header: csv::Record) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    let mut taken = std::collections::HashSet::new();
    for (at, name) in header.into_iter().enumerate() {
        let written = name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("column{at}"));
        let mut name = written.clone();
        let mut repeated = 0;
        while !taken.insert(name.to_lowercase()) {
            repeated += 1;
            name = format!("{written}_{repeated}");
        }
        columns.push(Column { name, sql_type: "VARCHAR".to_owned() });
    }
    columns
}

fn create_csv(database: &Database, file: &Path, columns: &[Column]) -> Result<String, IngestError> {
    let number = number_column(columns.iter().map(|column| column.name.as_str()));
    let listed: Vec<String> =
        columns.iter().map(|column| format!("{} VARCHAR", sql_name(&column.name))).collect();
    let create = format!("CREATE TABLE {TABLE} ({}, {number} BIGINT)", listed.join(", "));
    database.execute(&create).map_err(|problem| unreadable(file, problem))?;
    Ok(number)
}

fn load_json(database: &Database, files: &[PathBuf]) -> Result<String, IngestError> {
    database.execute("CREATE TABLE lines (line VARCHAR, number BIGINT)").map_err(IngestError::Database)?;
    let mut lessons = shape::Lessons::default();
    let mut row = 0_u64;
    for file in files {
        let mut input = text::open(file).map_err(|problem| unreadable(file, problem))?;
        let mut line = 0_u64;
        let appended = database.append_texts("lines", 1, &mut row, || {
            while let Some(text) = next_line(&mut input, &mut line)? {
                if !text.trim().is_empty() {
                    lessons.learn(&text).map_err(|problem| format!("line {line}: {problem}"))?;
                    return Ok(Some(vec![Some(text)]));
                }
            }
            Ok(None)
        });
        appended.map_err(|problem| unreadable(file, problem))?;
    }
    let names: Vec<&str> = lessons.row.iter().map(|(name, _)| name).collect();
    let number = number_column(names.into_iter());
    let load = format!(
        "CREATE TABLE {TABLE} AS SELECT {}number AS {number} FROM lines; DROP TABLE lines",
        json_columns(&lessons.row)
    );
    database.execute(&load).map_err(|problem| unreadable(&files[0], problem))?;
    Ok(number)
}

fn next_line(input: &mut dyn BufRead, line: &mut u64) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let limit = limits::ROW as u64 + 1;
    let read = input.take(limit).read_until(b'\n', &mut bytes).map_err(|problem| problem.to_string())?;
    *line += 1;
    match read as u64 {
        0 => Ok(None),
        read if read == limit => Err(format!("line {line} is longer than {} MB", limits::ROW >> 20)),
        _ => text::utf8(bytes, *line).map(Some),
    }
}

/// Returns the columns of JSON lines as SQL over `lines`, each followed by a comma.
///
/// SQL treats names that differ only in case as the same name, so the later ones get a number.
fn json_columns(row: &shape::Fields) -> String {
    let mut taken = std::collections::HashSet::new();
    let mut columns = String::new();
    let mut plain = serde_json::Map::new();
    for (at, (key, shape)) in row.iter().enumerate() {
        if !key.is_empty() && taken.insert(key.to_lowercase()) {
            plain.insert(key.to_owned(), shape.sql());
            continue;
        }
        let name = if key.is_empty() { format!("column{at}") } else { format!("{key}_{at}") };
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        columns.push_str(&format!("json_extract(line, {}) AS {}, ", sql_text(&pointer), sql_name(&name)));
    }
    if plain.is_empty() {
        return columns;
    }
    let shape = serde_json::Value::from(plain).to_string();
    format!("unnest(from_json(line, {})), {columns}", sql_text(&shape))
}
