//! Counts what became of the images, rows and items.

use std::collections::BTreeMap;

use cliptune_experiment::{DataPlan, Split, Task};
use cliptune_store::{ImageFile, ItemCounts, JoinCounts, Leaks, SplitCounts, Spread};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::items;
use super::looks::{self, Crossing};
use crate::database::Database;
use crate::error::IngestError;

/// Counts both sides of the join.
pub(crate) fn join(database: &Database) -> Result<JoinCounts, IngestError> {
    database.row(&format!(
        "SELECT CAST(to_json({{
             'images': (SELECT count(*) FROM images), 'rows': (SELECT count(*) FROM outcomes),
             'images_matched': count(*), 'rows_matched': coalesce(CAST(sum(rows) AS BIGINT), 0),
             'rows_filtered': (SELECT count(*) FROM outcomes WHERE NOT kept),
             'rows_per_image': {spread}, 'images_with_one_row': count(*) FILTER (rows = 1)}}) AS VARCHAR)
         FROM (SELECT count(*) AS rows FROM outcomes WHERE image IS NOT NULL GROUP BY image)",
        spread = spread("rows"),
    ))
}

/// Returns the SQL of a [`Spread`](cliptune_store::Spread) of a number.
fn spread(number: &str) -> String {
    format!(
        "{{'fewest': coalesce(min({number}), 0), 'median': coalesce(quantile_disc({number}, 0.5), 0),
           'most': coalesce(max({number}), 0)}}"
    )
}

/// Counts the items.
pub(crate) fn items(database: &Database) -> Result<ItemCounts, IngestError> {
    #[derive(Deserialize)]
    struct Counted {
        items: u64,
        rows: u64,
        groups: u64,
        items_per_group: Spread,
        components: u64,
    }
    let Counted { items, rows, groups, items_per_group, components } = database.row(&format!(
        "SELECT CAST(to_json({{
             'items': coalesce(CAST(sum(items) AS BIGINT), 0), 'rows': coalesce(CAST(sum(rows) AS BIGINT), 0),
             'groups': count(*), 'items_per_group': {}, 'components': count(DISTINCT component)}}) AS VARCHAR)
         FROM (SELECT gid, any_value(component) AS component, count(*) AS items, sum(rows) AS rows FROM placed GROUP BY gid)",
        spread("items"),
    ))?;
    Ok(ItemCounts {
        items,
        rows,
        rows_folded: rows - items,
        groups,
        items_per_group,
        components,
        multiplicities: tally(database, "rows")?,
        texts_per_item: tally(database, "texts")?,
    })
}

fn tally<K: Ord + DeserializeOwned>(
    database: &Database,
    column: &str,
) -> Result<BTreeMap<K, u64>, IngestError> {
    let counted: Vec<(K, u64)> = database.rows(&format!(
        "SELECT CAST(to_json([{column}, count(*)]) AS VARCHAR) FROM placed GROUP BY {column}"
    ))?;
    Ok(counted.into_iter().collect())
}

/// Counts what is in each split.
pub(crate) fn splits(database: &Database) -> Result<BTreeMap<String, SplitCounts>, IngestError> {
    let counted: Vec<(String, SplitCounts)> = database.rows(&format!(
        "SELECT CAST(to_json([to_json(split), to_json({{
             'items': CAST(sum(items) AS BIGINT), 'groups': count(*), 'items_per_group': {},
             'images': any_value(images), 'components': count(DISTINCT component)}})]) AS VARCHAR)
         FROM (SELECT split, gid, any_value(component) AS component, count(*) AS items FROM placed GROUP BY split, gid)
         JOIN (SELECT split, count(DISTINCT content) AS images
               FROM placed JOIN images ON images.number = placed.image GROUP BY split) USING (split)
         GROUP BY split",
        spread("items"),
    ))?;
    let mut splits: BTreeMap<String, SplitCounts> =
        Split::ALL.map(|split| (split.to_string(), SplitCounts::default())).into();
    splits.extend(counted);
    Ok(splits)
}

/// Counts what is in more than one split.
pub(crate) fn leaks(database: &Database, plan: &DataPlan, files: &[ImageFile]) -> Result<Leaks, IngestError> {
    let crossing = |what: &str, pairs: &str| -> Result<u64, IngestError> {
        database.row(&format!(
            "SELECT CAST(count(*) AS VARCHAR)
             FROM (SELECT {what} FROM ({pairs}) GROUP BY {what} HAVING min(split) <> max(split))"
        ))
    };
    let images = crossing("content", PLACED_IMAGES)?;
    let near = match plan.verify.sees_pixels() {
        true => looks::crossing(database)?,
        false => Crossing::default(),
    };
    Ok(Leaks {
        // An item takes its image along.
        items: if images == 0 { 0 } else { items_in_several(database)? },
        groups: crossing("gid", "SELECT gid, split FROM placed")?,
        images,
        near_duplicates: near.pairs,
        near_duplicate_examples: near.first.iter().filter_map(|pair| looks::names(files, *pair)).collect(),
        texts: match plan.columns.task {
            // That a class is in every split is no leak.
            Task::Classes { .. } => 0,
            Task::Choice { .. } | Task::Pairs { .. } => crossing("text", items::texts(&plan.split.by))?,
        },
    })
}

/// The SQL of the contents of the images of all items, each with the item's split.
const PLACED_IMAGES: &str = "SELECT content, split FROM placed JOIN images ON images.number = placed.image";

/// Counts the items, by what they show and say, that are in more than one split. Texts are known by a hash, as everywhere.
fn items_in_several(database: &Database) -> Result<u64, IngestError> {
    database.row(&format!(
        "SELECT CAST(count(*) AS VARCHAR) FROM (
             SELECT images.content FROM placed JOIN images ON images.number = placed.image
             SEMI JOIN (SELECT content FROM ({PLACED_IMAGES}) GROUP BY content HAVING min(split) <> max(split)) AS crossing
                 ON crossing.content = images.content
             JOIN outcomes ON outcomes.number = placed.number
             GROUP BY images.content, hash(outcomes.said), placed.label HAVING min(placed.split) <> max(placed.split))"
    ))
}

/// Counts the images that are not what they might be expected to be: those with a rotation, and those of 16 bits.
pub(crate) fn unexpected_images(database: &Database) -> Result<[u64; 2], IngestError> {
    database.row(
        "SELECT CAST(to_json([count(*) FILTER (rotated), count(*) FILTER (deep)]) AS VARCHAR) FROM images",
    )
}

/// Returns a few distinct keys of images that no row looks for, and of rows that look for no image.
pub(crate) fn unmatched_keys(database: &Database) -> Result<[Vec<String>; 2], IngestError> {
    const SAMPLES: usize = 2;
    let samples = |keys: &str| -> Result<Vec<String>, IngestError> {
        database.rows(&format!(
            "SELECT CAST(to_json(key) AS VARCHAR) FROM (
                 SELECT key, min(number) AS first FROM ({keys}) WHERE key IS NOT NULL GROUP BY key)
             ORDER BY first LIMIT {SAMPLES}"
        ))
    };
    Ok([
        samples("FROM image_keys ANTI JOIN looked_for ON looked_for.key = image_keys.key")?,
        samples("SELECT cells.number, cells.key FROM cells ANTI JOIN keys ON keys.key = cells.key")?,
    ])
}
