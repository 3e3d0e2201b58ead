//! The image files as columns, before and after they are inspected.

use std::sync::Arc;

use cliptune_store::ImageFile;
use duckdb::arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use duckdb::arrow::error::ArrowError;

use crate::database::Database;
use crate::error::IngestError;
use crate::headers::Header;

/// The number of images that are appended at once.
const BATCH: usize = 1 << 14;

/// The SQL of the view `file`, which is what the SQL of an experiment can use about an image. The number column has a
/// name that no user would give a column.
const FILE: &str = r"CREATE VIEW file AS
    SELECT number AS cliptune_file, path, name,
           CASE WHEN regexp_matches(name, '(?s)^.+\.[^.]*$') THEN regexp_extract(name, '(?s)^(.+)\.[^.]*$', 1) ELSE name END
               AS stem,
           regexp_extract(name, '(?s)^.+\.([^.]*)$', 1) AS extension, size
    FROM (SELECT number, path, split_part(path, '/', -1) AS name, size FROM files)";

/// Makes the table `files` and the view `file`.
pub(crate) fn load(database: &Database, images: &[ImageFile]) -> Result<(), IngestError> {
    database.make(
        "CREATE TABLE files (number INTEGER, folder INTEGER, path VARCHAR, size BIGINT, hash VARCHAR)",
    )?;
    let batches = images.chunks(BATCH).enumerate().map(|(at, images)| {
        let first = at * BATCH;
        let numbers: Int32Array = (first..first + images.len()).map(|number| number as i32).collect();
        let folders: Int32Array = images.iter().map(|image| image.folder.cast_signed()).collect();
        let paths = StringArray::from_iter_values(images.iter().map(|image| &*image.relative));
        let sizes: Int64Array = images.iter().map(|image| image.size.cast_signed()).collect();
        let hashes = StringArray::from_iter_values(images.iter().map(|image| image.identity.to_string()));
        columns(
            ["number", "folder", "path", "size", "hash"],
            [Arc::new(numbers), Arc::new(folders), Arc::new(paths), Arc::new(sizes), Arc::new(hashes)],
        )
    });
    database.append("files", batches)?;
    database.make(FILE)
}

/// Makes the table `images` from what their inspection found, and removes `files`. Images with the same content have the
/// same number in `content`, and `look` is how an image looks. Without an inspection nothing is known about any image.
pub(crate) fn inspected(database: &Database, headers: &[Header]) -> Result<(), IngestError> {
    database.make(
        "CREATE TABLE inspected (number INTEGER, width INTEGER, height INTEGER, rotated BOOLEAN, deep BOOLEAN, look UBIGINT, problem VARCHAR)",
    )?;
    let batches = headers.chunks(BATCH).enumerate().map(|(at, headers)| {
        let first = at * BATCH;
        let side = |side: u32| i32::try_from(side).ok();
        let whole = || headers.iter().map(|header| header.as_ref().ok());
        let numbers: Int32Array = (first..first + headers.len()).map(|number| number as i32).collect();
        let widths: Int32Array = whole().map(|header| side(header?.width)).collect();
        let heights: Int32Array = whole().map(|header| side(header?.height)).collect();
        let rotated: BooleanArray = whole().map(|header| Some(header?.rotated)).collect();
        let deep: BooleanArray = whole().map(|header| Some(header?.deep)).collect();
        let looks: UInt64Array = whole().map(|header| Some(header?.hash?.bits())).collect();
        let problems: StringArray = headers.iter().map(|header| header.as_ref().err()).collect();
        columns(
            ["number", "width", "height", "rotated", "deep", "look", "problem"],
            [
                Arc::new(numbers),
                Arc::new(widths),
                Arc::new(heights),
                Arc::new(rotated),
                Arc::new(deep),
                Arc::new(looks),
                Arc::new(problems),
            ],
        )
    });
    database.append("inspected", batches)?;
    database.make(
        "CREATE TABLE images AS
             SELECT files.number, folder, path, hash, width, height, rotated, deep, look, problem,
                    CAST(dense_rank() OVER (ORDER BY hash) AS INTEGER) AS content
             FROM files LEFT JOIN inspected ON inspected.number = files.number;
         DROP TABLE inspected; DROP VIEW file; DROP TABLE files",
    )
}

/// Returns columns with their names as a batch.
pub(crate) fn columns<const N: usize>(
    names: [&'static str; N],
    columns: [ArrayRef; N],
) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(
        names.into_iter().zip(columns).map(|(name, column)| (name, column, true)),
    )
}
