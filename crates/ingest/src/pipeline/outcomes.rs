//! Decides what every row becomes.

use cliptune_experiment::{DataPlan, LabelReading, SplitBy, Task};
use cliptune_store::{ImageFile, Reason};

use super::reason;
use crate::database::Database;
use crate::error::IngestError;
use crate::facts::index_of;

/// Makes the table `groups`, which numbers the groups in the order of their names. Where no column names them, each image is
/// one.
pub(crate) fn number_groups(database: &Database, plan: &DataPlan) -> Result<(), IngestError> {
    let groups = match &plan.columns.group {
        Some(_) => "SELECT DISTINCT \"group\" AS name FROM cells WHERE \"group\" IS NOT NULL".to_owned(),
        None => format!("SELECT DISTINCT {} AS name FROM images", ImageFile::name_sql("folder", "path")),
    };
    database.make(&format!(
        "CREATE TABLE groups AS
             SELECT CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS number, name FROM ({groups})"
    ))
}

/// Makes the table `outcomes`, which has for each row: its image and its group, whether `where` keeps it, the reason for which
/// it is refused or else the identity of its item, the index of the right text, the split that a column gives it (or the first
/// one), and the fingerprints of what it says: of its texts, and of the values of `split.across`.
pub(crate) fn make(
    database: &Database,
    plan: &DataPlan,
    reading: Option<LabelReading>,
) -> Result<(), IngestError> {
    let [joins, gid, name] = match &plan.columns.group {
        Some(_) => [
            "LEFT JOIN images ON images.number = joined.image LEFT JOIN groups ON groups.name = joined.\"group\""
                .to_owned(),
            "groups.number".to_owned(),
            "\"group\", ".to_owned(),
        ],
        // There are fewer images than rows whose groups have to be found by their names.
        None => [
            format!(
                "LEFT JOIN (SELECT images.number, problem, groups.number AS gid FROM images JOIN groups ON groups.name = {own})
                     AS images ON images.number = joined.image",
                own = ImageFile::name_sql("folder", "path"),
            ),
            "images.gid".to_owned(),
            String::new(),
        ],
    };
    let label = match plan.columns.task {
        Task::Choice { .. } => reading.map_or("NULL", index_of),
        // A class is known by its name: its number depends on which other classes there are.
        Task::Pairs { .. } | Task::Classes { .. } => "0",
    };
    let split = match plan.split.by {
        SplitBy::Column(_) if plan.split.folds.is_some() => "fold_names.split",
        SplitBy::Column(_) => "TRY_CAST(joined.split AS split_name)",
        SplitBy::Component { .. } | SplitBy::Group | SplitBy::Row => "CAST('train' AS split_name)",
    };
    let apart = if plan.deduplicate { "" } else { ", coalesce(id, CAST(number AS VARCHAR))" };
    let outcomes = format!(
            "SELECT number, image, gid, kept, CAST(reason AS reason_name) AS reason, label, split, said, across,
                    CASE WHEN kept AND reason IS NULL THEN cliptune_item({name}image, said, label{apart}) END AS item
             FROM (SELECT *, {refusal} AS reason FROM (
                 SELECT joined.number, joined.images, joined.image, joined.kept, joined.id, joined.\"group\",
                        facts.said IS NOT NULL AS is_list, joined.label IS NOT NULL AS is_labelled,
                        CAST({label} AS INTEGER) AS label, {split} AS split, facts.said, facts.flaw,
                        joined.tied AS across, images.problem, {gid} AS gid
                 FROM joined {joins} LEFT JOIN fold_names ON fold_names.name = joined.split))",
        refusal = refusal(plan),
    );
    database.make_table("outcomes", &outcomes, "cells")
}

/// Returns the SQL of the first reason to refuse a row, or NULL.
fn refusal(plan: &DataPlan) -> String {
    let no_id = plan.columns.id.as_ref().map_or(String::new(), |_| when("id IS NULL", Reason::NoId));
    let no_label = match plan.columns.task {
        Task::Choice { .. } => {
            when("NOT is_labelled", Reason::LabelMissing)
                + &when("label IS NULL", Reason::LabelNotAmongChoices)
        }
        Task::Pairs { .. } | Task::Classes { .. } => String::new(),
    };
    [
        "CASE WHEN NOT kept THEN NULL".to_owned(),
        when("images = 0", Reason::RowWithoutImage),
        when("images > 1", Reason::RowImageAmbiguous),
        when("problem IS NOT NULL", Reason::RowImageUnreadable),
        no_id,
        when("gid IS NULL", Reason::NoGroup),
        when("NOT is_list", Reason::ChoicesMissing),
        " ELSE coalesce(flaw, CASE".to_owned(),
        no_label,
        when("split IS NULL", if plan.split.folds.is_some() { Reason::NoFold } else { Reason::SplitUnknown }),
        " END) END".to_owned(),
    ]
    .concat()
}

fn when(condition: &str, refused: Reason) -> String {
    format!(" WHEN {condition} THEN {}", reason(refused))
}
