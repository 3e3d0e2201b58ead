//! Tables in Arrow's IPC format, as a file (Feather) or as a stream. A file is read as the stream that it holds.

mod guard;
mod plain;

use std::io::{Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_ipc::reader::StreamReader;
use duckdb::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use duckdb::arrow::error::ArrowError;
use fs_err::File;

use super::{Column, TABLE, create, same_columns, unique, unreadable};
use crate::database::Database;
use crate::error::IngestError;
use plain::Plain;

/// The bytes that an IPC file begins and ends with.
const MAGIC: &[u8; 6] = b"ARROW1";

type Batches = StreamReader<File>;

/// Makes a table of all files. They have the same columns.
pub(super) fn load(database: &Database, files: &[PathBuf]) -> Result<String, IngestError> {
    let mut first: Option<(&PathBuf, Vec<Column>, String)> = None;
    let mut row = 0;
    for file in files {
        let refused = |problem: String| unreadable(file, problem);
        guard::guard(file).map_err(refused)?;
        let batches = contained(|| open(file)).map_err(refused)?;
        let schema = batches.schema();
        let names = unique(schema.fields().iter().map(|field| Some(field.name().clone())));
        let plain = schema.fields().iter().map(|field| Plain::of(field.name(), field.data_type()));
        let plain = plain.collect::<Result<Vec<Plain>, String>>().map_err(refused)?;
        let column =
            |(name, plain): (&String, &Plain)| Column { name: name.clone(), sql_type: plain.sql.clone() };
        let columns: Vec<Column> = names.iter().zip(&plain).map(column).collect();
        match &first {
            Some((first, known, _)) => same_columns(file, &columns, first, known)?,
            None => first = Some((file, columns.clone(), create(database, file, &columns)?)),
        }
        append(database, file, batches, &plain, &mut row)?;
    }
    first.map(|(.., number)| number).ok_or(IngestError::Changed)
}

fn open(file: &Path) -> Result<Batches, String> {
    let start = guard::start(file).map_err(|problem| problem.to_string())?;
    let mut input = File::open(file).map_err(|problem| problem.to_string())?;
    input.seek(SeekFrom::Start(start)).map_err(|problem| problem.to_string())?;
    StreamReader::try_new(input, None).map_err(|problem| problem.to_string())
}

fn append(
    database: &Database,
    file: &Path,
    batches: Batches,
    plain: &[Plain],
    row: &mut i64,
) -> Result<(), IngestError> {
    let mut batches = batches;
    let mut problem = None;
    let next = || {
        let next = contained(|| {
            let Some(batch) = batches.next() else { return Ok(None) };
            numbered(batch.map_err(|problem| problem.to_string())?, plain, row).map(Some)
        });
        next.unwrap_or_else(|told| {
            problem = Some(told);
            None
        })
    };
    let appended = database.append(TABLE, std::iter::from_fn(next).map(Ok));
    match problem {
        Some(problem) => Err(unreadable(file, problem)),
        None => appended.map_err(|error| unreadable(file, error.to_string())),
    }
}

/// Returns the columns as the database takes them, with the number of each row.
fn numbered(batch: RecordBatch, plain: &[Plain], row: &mut i64) -> Result<RecordBatch, String> {
    let rows = i64::try_from(batch.num_rows()).map_err(|problem| problem.to_string())?;
    let numbers: Int64Array = (*row..*row + rows).collect();
    *row += rows;
    let columns = batch.columns().iter().zip(plain).map(|(column, plain)| plain.made_of(column));
    let columns: Result<Vec<ArrayRef>, ArrowError> =
        columns.chain([Ok(Arc::new(numbers) as ArrayRef)]).collect();
    let named = columns.map_err(|problem| problem.to_string())?.into_iter().enumerate();
    RecordBatch::try_from_iter_with_nullable(named.map(|(at, column)| (at.to_string(), column, true)))
        .map_err(|problem| problem.to_string())
}

/// Runs a function of the library that reads Arrow's format. It checks its input by assertions, which a damaged file can
/// fail.
fn contained<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it is damaged".to_owned()))
}
