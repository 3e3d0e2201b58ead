//! Finds the column whose values name the images, where an experiment does not say how the two sides join.
//!
//! Every column of texts or numbers is compared with what the images are called in three forms: the file name, the path
//! below the folder, the file name without its extension. That costs a pass over each column, and memory for the names.
//! The join follows from the sources alone, so that the same sources give the same join wherever they are.

use cliptune_experiment::{ImageKey, Join};
use cliptune_store::FoundJoin;
use serde::Deserialize;

use super::rivals::{Candidate, Choice, choose};
use crate::database::Database;
use crate::error::{IngestError, JoinError};
use crate::table::{Kind, TABLE, Table, plain_name};
use crate::value::Values;

/// Makes the table of what images are called, with the image that a name means in each form. As in a join, a name that
/// several images have means none of them.
const NAMES: &str = "
    CREATE TABLE image_names AS
        SELECT name, max(by_name) AS by_name, max(by_path) AS by_path, max(by_stem) AS by_stem FROM (
            SELECT name, CASE count(*) WHEN 1 THEN min(cliptune_file) END AS by_name,
                   CAST(NULL AS INTEGER) AS by_path, CAST(NULL AS INTEGER) AS by_stem FROM file GROUP BY name
            UNION ALL SELECT path, NULL, CASE count(*) WHEN 1 THEN min(cliptune_file) END, NULL FROM file GROUP BY path
            UNION ALL SELECT stem, NULL, NULL, CASE count(*) WHEN 1 THEN min(cliptune_file) END FROM file GROUP BY stem
        ) GROUP BY name";

/// A column of the table with the SQL of its values as texts.
struct Column {
    /// The name as an experiment writes it.
    name: String,
    sql: String,
}

/// How the values of a column fit what the images are called.
#[derive(Deserialize)]
struct Fit {
    /// The number of rows with a value.
    rows: u64,
    /// For each form the number of rows that name an image, and the number of images.
    matched: [[u64; 2]; 3],
}

/// Finds the join. The database has the table and the view of the images.
pub(crate) fn find(database: &Database, table: &Table) -> Result<FoundJoin, IngestError> {
    database.make(NAMES)?;
    let images = database.row("SELECT CAST(count(*) AS VARCHAR) FROM files")?;
    let columns = columns(database, table)?;
    let mut candidates = Vec::new();
    for column in &columns {
        candidates.extend(measured(database, column, &column.sql, images)?);
    }
    let found = match choose(database, &candidates)? {
        Choice::Of(found) => Ok(found),
        Choice::Between(candidates) => {
            Err(JoinError::Ambiguous { path: table.path.clone(), candidates })
        }
        Choice::Nothing => Err(JoinError::NotFound {
            path: table.path.clone(),
            columns: table.names(),
            images: database.rows(
                "SELECT CAST(to_json(path) AS VARCHAR) FROM (SELECT path FROM file ORDER BY cliptune_file LIMIT 2)",
            )?,
            nearest: candidates
                .into_iter()
                .map(|candidate| Box::new(candidate.found))
                .max_by_key(|found| found.rows_matched),
            below: below(database, &columns, images)?,
        }),
    }?;
    database.make("DROP TABLE image_names")?;
    Ok(found)
}

/// Returns the columns whose values are texts or numbers.
fn columns(database: &Database, table: &Table) -> Result<Vec<Column>, IngestError> {
    let values = Values::of(database, table);
    let mut columns = Vec::new();
    for column in table.columns() {
        if !matches!(Kind::parse(&column.sql_type), Kind::Text | Kind::Number | Kind::Json) {
            continue;
        }
        match values.key(&column.name, "data.join.metadata") {
            Ok(sql) => columns.push(Column { name: column.name.clone(), sql }),
            // JSON with objects in it.
            Err(IngestError::ColumnType { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(columns)
}

/// Compares values of a column with what the images are called, and returns the forms in which any of them match. Of the
/// file name and the path only the better one counts.
fn measured(
    database: &Database,
    column: &Column,
    sql: &str,
    images: u64,
) -> Result<Vec<Candidate>, IngestError> {
    let matched =
        ["by_name", "by_path", "by_stem"].map(|form| format!("[count({form}), count(DISTINCT {form})]"));
    let fit: Fit = database.row(&format!(
        "SELECT CAST(to_json({{'rows': count(given.value), 'matched': [{}]}}) AS VARCHAR)
         FROM (SELECT {sql} AS value FROM {TABLE}) AS given LEFT JOIN image_names ON image_names.name = given.value",
        matched.join(", ")
    ))?;
    let candidate = |image: ImageKey, [rows_matched, images_matched]: [u64; 2]| Candidate {
        found: FoundJoin {
            join: Join { image, metadata: column.name.clone() },
            rows: fit.rows,
            rows_matched,
            images,
            images_matched,
        },
        sql: sql.to_owned(),
    };
    let [name, path, stem] = fit.matched;
    let whole = match path > name {
        true => candidate(ImageKey::Path, path),
        false => candidate(ImageKey::Name, name),
    };
    let found = [whole, candidate(ImageKey::Stem, stem)];
    Ok(found.into_iter().filter(|candidate| candidate.found.rows_matched > 0).collect())
}

/// Looks for a column whose values end in the names of images, as in `images/7.png` for an image `7.png`, and returns the
/// SQL that makes names of them.
fn below(database: &Database, columns: &[Column], images: u64) -> Result<Option<String>, IngestError> {
    for column in columns {
        for name_in in [name_in_path, name_in_any_path] {
            let found = measured(database, column, &name_in(&column.sql), images)?;
            let is_whole = |candidate: &Candidate| candidate.found.join.image == ImageKey::Name;
            if found.iter().any(|candidate| is_whole(candidate) && candidate.is_likely()) {
                return Ok(Some(name_in(&plain_name(&column.name))));
            }
        }
    }
    Ok(None)
}

/// Returns the SQL of the name at the end of a path.
fn name_in_path(path: &str) -> String {
    format!("split_part({path}, '/', -1)")
}

/// Returns the SQL of the name at the end of a path that may be one of Windows, or an address with what follows a name in one: the `?`
/// and `#` of `https://example.org/7.png?size=2#top`.
fn name_in_any_path(path: &str) -> String {
    format!(r"regexp_extract({path}, '([^/\\?#]+)([?#].*)?$', 1)")
}
