//! Counts what became of the images, rows and items.

use std::collections::BTreeMap;

use cliptune_experiment::{DataPlan, Split, Task};
use cliptune_store::{ItemCounts, JoinCounts, Leaks, SplitCounts};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::items;
use crate::database::Database;
use crate::error::IngestError;

/// Counts both sides of the join.
pub(crate) fn join(database: &Database) -> Result<JoinCounts, IngestError> {
    database.row(
        "SELECT CAST(to_json({
             'images': (SELECT count(*) FROM images), 'rows': (SELECT count(*) FROM outcomes),
             'images_matched': count(*), 'rows_matched': coalesce(CAST(sum(rows) AS BIGINT), 0),
             'rows_filtered': (SELECT count(*) FROM outcomes WHERE NOT kept),
             'rows_per_image': [to_json(coalesce(min(rows), 0)), to_json(coalesce(median(rows), 0.0)),
                                to_json(coalesce(max(rows), 0))]}) AS VARCHAR)
         FROM (SELECT count(*) AS rows FROM outcomes WHERE image IS NOT NULL GROUP BY image)",
    )
}

/// Counts the items.
pub(crate) fn items(database: &Database) -> Result<ItemCounts, IngestError> {
    #[derive(Deserialize)]
    struct Counted {
        items: u64,
        groups: u64,
        components: u64,
    }
    let Counted { items, groups, components } = database.row(
        "SELECT CAST(to_json({'items': count(*), 'groups': count(DISTINCT gid), 'components': count(DISTINCT component)})
                     AS VARCHAR) FROM placed",
    )?;
    Ok(ItemCounts {
        items,
        groups,
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
    let counted: Vec<(String, SplitCounts)> = database.rows(
        "SELECT CAST(to_json([to_json(split), to_json({
             'items': count(*), 'groups': count(DISTINCT gid), 'images': count(DISTINCT content),
             'components': count(DISTINCT component)})]) AS VARCHAR)
         FROM placed JOIN images ON images.number = placed.image GROUP BY split",
    )?;
    let mut splits: BTreeMap<String, SplitCounts> =
        Split::ALL.map(|split| (split.to_string(), SplitCounts::default())).into();
    splits.extend(counted);
    Ok(splits)
}

/// Counts what is in more than one split.
pub(crate) fn leaks(database: &Database, plan: &DataPlan) -> Result<Leaks, IngestError> {
    let crossing = |what: &str, pairs: &str| -> Result<u64, IngestError> {
        database.row(&format!(
            "SELECT CAST(count(*) AS VARCHAR)
             FROM (SELECT {what} FROM ({pairs}) GROUP BY {what} HAVING min(split) <> max(split))"
        ))
    };
    Ok(Leaks {
        groups: crossing("gid", "SELECT gid, split FROM placed")?,
        images: crossing(
            "content",
            "SELECT content, split FROM placed JOIN images ON images.number = placed.image",
        )?,
        texts: match plan.columns.task {
            // That a class is in every split is no leak.
            Task::Classes { .. } => 0,
            Task::Choice { .. } | Task::Pairs { .. } => crossing("text", items::texts(&plan.split.by))?,
        },
    })
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
