//! Puts items and rejects that are in memory into tables of a database.

use std::sync::Arc;

use duckdb::Connection;
use duckdb::arrow::array::{ArrayRef, Int32Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use duckdb::arrow::error::ArrowError;

use crate::dataset_tables::{ITEMS, REJECTS};
use crate::item::Item;
use crate::parquet::Table;
use crate::reject::Reject;

/// The name of the table of the items.
const ITEMS_NAME: &str = "items";
/// The name of the table of the rejects.
const REJECTS_NAME: &str = "rejects";

/// The queries that give the rows which [`load`] has put into a database: the items and the rejects.
pub(crate) fn queries() -> [String; 2] {
    [ITEMS.ordered("FROM items"), REJECTS.ordered("FROM rejects")]
}

/// Makes the tables of a dataset in a database and fills them.
pub(crate) fn load(database: &Connection, items: &[Item], rejects: &[Reject]) -> duckdb::Result<()> {
    append(database, ITEMS_NAME, &ITEMS, item_columns(items))?;
    append(database, REJECTS_NAME, &REJECTS, reject_columns(rejects))
}

/// Makes a table and fills it with columns in the order of its description.
fn append(database: &Connection, name: &str, table: &Table, columns: Vec<ArrayRef>) -> duckdb::Result<()> {
    database.execute_batch(&table.create(name))?;
    let batch = batch(table, columns).map_err(|error| duckdb::Error::ToSqlConversionFailure(error.into()))?;
    let mut appender = database.appender(name)?;
    appender.append_record_batch(batch)?;
    appender.flush()
}

fn batch(table: &Table, columns: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    let names = table.columns.iter().map(|(name, _)| *name);
    RecordBatch::try_from_iter_with_nullable(names.zip(columns).map(|(name, column)| (name, column, true)))
}

fn item_columns(items: &[Item]) -> Vec<ArrayRef> {
    vec![
        texts(items, |item| &item.item_id),
        texts(items, |item| &item.id),
        lists(items, |item| &item.ids),
        texts(items, |item| &item.group),
        texts(items, |item| item.split.as_str()),
        numbers(items, |_| None::<i32>),
        numbers(items, |item| Some(item.folder)),
        texts(items, |item| &item.image),
        Arc::new(StringArray::from_iter_values(items.iter().map(|item| item.image_hash.to_string()))),
        numbers(items, |item| item.width),
        numbers(items, |item| item.height),
        lists(items, |item| &item.texts),
        numbers(items, |item| Some(item.label)),
        numbers(items, |item| Some(item.ids.len())),
        lists(items, |item| &item.vocabulary),
    ]
}

fn reject_columns(rejects: &[Reject]) -> Vec<ArrayRef> {
    let join_keys: StringArray = rejects.iter().map(|reject| reject.join_key.as_deref()).collect();
    vec![
        texts(rejects, |reject| reject.side.as_str()),
        texts(rejects, |reject| &reject.key),
        Arc::new(join_keys),
        texts(rejects, |reject| reject.reason.as_str()),
        texts(rejects, |reject| &reject.detail),
    ]
}

fn texts<'a, T>(rows: &'a [T], text: impl Fn(&'a T) -> &'a str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(text)))
}

/// Returns a column of numbers. What the column's type cannot hold is missing.
fn numbers<T, N: TryInto<i32>>(rows: &[T], number: impl Fn(&T) -> Option<N>) -> ArrayRef {
    let numbers = rows.iter().map(|row| number(row).and_then(|number| number.try_into().ok()));
    Arc::new(numbers.collect::<Int32Array>())
}

fn lists<'a, T>(rows: &'a [T], list: impl Fn(&'a T) -> &'a [String]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        list(row).iter().for_each(|text| lists.values().append_value(text));
        lists.append(true);
    }
    Arc::new(lists.finish())
}
