//! The two tables of a dataset: the only description of their columns, and the only code that writes them.
//!
//! Whoever makes the tables in a database of their own creates them with [`Table::create`] and hands them to
//! [`write_items`] and [`write_rejects`] as queries.

use std::path::Path;

use duckdb::Connection;

use crate::error::StoreError;
use crate::parquet::{Table, export};
use crate::regular::file_hash;

/// The file of the items.
pub(crate) const ITEMS_FILE: &str = "items.parquet";
/// The file of the rejects.
pub(crate) const REJECTS_FILE: &str = "rejects.parquet";

/// The columns of `items.parquet`. [`Item`](crate::Item) says what each of them means.
///
/// Rows are ordered by split first, so that the row groups of one split lie together and the others are not read.
pub const ITEMS: Table = Table {
    columns: &[
        ("item_id", "VARCHAR"),
        ("id", "VARCHAR"),
        ("ids", "VARCHAR[]"),
        ("group", "VARCHAR"),
        ("split", "VARCHAR"),
        // The number of the fold in a cross-validation, which keeps the folds together when data is added.
        ("fold", "INTEGER"),
        ("folder", "INTEGER"),
        ("image", "VARCHAR"),
        ("image_hash", "VARCHAR"),
        ("width", "INTEGER"),
        ("height", "INTEGER"),
        ("texts", "VARCHAR[]"),
        ("label", "INTEGER"),
        ("multiplicity", "INTEGER"),
        ("vocabulary", "VARCHAR[]"),
    ],
    order: &["split", "group", "item_id", "id"],
};

/// The columns of `rejects.parquet`. [`Reject`](crate::Reject) says what each of them means.
pub const REJECTS: Table = Table {
    columns: &[
        ("side", "VARCHAR"),
        ("key", "VARCHAR"),
        ("join_key", "VARCHAR"),
        ("reason", "VARCHAR"),
        ("detail", "VARCHAR"),
    ],
    order: &["side", "reason", "key", "detail"],
};

/// Writes the items into the folder of a dataset, and returns the hash of their file.
///
/// The query gives the columns of [`ITEMS`] in any order, and its rows as [`Table::ordered`] has them. The database must be
/// allowed to write into the folder.
///
/// # Errors
///
/// Returns an error when the query fails or the file cannot be written.
pub fn write_items(folder: &Path, database: &Connection, query: &str) -> Result<String, StoreError> {
    write(&folder.join(ITEMS_FILE), &ITEMS, database, query)
}

/// Writes the rejects into the folder of a dataset as [`write_items`] writes the items, with the columns of [`REJECTS`].
///
/// # Errors
///
/// Returns an error when the query fails or the file cannot be written.
pub fn write_rejects(folder: &Path, database: &Connection, query: &str) -> Result<String, StoreError> {
    write(&folder.join(REJECTS_FILE), &REJECTS, database, query)
}

fn write(path: &Path, table: &Table, database: &Connection, query: &str) -> Result<String, StoreError> {
    export(database, path, table, query)?;
    file_hash(path)
}
