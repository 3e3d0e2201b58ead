//! Joins image files with table rows.

use cliptune_experiment::{DataPlan, ImageKey, Join, Sample};

use crate::database::Database;
use crate::error::IngestError;
use crate::expression::{execute_with, operand};
use crate::table::{TABLE, Table};

/// Makes the tables of the images' keys and the views over them. NULL matches no key, and a key that several images have
/// matches none of them.
const MATCHES: &str = "
    CREATE TABLE keys AS
        SELECT key, count(*) AS images, min(number) AS image FROM image_keys WHERE key IS NOT NULL GROUP BY key;
    CREATE VIEW matches AS
        SELECT cells.*, coalesce(keys.images, 0) AS images, CASE keys.images WHEN 1 THEN keys.image END AS image
        FROM cells LEFT JOIN keys ON keys.key = cells.key;";

/// Makes the view `joined`: for each row its cells, the number of images that have its key, the image if it is only one,
/// and whether `where` and `sample` keep the row. Rows without an image are kept.
pub(crate) fn make(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    join: &Join,
) -> Result<(), IngestError> {
    image_keys(database, &join.image)?;
    database.make(MATCHES)?;
    let mut eligible = "matches WHERE image IS NOT NULL";
    if let Some(filter) = plan.filter.as_deref() {
        make_where(database, table, "data.where", filter, "met")?;
        eligible = "met";
    }
    if let Some(Sample { rows, seed }) = plan.sample {
        database.make(&format!(
            "CREATE TABLE drawn AS SELECT number FROM {eligible}
             ORDER BY cliptune_lot(CAST(number AS BIGINT), CAST({seed} AS BIGINT)), number LIMIT {rows}"
        ))?;
        eligible = "drawn";
    }
    if plan.filter.is_none() && plan.sample.is_none() {
        return database.make("CREATE VIEW joined AS SELECT *, true AS kept FROM matches");
    }
    database.make(&format!(
        "CREATE VIEW joined AS
             SELECT matches.*, image IS NULL OR eligible.number IS NOT NULL AS kept
             FROM matches LEFT JOIN {eligible} AS eligible ON eligible.number = matches.number"
    ))
}

fn image_keys(database: &Database, key: &ImageKey) -> Result<(), IngestError> {
    const KEY: &str = "data.join.image";
    let (sql, expression) = match key {
        ImageKey::Path => ("path", "path".to_owned()),
        ImageKey::Name => ("name", "name".to_owned()),
        ImageKey::Stem => ("stem", "stem".to_owned()),
        ImageKey::Sql(sql) => (sql.as_str(), operand(database, KEY, sql, &[])?),
    };
    let statement = format!(
        "CREATE TABLE image_keys AS SELECT cliptune_file AS number, CAST({expression} AS VARCHAR) AS key FROM file"
    );
    execute_with(database, KEY, sql, &statement)
}

/// Makes a table with the numbers of the matched rows for which a condition is true. The condition sees the columns of the
/// table and of `file`, and no others whose names an experiment might use. Subqueries have no `rowid`.
pub(crate) fn make_where(
    database: &Database,
    table: &Table,
    key: &'static str,
    filter: &str,
    name: &'static str,
) -> Result<(), IngestError> {
    let condition = operand(database, key, filter, &table.names())?;
    let statement = format!(
        "CREATE TABLE {name} AS SELECT {TABLE}.{number} AS number FROM {TABLE}
         JOIN (SELECT number AS cliptune_match, image AS cliptune_image FROM matches WHERE image IS NOT NULL) AS matches
             ON matches.cliptune_match = {TABLE}.{number}
         JOIN (SELECT * FROM file) AS file ON file.cliptune_file = matches.cliptune_image WHERE {condition}",
        number = table.number
    );
    execute_with(database, key, filter, &statement)
}
