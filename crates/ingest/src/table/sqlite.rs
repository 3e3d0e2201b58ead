//! Tables and views of SQLite databases.
//!
//! SQLite gives each value a type and not each column, so that its rows are read as JSON lines are: the types of columns
//! are learned from all their values. Bytes are no text; of them only the number is read.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, Statement};
use serde_json::{Map, Value, json};

use super::database_file::place_of;
use super::lines::Lines;
use super::{limits, unique, unreadable};
use crate::database::Database;
use crate::error::IngestError;
use cliptune_store::sql_name;

/// Makes a table of the table of that name, or of the only one, in each of the files.
pub(super) fn load(
    database: &Database,
    files: &[PathBuf],
    name: Option<&str>,
) -> Result<String, IngestError> {
    let mut lines = Lines::begin(database)?;
    let mut columns = None;
    for file in files {
        let read = |problem: rusqlite::Error| unreadable(file, problem.to_string());
        let source = open(file).map_err(read)?;
        let tables = tables(&source).map_err(read)?;
        let table = sql_name(&tables[place_of(file, &tables, name)?]);
        let mut statement = source.prepare(&format!("SELECT * FROM {table}")).map_err(read)?;
        let names = unique(statement.column_names().into_iter().map(|name| Some(name.to_owned())));
        match &columns {
            None => columns = Some((file, names.clone())),
            Some((first, columns)) if *columns != names => {
                return Err(unreadable(file, format!("it does not have the columns of {}", first.display())));
            }
            Some(_) => {}
        }
        let interrupt = source.get_interrupt_handle();
        let appended =
            database.stoppable(|| interrupt.interrupt(), || append(&mut lines, &mut statement, &names));
        appended.map_err(|problem| unreadable(file, problem))?;
    }
    lines.finish(&files[0])
}

/// Opens a database so that nothing is written beside it and its own SQL can call nothing unusual.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let address = format!("file:{}?mode=ro&immutable=1", escaped(file));
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(address, flags)?;
    source.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")?;
    Ok(source)
}

/// Returns a path as it stands in an address.
fn escaped(file: &Path) -> String {
    let escape = |byte: &u8| match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    file.as_os_str().as_bytes().iter().map(escape).collect()
}

/// Lists the tables and the views.
fn tables(source: &Connection) -> rusqlite::Result<Vec<String>> {
    let listed = "SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
        ORDER BY name";
    source.prepare(listed)?.query_map([], |row| row.get(0))?.collect()
}

fn append(lines: &mut Lines<'_>, statement: &mut Statement<'_>, names: &[String]) -> Result<(), String> {
    let nothing: Map<String, Value> = names.iter().map(|name| (name.clone(), Value::Null)).collect();
    lines.learn(&Value::from(nothing).to_string())?;
    let mut rows = statement.query([]).map_err(|problem| problem.to_string())?;
    let mut number = 0_u64;
    lines.append(|| {
        let row = rows.next().map_err(|problem| problem.to_string())?;
        let Some(row) = row else { return Ok(None) };
        let place = format!("row {number}");
        number += 1;
        let object = object(row, names).map_err(|problem| format!("{place}: {problem}"))?;
        Ok(Some((place, object)))
    })
}

fn object(row: &Row<'_>, names: &[String]) -> Result<String, String> {
    let mut object = Map::new();
    for (at, name) in names.iter().enumerate() {
        let value = row.get_ref(at).map_err(|problem| problem.to_string())?;
        object.insert(name.clone(), value_of(value).map_err(|problem| format!("{name} {problem}"))?);
    }
    let object = Value::from(object).to_string();
    match object.len() > limits::ROW {
        true => Err(format!("it is longer than {} MB", limits::ROW >> 20)),
        false => Ok(object),
    }
}

fn value_of(value: ValueRef<'_>) -> Result<Value, String> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(json!(value)),
        // JSON has no infinity.
        ValueRef::Real(value) if !value.is_finite() => Ok(json!(value.to_string())),
        ValueRef::Real(value) => Ok(json!(value)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(json!(text)),
            Err(_) => Err("is a text that is not UTF-8".to_owned()),
        },
        ValueRef::Blob(bytes) => Ok(json!({ "bytes": bytes.len() })),
    }
}
