//! Finds out what has changed since the previous dataset, which the view `before` has.

use cliptune_experiment::DataPlan;
use cliptune_store::{Changes, Difference, ImageFile, Move};
use serde::Deserialize;

use super::ROW_NAME;
use crate::database::Database;
use crate::error::IngestError;

/// Compares the items. Where rows have an identifier of their own, it tells a changed row from another one.
pub(crate) fn find(
    database: &Database,
    since: &str,
    plan: &DataPlan,
    merges: u64,
) -> Result<Changes, IngestError> {
    Ok(Changes {
        since: since.to_owned(),
        images: images(database)?,
        rows: rows(database, plan)?,
        moved: moved(database)?,
        merges,
    })
}

/// What one side has and the other lacks, with the part of it that both have under the same name.
#[derive(Deserialize)]
struct Counted {
    gone: u64,
    new: u64,
    changed: u64,
}

impl Counted {
    fn difference(&self) -> Difference {
        let Self { gone, new, changed } = *self;
        Difference { added: new.saturating_sub(changed), removed: gone.saturating_sub(changed), changed }
    }
}

/// Compares the images. They are the same if their content is, and changed if a file of the same name has another content.
fn images(database: &Database) -> Result<Difference, IngestError> {
    let counted: Counted = database.row(&format!(
        "WITH old AS (SELECT image_hash AS hash, max({before}) AS name FROM before GROUP BY image_hash),
              now AS (SELECT hash, max({now}) AS name FROM (SELECT DISTINCT image FROM placed) AS own
                      JOIN images ON images.number = own.image GROUP BY hash),
              gone AS (FROM old ANTI JOIN now ON now.hash = old.hash),
              new AS (FROM now ANTI JOIN old ON old.hash = now.hash)
         SELECT CAST(to_json({{'gone': (SELECT count(*) FROM gone), 'new': (SELECT count(*) FROM new),
                               'changed': (SELECT count(*) FROM new SEMI JOIN gone ON gone.name = new.name)}}) AS VARCHAR)",
        before = ImageFile::name_sql("folder", "image"),
        now = ImageFile::name_sql("folder", "path"),
    ))?;
    Ok(counted.difference())
}

/// Compares the rows. They are the same if all of their content is, and changed if the same identifier, or else the same
/// group and image, have another content.
fn rows(database: &Database, plan: &DataPlan) -> Result<Difference, IngestError> {
    let (old, now) = match plan.columns.id {
        Some(_) => (
            "SELECT item, unnest(ids) AS name, '' AS more, 1 AS rows FROM before".to_owned(),
            format!(
                "SELECT own.item, {ROW_NAME} AS name, '' AS more, 1 AS rows FROM {} AS own
                 JOIN cells ON cells.number = own.number WHERE own.item IS NOT NULL",
                if plan.deduplicate { "outcomes" } else { "placed" },
            ),
        ),
        None => (
            format!(
                "SELECT item, \"group\" AS name, {} AS more, multiplicity AS rows FROM before",
                ImageFile::name_sql("folder", "image")
            ),
            format!(
                "SELECT item, groups.name, {} AS more, rows FROM placed
                 JOIN groups ON groups.number = placed.gid JOIN images ON images.number = placed.image",
                ImageFile::name_sql("folder", "path")
            ),
        ),
    };
    let counted: Counted = database.row(&format!(
        "WITH contents AS (
             SELECT name, more, sum(rows) AS more_rows FROM (
                 SELECT item, name, more, -rows AS rows FROM ({old}) UNION ALL SELECT item, name, more, rows FROM ({now}))
             GROUP BY item, name, more HAVING sum(rows) <> 0),
         names AS (
             SELECT coalesce(-sum(more_rows) FILTER (more_rows < 0), 0) AS gone,
                    coalesce(sum(more_rows) FILTER (more_rows > 0), 0) AS new
             FROM contents GROUP BY name, more)
         SELECT CAST(to_json({{'gone': coalesce(CAST(sum(gone) AS BIGINT), 0), 'new': coalesce(CAST(sum(new) AS BIGINT), 0),
                               'changed': coalesce(CAST(sum(least(gone, new)) AS BIGINT), 0)}}) AS VARCHAR) FROM names"
    ))?;
    Ok(counted.difference())
}

/// Counts the items that were in another split.
fn moved(database: &Database) -> Result<Vec<Move>, IngestError> {
    database.rows(
        "SELECT CAST(to_json({'from': old.split, 'to': placed.split, 'items': count(*)}) AS VARCHAR)
         FROM placed JOIN (SELECT item, max(split) AS split FROM before GROUP BY item) AS old ON old.item = placed.item
         WHERE old.split <> placed.split GROUP BY old.split, placed.split ORDER BY old.split, placed.split",
    )
}
