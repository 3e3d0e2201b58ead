//! Decides what every row becomes.

use cliptune_experiment::{DataPlan, SplitBy, Task};
use cliptune_store::Reason;

use super::reason;
use crate::database::Database;
use crate::error::IngestError;

/// Makes the tables `groups` and `outcomes`.
///
/// `groups` numbers the groups in the order of their names. `outcomes` has for each row: its image and its group, whether
/// `where` keeps it, the reason for which it is refused or else the identity of its item, the index of the right text,
/// the split that a column gives it (or the first one), and the fingerprints of what it says: of its texts, and of the
/// values of `split.across`.
pub(crate) fn make(database: &Database, plan: &DataPlan) -> Result<(), IngestError> {
    let (name, groups) = match &plan.columns.group {
        Some(_) => {
            ("joined.\"group\"", "SELECT DISTINCT \"group\" AS name FROM cells WHERE \"group\" IS NOT NULL")
        }
        None => ("images.path", "SELECT DISTINCT path AS name FROM images"),
    };
    database.make(&format!(
        "CREATE TABLE groups AS
             SELECT CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS number, name FROM ({groups})"
    ))?;
    let label = match plan.columns.task {
        Task::Choice { .. } => "cliptune_label(joined.label, joined.texts)",
        // A class is known by its name: its number depends on which other classes there are.
        Task::Pairs { .. } | Task::Classes { .. } => "CAST(0 AS INTEGER)",
    };
    let split = match plan.split.by {
        SplitBy::Column(_) if plan.split.folds.is_some() => "fold_names.split",
        SplitBy::Column(_) => "TRY_CAST(joined.split AS split_name)",
        SplitBy::Component { .. } | SplitBy::Group | SplitBy::Row => "CAST('train' AS split_name)",
    };
    let across = match &plan.split.by {
        SplitBy::Component { across } if !across.is_empty() => "cliptune_said(joined.across)",
        _ => "CAST(NULL AS UBIGINT[])",
    };
    let apart = if plan.deduplicate { "" } else { ", coalesce(id, CAST(number AS VARCHAR))" };
    database.make(&format!(
        "CREATE TABLE outcomes AS
             SELECT number, image, gid, kept, CAST(reason AS reason_name) AS reason, label, split, said, across,
                    CASE WHEN kept AND reason IS NULL THEN cliptune_item(name, hash, said, label{apart}) END AS item
             FROM (SELECT *, {refusal} AS reason FROM (
                 SELECT joined.number, joined.images, joined.image, joined.kept, joined.id, joined.texts,
                        joined.label AS written, {label} AS label, {split} AS split, cliptune_said(joined.texts) AS said,
                        {across} AS across, images.problem, images.hash, {name} AS name, groups.number AS gid
                 FROM joined LEFT JOIN images ON images.number = joined.image LEFT JOIN groups ON groups.name = {name}
                 LEFT JOIN fold_names ON fold_names.name = joined.split))",
        refusal = refusal(plan),
    ))
}

/// Returns the SQL of the first reason to refuse a row, or NULL.
fn refusal(plan: &DataPlan) -> String {
    let no_id = plan.columns.id.as_ref().map_or(String::new(), |_| when("id IS NULL", Reason::NoId));
    let no_label = match plan.columns.task {
        Task::Choice { .. } => {
            when("written IS NULL", Reason::LabelMissing)
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
        when("name IS NULL", Reason::NoGroup),
        when("texts IS NULL", Reason::ChoicesMissing),
        " ELSE coalesce(cliptune_text_flaw(texts), CASE".to_owned(),
        no_label,
        when("split IS NULL", if plan.split.folds.is_some() { Reason::NoFold } else { Reason::SplitUnknown }),
        " END) END".to_owned(),
    ]
    .concat()
}

fn when(condition: &str, refused: Reason) -> String {
    format!(" WHEN {condition} THEN {}", reason(refused))
}
