//! The two tables of a dataset: the only description of their columns, and the only code that writes them.
//!
//! Whoever makes the tables in a database of their own creates them with [`Table::create`] and hands them to
//! [`write_dataset`](crate::write_dataset) as queries.

use std::path::Path;

use duckdb::Connection;

use crate::dataset_record::TableHashes;
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

/// Writes both tables into a folder from the queries that give their rows, and returns the hashes of the files.
pub(crate) fn write_tables(
    folder: &Path,
    database: &Connection,
    items: &str,
    rejects: &str,
) -> Result<TableHashes, StoreError> {
    let write = |file: &str, table: &Table, query: &str| {
        let path = folder.join(file);
        export(database, &path, table, query)?;
        file_hash(&path)
    };
    Ok(TableHashes {
        items: write(ITEMS_FILE, &ITEMS, items)?,
        rejects: write(REJECTS_FILE, &REJECTS, rejects)?,
    })
}
