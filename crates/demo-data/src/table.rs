//! The table of the contest, as a parquet file.

use std::path::Path;

use duckdb::{Connection, params};

use crate::error::Error;
use crate::rows::Row;

/// Separates the items of a list while it is staged, because DuckDB's appender takes no lists.
const SEPARATOR: &str = "\u{1f}";

const STAGE: &str = "
    SET threads = 1;
    CREATE TABLE staged (
        number INTEGER, contest_number INTEGER, image_location VARCHAR, image_description VARCHAR,
        image_uncanny_description VARCHAR, entities VARCHAR, questions VARCHAR, caption_choices VARCHAR,
        from_description VARCHAR, label VARCHAR, n_tokens_label INTEGER, instance_id VARCHAR, filename VARCHAR
    );";

/// Writes `rows`, in their order, to `path`. It uses one thread, so that the same rows give the same bytes.
pub(crate) fn write(path: &Path, rows: &[Row]) -> Result<(), Error> {
    try_write(path, rows).map_err(|source| Error::Table { path: path.to_owned(), source })
}

fn try_write(path: &Path, rows: &[Row]) -> Result<(), duckdb::Error> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(STAGE)?;
    stage(&connection, rows)?;
    let target = path.to_string_lossy().replace('\'', "''");
    connection.execute_batch(&format!(
        "COPY (
            SELECT contest_number, image_location, image_description, image_uncanny_description,
                string_split(entities, chr(31)) AS entities, string_split(questions, chr(31)) AS questions,
                string_split(caption_choices, chr(31)) AS caption_choices,
                from_description, label, n_tokens_label, instance_id, filename
            FROM staged ORDER BY number
        ) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    ))
}

fn stage(connection: &Connection, rows: &[Row]) -> Result<(), duckdb::Error> {
    let mut appender = connection.appender("staged")?;
    for (number, row) in rows.iter().enumerate() {
        // Both numbers fit into 32 bits, because a contest has at most `MAX_CARTOONS` cartoons.
        appender.append_row(params![
            number as i32,
            row.contest_number as i32,
            row.image_location,
            row.image_description,
            row.image_uncanny_description,
            row.entities.join(SEPARATOR),
            row.questions.join(SEPARATOR),
            row.caption_choices.join(SEPARATOR),
            row.from_description,
            row.label,
            1,
            row.instance_id,
            row.filename,
        ])?;
    }
    appender.flush()
}
