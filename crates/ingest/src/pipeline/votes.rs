//! Finds the items of the previous dataset again among the units of this one.

use std::path::Path;

use cliptune_experiment::Split;
use cliptune_store::{literal_path, sql_text};

use crate::database::Database;
use crate::error::IngestError;
use crate::kept::{Before, place};

/// Makes the view `before`, which has the items of the previous dataset.
pub(crate) fn make_before(database: &Database, items: &Path) -> Result<(), IngestError> {
    database.make(&format!(
        "CREATE VIEW before AS
             SELECT CAST('0x' || item_id AS UBIGINT) AS item, id, ids, \"group\", CAST(split AS split_name) AS split, fold, folder, image,
                    image_hash, multiplicity
             FROM read_parquet({})",
        sql_text(&literal_path(items))
    ))
}

/// Counts the items that each unit of groups had in each split.
///
/// An item is found by its group, or by the content of its image if the group has another name now. Nothing is found in
/// a dataset that shares no image with this one: groups called 1, 2, 3 occur in many unrelated datasets.
pub(crate) fn of_groups(database: &Database, units: usize) -> Result<Before, IngestError> {
    database.make(
        "CREATE TABLE image_units AS
             SELECT hash, min(unit) AS unit
             FROM (SELECT DISTINCT gid, image FROM outcomes WHERE kept AND image IS NOT NULL AND gid IS NOT NULL) AS own
             JOIN images ON images.number = own.image JOIN units ON units.gid = own.gid GROUP BY hash",
    )?;
    let shared: u64 = database.row(
        "SELECT CAST(count(*) AS VARCHAR) FROM before SEMI JOIN image_units ON image_units.hash = before.image_hash",
    )?;
    if shared == 0 {
        return Ok(Before::nothing(units));
    }
    found(
        database,
        units,
        "SELECT coalesce(own.unit, image_units.unit) AS unit, before.split, before.fold
         FROM before
         LEFT JOIN (SELECT name, unit FROM groups JOIN units ON units.gid = groups.number) AS own
             ON own.name = before.\"group\"
         LEFT JOIN image_units ON image_units.hash = before.image_hash",
    )
}

/// Counts the splits that each item was in as the very same item.
pub(crate) fn of_items(database: &Database, items: usize) -> Result<Before, IngestError> {
    found(
        database,
        items,
        "SELECT place AS unit, before.split, before.fold FROM before JOIN item_places ON item_places.item = before.item",
    )
}

fn found(database: &Database, units: usize, found: &str) -> Result<Before, IngestError> {
    let mut before = Before::nothing(units);
    let counted = database.rows::<(usize, Split, usize)>(&format!(
        "SELECT CAST(to_json([to_json(unit), to_json(split), to_json(count(*))]) AS VARCHAR)
         FROM ({found}) WHERE unit IS NOT NULL GROUP BY unit, split"
    ))?;
    for (unit, split, items) in counted {
        before.votes[unit][place(split)] += items;
    }
    // The fold of most items, and among equals the first.
    let folds = database.rows::<(usize, usize)>(&format!(
        "SELECT CAST(to_json([unit, arg_max(fold, items * 1000 - fold)]) AS VARCHAR)
         FROM (SELECT unit, fold, count(*) AS items FROM ({found})
               WHERE unit IS NOT NULL AND fold IS NOT NULL GROUP BY unit, fold) GROUP BY unit"
    ))?;
    for (unit, fold) in folds {
        before.folds[unit] = Some(fold);
    }
    Ok(before)
}
