//! Database files: which database made one, and which of its tables is meant.

use std::io::Read;
use std::path::{Path, PathBuf};

use cliptune_store::{sql_name, sql_text};
use fs_err::File;

use super::{Column, TABLE, described, number_column, same_columns, sqlite, unreadable};
use crate::database::Database;
use crate::error::IngestError;
use crate::problem::Problem;

/// The database that made a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Sqlite,
    DuckDb,
}

/// The files that a database leaves beside its own while there are changes that it has not taken in.
const UNFINISHED: [&str; 3] = ["-wal", "-journal", ".wal"];

/// Makes a table of the table of that name, or of the only one, in each of the files.
pub(super) fn load(
    database: &Database,
    files: &[PathBuf],
    name: Option<&str>,
) -> Result<String, IngestError> {
    let makers = files.iter().map(|file| maker(file).map_err(|problem| unreadable(file, problem)));
    match makers.collect::<Result<Vec<Maker>, IngestError>>()?.as_slice() {
        makers if makers.iter().all(|maker| *maker == Maker::Sqlite) => sqlite::load(database, files, name),
        makers if makers.iter().all(|maker| *maker == Maker::DuckDb) => load_duckdb(database, files, name),
        _ => Err(unreadable(&files[0], "some files of the table are of SQLite and some of DuckDB")),
    }
}

/// Tells which database made a file by its first bytes. A database that has changes beside it is refused, because the
/// table that it is known by is its own file.
fn maker(file: &Path) -> Result<Maker, String> {
    let mut head = Vec::new();
    let opened = File::open(file).and_then(|file| file.take(100).read_to_end(&mut head));
    opened.map_err(|problem| problem.to_string())?;
    let maker = match head.as_slice() {
        head if head.starts_with(b"SQLite format 3\0") => Maker::Sqlite,
        [_, _, _, _, _, _, _, _, b'D', b'U', b'C', b'K', ..] => Maker::DuckDb,
        _ => return Err("it is a database of neither SQLite nor DuckDB".to_owned()),
    };
    let size = fs_err::metadata(file).map_err(|problem| problem.to_string())?.len();
    if maker == Maker::Sqlite && sqlite_size(&head).is_none_or(|said| said > size) {
        return Err("it is cut short".to_owned());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = UNFINISHED.into_iter().map(|suffix| format!("{name}{suffix}"));
    let is_there = |beside: &String| {
        fs_err::metadata(file.with_file_name(beside)).is_ok_and(|file| file.is_file() && file.len() > 0)
    };
    match beside.into_iter().find(is_there) {
        Some(beside) => {
            Err(format!("it has changes in {beside} that it has not taken in; close whoever writes it"))
        }
        None => Ok(maker),
    }
}

/// Returns the size that a SQLite database says it has, as far as its header can be believed.
fn sqlite_size(head: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u64::from(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?)));
    let page = match u16::from_be_bytes(head.get(16..18)?.try_into().ok()?) {
        1 => 1 << 16,
        size => u64::from(size),
    };
    let is_current = number(24)? == number(92)?;
    Some(if is_current { page * number(28)? } else { page })
}

/// Returns the place of the table of that name, or of the only one.
pub(super) fn place_of(file: &Path, tables: &[String], name: Option<&str>) -> Result<usize, IngestError> {
    let place = match name {
        Some(name) => tables.iter().position(|table| table == name),
        None => (tables.len() == 1).then_some(0),
    };
    place.ok_or_else(|| IngestError::WhichTable {
        path: file.to_path_buf(),
        named: name.map(str::to_owned),
        tables: tables.to_vec(),
    })
}

/// The name by which the database knows the file that is read.
const SOURCE: &str = "cliptune_source";

/// Copies the tables, because a file that stays attached would show its other tables to an experiment's SQL. Views are no
/// tables: their SQL could read any file.
fn load_duckdb(database: &Database, files: &[PathBuf], name: Option<&str>) -> Result<String, IngestError> {
    let mut first: Option<(&PathBuf, Vec<Column>, String)> = None;
    database.make("SET preserve_insertion_order = true")?;
    for file in files {
        let refused = |problem: Problem| unreadable(file, problem);
        let path = sql_text(&file.to_string_lossy());
        database.execute(&format!("ATTACH {path} AS {SOURCE} (READ_ONLY, TYPE duckdb)")).map_err(refused)?;
        let table = table_in_source(database, file, name)?;
        let found = described(database, &table)?;
        let load = match &first {
            None => {
                let number = number_column(found.iter().map(|column| column.name.as_str()));
                let load = format!(
                    "CREATE TABLE {TABLE} AS SELECT *, row_number() OVER () - 1 AS {number} FROM {table}"
                );
                first = Some((file, found, number));
                load
            }
            Some((first, columns, _)) => {
                same_columns(file, &found, first, columns)?;
                format!(
                    "INSERT INTO {TABLE} SELECT *, row_number() OVER () - 1 + (SELECT count(*) FROM {TABLE}) FROM {table}"
                )
            }
        };
        database.execute(&format!("{load}; DETACH {SOURCE}")).map_err(refused)?;
    }
    database.make("SET preserve_insertion_order = false")?;
    first.map(|(.., number)| number).ok_or(IngestError::Changed)
}

/// Returns the SQL that names the table in the attached file. Tables of another schema than `main` are called by both
/// names.
fn table_in_source(database: &Database, file: &Path, name: Option<&str>) -> Result<String, IngestError> {
    let tables: Vec<[String; 2]> = database.rows(&format!(
        "SELECT CAST(to_json([schema_name, table_name]) AS VARCHAR) FROM duckdb_tables()
         WHERE database_name = {} AND NOT internal ORDER BY schema_name, table_name",
        sql_text(SOURCE)
    ))?;
    let shown = |[schema, table]: &[String; 2]| match schema.as_str() {
        "main" => table.clone(),
        _ => format!("{schema}.{table}"),
    };
    let place = place_of(file, &tables.iter().map(shown).collect::<Vec<_>>(), name)?;
    let [schema, table] = &tables[place];
    Ok(format!("{SOURCE}.{}.{}", sql_name(schema), sql_name(table)))
}
