//! Joins image files with table rows.

use cliptune_experiment::{DataPlan, ImageKey, Join, Sample};

use crate::database::Database;
use crate::error::IngestError;
use crate::expression::{attributed, execute_with, operand};
use crate::table::{TABLE, Table, described};

const IMAGE_KEY: &str = "data.join.image";
const WHERE: &str = "data.where";

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
        make_where(database, table, WHERE, filter, "met")?;
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

/// Finds what is wrong with the SQL that looks at images, without reading a row or an image. Nothing is joined in this database.
pub(crate) fn mistakes(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    join: Option<&Join>,
) -> Result<Vec<IngestError>, IngestError> {
    database.make("CREATE TABLE matches (number BIGINT, image INTEGER)")?;
    let image = join.map(|join| &join.image);
    let keys = image.map(|image| (IMAGE_KEY, image.as_written(), keys_query(database, image)));
    let filter = plan.filter.as_deref();
    let filter = filter.map(|sql| (WHERE, sql, where_query(database, table, WHERE, sql)));
    let bound = |(key, sql, query): (_, &str, Result<String, IngestError>)| {
        described(database, &query?).map(drop).map_err(|error| attributed(error, key, sql))
    };
    Ok(keys.into_iter().chain(filter).map(bound).filter_map(Result::err).collect())
}

fn image_keys(database: &Database, key: &ImageKey) -> Result<(), IngestError> {
    let statement = format!("CREATE TABLE image_keys AS {}", keys_query(database, key)?);
    execute_with(database, IMAGE_KEY, key.as_written(), &statement)
}

fn keys_query(database: &Database, key: &ImageKey) -> Result<String, IngestError> {
    let expression = match key {
        ImageKey::Sql(sql) => operand(database, IMAGE_KEY, sql, &[])?,
        ImageKey::Path | ImageKey::Name | ImageKey::Stem => key.as_written().to_owned(),
    };
    Ok(format!("SELECT cliptune_file AS number, CAST({expression} AS VARCHAR) AS key FROM file"))
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
    let statement = format!("CREATE TABLE {name} AS {}", where_query(database, table, key, filter)?);
    execute_with(database, key, filter, &statement)
}

fn where_query(
    database: &Database,
    table: &Table,
    key: &'static str,
    filter: &str,
) -> Result<String, IngestError> {
    let condition = operand(database, key, filter, &table.names())?;
    Ok(format!(
        "SELECT {TABLE}.{number} AS number FROM {TABLE}
         JOIN (SELECT number AS cliptune_match, image AS cliptune_image FROM matches WHERE image IS NOT NULL) AS matches
             ON matches.cliptune_match = {TABLE}.{number}
         JOIN (SELECT * FROM file) AS file ON file.cliptune_file = matches.cliptune_image WHERE {condition}",
        number = table.number
    ))
}
