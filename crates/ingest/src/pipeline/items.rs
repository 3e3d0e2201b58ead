//! Makes the items, and puts them into splits.

use std::sync::Arc;

use cliptune_experiment::{DataPlan, Split, SplitBy, Task};
use cliptune_store::ImageFile;
use duckdb::arrow::array::{ArrayRef, Int8Array, Int32Array};
use duckdb::arrow::error::ArrowError;
use duckdb::arrow::record_batch::RecordBatch;

use super::ROW_NAME;
use super::images::columns;
use crate::database::Database;
use crate::error::IngestError;
use crate::kept::place;

/// The number of rows whose identifiers are gathered into lists at once.
const GATHERED: u64 = 1 << 20;
/// The number of splits that are appended at once.
const BATCH: usize = 1 << 16;

/// Makes the table `items` and returns the number of items. An item has its identity, its first row, and the number of
/// rows that it stands for; everything else is that of its first row.
///
/// A copy that a column puts into another split stays a separate item. The author of the column caused this leak, and it
/// has to show.
pub(crate) fn make(database: &Database, plan: &DataPlan) -> Result<u64, IngestError> {
    let items = match plan.deduplicate {
        true => {
            "SELECT item, split, count(*) AS rows, min(number) AS number, arg_min(image, number) AS image,
                    any_value(gid) AS gid, any_value(label) AS label, CAST(any_value(len(said)) AS INTEGER) AS texts
             FROM outcomes WHERE item IS NOT NULL GROUP BY item, split"
        }
        // Two rows may be the same even in their identifiers.
        false => {
            "SELECT CASE copy WHEN 1 THEN item ELSE cliptune_again(item, copy) END AS item, split, 1 AS rows, number, image,
                    gid, label, texts
             FROM (SELECT *, row_number() OVER (PARTITION BY item, split ORDER BY number) AS copy,
                          CAST(len(said) AS INTEGER) AS texts
                   FROM outcomes WHERE item IS NOT NULL)"
        }
    };
    database.make(&format!("CREATE TABLE items AS {items}"))?;
    database.row("SELECT CAST(count(*) AS VARCHAR) FROM items")
}

/// Makes the table `item_places`, which numbers the items, and returns how many there are.
pub(crate) fn number(database: &Database) -> Result<usize, IngestError> {
    database.make(
        "CREATE TABLE item_places AS SELECT row_number() OVER (ORDER BY item) - 1 AS place, item FROM items",
    )?;
    database.row("SELECT CAST(count(*) AS VARCHAR) FROM item_places")
}

/// Makes the table `placed`, which has the items with their components and splits: those of a column.
pub(crate) fn place_as_they_are(database: &Database) -> Result<(), IngestError> {
    placed(
        database,
        "items.split, fold_names.fold",
        "JOIN cells ON cells.number = items.number LEFT JOIN fold_names ON fold_names.name = cells.split",
    )
}

/// Makes the table `placed` from the places of all units.
pub(crate) fn place_by_unit(database: &Database, places: &Places) -> Result<(), IngestError> {
    append(database, places)?;
    placed(database, DEALT, "JOIN dealt ON dealt.unit = units.unit")
}

/// Makes the table `placed` from the places of all items.
pub(crate) fn place_by_item(database: &Database, places: &Places) -> Result<(), IngestError> {
    append(database, places)?;
    placed(
        database,
        DEALT,
        "JOIN item_places ON item_places.item = items.item JOIN dealt ON dealt.unit = item_places.place",
    )
}

/// The columns of `placed` that come from the table `dealt`.
const DEALT: &str = "dealt.split, dealt.fold";

/// Where the units go.
pub(crate) struct Places {
    /// The split of each unit.
    pub(crate) splits: Vec<Split>,
    /// The fold of each unit in a cross-validation.
    pub(crate) folds: Option<Vec<usize>>,
}

/// Makes the table `placed`. `place` are the columns `split` and `fold`.
fn placed(database: &Database, place: &str, joins: &str) -> Result<(), IngestError> {
    database.make(&format!(
        "CREATE TABLE placed AS
             SELECT items.item, items.split AS given, {place}, rows, items.number, image, items.gid, items.label, items.texts, component
             FROM items JOIN units ON units.gid = items.gid {joins}"
    ))
}

/// Removes the table `items`, which `placed` replaces.
pub(crate) fn forget(database: &Database) -> Result<(), IngestError> {
    database.make("DROP TABLE items")
}

/// Makes the table `dealt`: the split and the fold of each unit.
fn append(database: &Database, places: &Places) -> Result<(), IngestError> {
    database.make("CREATE TABLE places (unit INTEGER, place TINYINT, fold INTEGER)")?;
    let fold = |unit: usize| Some(*places.folds.as_ref()?.get(unit)? as i32);
    let batches =
        places.splits.chunks(BATCH).enumerate().map(|(at, splits)| -> Result<RecordBatch, ArrowError> {
            let first = at * BATCH;
            let units: ArrayRef =
                Arc::new((first..first + splits.len()).map(|unit| unit as i32).collect::<Int32Array>());
            let places: ArrayRef =
                Arc::new(splits.iter().map(|split| place(*split) as i8).collect::<Int8Array>());
            let folds: ArrayRef = Arc::new((first..first + splits.len()).map(fold).collect::<Int32Array>());
            columns(["unit", "place", "fold"], [units, places, folds])
        });
    database.append("places", batches)?;
    let names = Split::ALL.map(|split| format!(" WHEN {} THEN '{split}'", place(split))).concat();
    database.make(&format!(
        "CREATE TABLE dealt AS SELECT unit, CAST(CASE place{names} END AS split_name) AS split, fold FROM places; DROP TABLE places"
    ))
}

/// Makes the table `copies` from the table `items`: for each item of several rows, the names of the rows in order and all their vocabulary.
///
/// Lists of many rows are gathered in parts, because DuckDB holds those that it gathers in memory. They are put in order
/// as lists: an ordered aggregate takes five times as long.
pub(crate) fn gather_copies(database: &Database, plan: &DataPlan) -> Result<(), IngestError> {
    database
        .make("CREATE TABLE copies (item UBIGINT, given split_name, ids VARCHAR[], vocabulary VARCHAR[])")?;
    let repeated: Option<u64> =
        database.row("SELECT coalesce(CAST(sum(rows) AS VARCHAR), 'null') FROM items WHERE rows > 1")?;
    let parts = repeated.unwrap_or(0).div_ceil(GATHERED);
    let [of_row, cells, all] = match plan.columns.vocabulary.as_slice() {
        [] => ["", "cells", "CAST([] AS VARCHAR[])"],
        _ => [
            ", 'vocabulary': coalesce(cells.vocabulary, [])",
            "whole",
            "cliptune_distinct(flatten(list_transform(copies, lambda copy: copy.vocabulary)))",
        ],
    };
    for part in 0..parts {
        database.make(&format!(
            "INSERT INTO copies
             SELECT item, split, list_transform(copies, lambda copy: copy.name), {all}
             FROM (SELECT outcomes.item, outcomes.split,
                          list_sort(list({{'number': cells.number, 'name': {ROW_NAME}{of_row}}})) AS copies
                   FROM outcomes JOIN {cells} AS cells ON cells.number = outcomes.number
                   SEMI JOIN (SELECT item, split FROM items WHERE rows > 1) AS repeated
                       ON repeated.item = outcomes.item AND repeated.split = outcomes.split
                   WHERE outcomes.item % {parts} = {part} GROUP BY outcomes.item, outcomes.split)"
        ))?;
    }
    Ok(())
}

/// Makes the table `classes`, which numbers the classes of the items in the order of their names, and returns their names.
pub(crate) fn number_classes(database: &Database) -> Result<Vec<String>, IngestError> {
    database.make(
        "CREATE TABLE classes AS
             SELECT CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS number, name
             FROM (SELECT DISTINCT words.texts[1] AS name FROM placed JOIN words ON words.number = placed.number)",
    )?;
    database.rows("SELECT CAST(to_json(name) AS VARCHAR) FROM classes ORDER BY number")
}

/// Returns the query of all items, as the dataset's table has them.
///
/// They are put in order by numbers, which are in the order of what they stand for, and without the names of images, which
/// are looked up afterwards: what is sorted is what goes to the disk where memory is short.
///
/// The candidates of items with a class are the classes of the dataset.
pub(crate) fn query(plan: &DataPlan) -> String {
    let (group, groups) = match plan.columns.group {
        Some(_) => ("groups.name", "JOIN groups ON groups.number = placed.gid"),
        None => ("NULL", ""),
    };
    let [texts, label, classes] = match plan.columns.task {
        Task::Choice { .. } | Task::Pairs { .. } => ["cells.texts", "placed.label", ""],
        Task::Classes { .. } => [
            "CAST([] AS VARCHAR[]) AS texts",
            "classes.number AS label",
            "JOIN classes ON classes.name = cells.texts[1]",
        ],
    };
    let [vocabulary, kept] = match plan.columns.vocabulary.as_slice() {
        [] => ["CAST([] AS VARCHAR[])", ""],
        _ => ["coalesce(vocabulary, [])", ", coalesce(copies.vocabulary, cells.vocabulary) AS vocabulary"],
    };
    format!(
        "SELECT printf('%016x', item) AS item_id, name AS id, coalesce(ids, [name]) AS ids,
                coalesce(group_name, {own}) AS \"group\", split, fold, folder,
                cliptune_image_path(image) AS image, cliptune_image_hash(image) AS image_hash, width, height, texts, label,
                rows AS multiplicity, {vocabulary} AS vocabulary
         FROM (SELECT placed.item, {ROW_NAME} AS name, copies.ids, {group} AS group_name, placed.split, placed.fold,
                      images.folder, placed.image, images.width, images.height, {texts}, {label}, placed.rows{kept}
               FROM placed JOIN whole AS cells ON cells.number = placed.number
               JOIN images ON images.number = placed.image {groups} {classes}
               LEFT JOIN copies ON copies.item = placed.item AND copies.given = placed.given
               ORDER BY CAST(placed.split AS VARCHAR), placed.gid, placed.item, placed.number)",
        own = ImageFile::name_sql("folder", "cliptune_image_path(image)"),
    )
}

/// Returns a query that gives the fingerprints of the texts of all items, each with the item's split.
pub(crate) fn texts(by: &SplitBy) -> &'static str {
    match by {
        SplitBy::Column(_) => "SELECT unnest(said) AS text, split FROM outcomes WHERE item IS NOT NULL",
        SplitBy::Component { .. } | SplitBy::Group => {
            "SELECT unnest(said) AS text, dealt.split FROM outcomes JOIN units ON units.gid = outcomes.gid
             JOIN dealt ON dealt.unit = units.unit WHERE item IS NOT NULL"
        }
        SplitBy::Row => {
            "SELECT unnest(said) AS text, placed.split FROM outcomes JOIN placed ON placed.number = outcomes.number"
        }
    }
}
