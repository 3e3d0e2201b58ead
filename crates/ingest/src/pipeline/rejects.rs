//! The rows that are refused, and the images that no row can use. A good image whose rows are all refused or filtered is no
//! reject: its rows say what became of it.

use std::collections::BTreeMap;

use cliptune_store::{ImageFile, Reason};

use super::{ROW_NAME, reason};
use crate::database::Database;
use crate::error::IngestError;

/// The query of all rejects, as the dataset's table has them.
pub(crate) const REJECTS: &str = "
    SELECT 'image' AS side, path AS key, key AS join_key, reason, detail FROM image_rejects
    UNION ALL SELECT 'row', name, join_key, CAST(reason AS VARCHAR), detail FROM row_rejects";

/// Makes the tables `looked_for` (the keys of images that rows name) and `image_rejects`, and the view `row_rejects`.
pub(crate) fn make(database: &Database) -> Result<(), IngestError> {
    database.make(&format!(
        "CREATE TABLE looked_for AS SELECT DISTINCT cells.key FROM cells SEMI JOIN keys ON keys.key = cells.key;
         CREATE TABLE image_rejects AS SELECT * FROM (
             SELECT images.number, {name} AS path, image_keys.key,
                    CASE WHEN looked_for.key IS NULL THEN {lonely} WHEN keys.images > 1 THEN {ambiguous}
                         WHEN problem IS NOT NULL THEN {unreadable} END AS reason,
                    CASE WHEN looked_for.key IS NOT NULL AND keys.images = 1 THEN problem ELSE '' END AS detail
             FROM images JOIN image_keys ON image_keys.number = images.number
             LEFT JOIN looked_for ON looked_for.key = image_keys.key LEFT JOIN keys ON keys.key = image_keys.key)
         WHERE reason IS NOT NULL;
         CREATE VIEW row_rejects AS
             SELECT cells.number, {ROW_NAME} AS name, cells.key AS join_key, outcomes.reason, {detail} AS detail
             FROM outcomes JOIN cells ON cells.number = outcomes.number
             LEFT JOIN keys ON keys.key = cells.key LEFT JOIN images ON images.number = outcomes.image
             WHERE outcomes.reason IS NOT NULL",
        lonely = reason(Reason::ImageWithoutRow),
        ambiguous = reason(Reason::ImageKeyAmbiguous),
        unreadable = reason(Reason::ImageUnreadable),
        name = ImageFile::name_sql("folder", "path"),
        detail = detail(),
    ))
}

/// Returns the SQL of the value that was refused.
fn detail() -> String {
    let detail = |refused: Reason| match refused {
        Reason::RowWithoutImage => "CASE WHEN cells.key IS NULL THEN 'the key is missing' ELSE '' END",
        Reason::RowImageAmbiguous => "keys.images || ' images'",
        Reason::RowImageUnreadable => "images.path",
        Reason::ChoicesMissing => "coalesce(cliptune_shown(cells.no_list), 'NULL')",
        Reason::ChoicesTooFew | Reason::ChoicesWithNull | Reason::ChoicesRepeated | Reason::TextEmpty => {
            "cells.facts.detail"
        }
        Reason::LabelNotAmongChoices => "cliptune_label_detail(cells.label, len(cells.facts.said))",
        Reason::SplitUnknown => "coalesce(cells.split, 'NULL')",
        _ => "'NULL'",
    };
    let when = |refused: Reason| format!(" WHEN {} THEN {}", reason(refused), detail(refused));
    format!("CASE outcomes.reason{} END", Reason::ALL.map(when).concat())
}

/// Counts the rejects by their reasons.
pub(crate) fn counts(database: &Database) -> Result<BTreeMap<String, u64>, IngestError> {
    let counted = database.rows::<(String, u64)>(
        "SELECT CAST(to_json([to_json(reason), to_json(count(*))]) AS VARCHAR) FROM (
             SELECT reason FROM image_rejects
             UNION ALL SELECT CAST(reason AS VARCHAR) FROM outcomes WHERE reason IS NOT NULL) GROUP BY reason",
    )?;
    Ok(counted.into_iter().collect())
}

/// Returns the first reject for each reason that comes with a value.
pub(crate) fn examples(database: &Database) -> Result<BTreeMap<String, String>, IngestError> {
    let examples = database.rows::<(String, String)>(
        "SELECT CAST(to_json([reason, arg_min(said, number)]) AS VARCHAR) FROM (
             SELECT number, reason, path || ': ' || detail AS said FROM image_rejects WHERE detail <> ''
             UNION ALL SELECT number, CAST(reason AS VARCHAR), 'row ' || name || ': ' || detail FROM row_rejects
                 WHERE detail <> '')
         GROUP BY reason",
    )?;
    Ok(examples.into_iter().collect())
}
