//! The steps that make a dataset inside the database, each a statement or two over the tables of those before it.
//!
//! | step | makes |
//! |---|---|
//! | `images` | `files` and the view `file` that SQL of an experiment sees; `images` once they have been inspected |
//! | `found`, `rivals` | nothing: they find the column that names the images, where the plan does not say |
//! | `cells` | `cells`, `words` and `whole`: for each row of the table the values that the plan names, and facts about its texts |
//! | `matches` | `image_keys`, `keys` and the view `joined`: for each row the image that its key names, and whether `where` keeps it |
//! | `reading` | nothing: it decides how all labels are read |
//! | `folds` | `fold_names`: the folds that a column names |
//! | `outcomes` | `groups` and `outcomes`: for each row, in numbers, what it becomes |
//! | `rejects` | `image_rejects` and the view `row_rejects` |
//! | `links` | `ties`, and what connects the groups |
//! | `looks` | `alike`: for images that look alike, the cluster that they belong to |
//! | `items` | `items`, `placed` and `copies` |
//! | `counts`, `changes` | nothing: they count |
//!
//! Texts stay where they are, and are read twice: for the facts about them, and when the items are written. What has to be compared has a number: images, groups, texts and items.

pub(crate) mod cells;
pub(crate) mod changes;
pub(crate) mod counts;
pub(crate) mod folds;
mod found;
pub(crate) mod images;
pub(crate) mod items;
pub(crate) mod links;
pub(crate) mod looks;
pub(crate) mod matches;
pub(crate) mod outcomes;
pub(crate) mod reading;
pub(crate) mod rejects;
mod rivals;
pub(crate) mod votes;

use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, ImageKey, Join, Split, Task};
use cliptune_store::{FoundJoin, Inputs, Reason, TableFiles, sql_text};
use duckdb::arrow::array::RecordBatch;

use crate::database::Database;
use crate::error::IngestError;
use crate::functions::{self, Rules};
use crate::table::{Part, TABLE, Table};
pub(crate) use found::find as find_join;

/// The SQL of what a row is called: its own identifier, or else its number.
pub(crate) const ROW_NAME: &str = "coalesce(cells.id, CAST(cells.number AS VARCHAR))";

/// The SQL of a reason as the text that tables hold.
fn reason(reason: Reason) -> String {
    sql_text(reason.as_str())
}

/// A table that is joined with the images.
pub(crate) struct Joined {
    pub(crate) table: Table,
    /// The rules that its values have to follow so far.
    pub(crate) rules: Rules,
    /// The join, where the plan declares none.
    pub(crate) found: Option<FoundJoin>,
}

/// Joins the table with the images, up to the view `joined`. From then on the database can read `readable` and the files of the table, and write to `scratch`.
pub(crate) fn join(
    database: &Database,
    plan: &DataPlan,
    inputs: &Inputs,
    readable: Option<PathBuf>,
    scratch: &Path,
) -> Result<Joined, IngestError> {
    let table = open(database, plan, inputs)?;
    let (join, found) = match &plan.join {
        Some(join) => (join.clone(), None),
        None => {
            let found = found::find(database, &table)?;
            (found.join.clone(), Some(found))
        }
    };
    let rules = read_cells(database, plan, &join, &table, (readable, scratch))?;
    matches::make(database, &table, plan, &join)?;
    Ok(Joined { table, rules, found })
}

/// Makes the table and what the images are called known to the database, and nothing of what a plan says of them.
pub(crate) fn open(database: &Database, plan: &DataPlan, inputs: &Inputs) -> Result<Table, IngestError> {
    let table = load_table(database, plan, &inputs.table, Part::Whole)?;
    images::load(database, &inputs.images)?;
    Ok(table)
}

/// What is known of a plan's sources without joining them.
pub(crate) struct Looked {
    /// The join, where the plan declares none and a column names the images.
    pub(crate) found: Option<FoundJoin>,
    /// What is wrong with what the plan names.
    pub(crate) mistakes: Vec<IngestError>,
}

/// Finds how the table and the images join, and what is wrong with what the plan names of them.
pub(crate) fn look(
    database: &Database,
    plan: &DataPlan,
    inputs: &Inputs,
    scratch: &Path,
) -> Result<Looked, IngestError> {
    let table = open(database, plan, inputs)?;
    let (found, mistake) = match found::find(database, &table) {
        Ok(found) => (Some(found), None),
        Err(mistake) => (None, Some(mistake)),
    };
    let join = found.as_ref().map(|found| &found.join);
    let named = mistakes(database, plan, join, &table, scratch)?;
    Ok(Looked { found, mistakes: mistake.into_iter().chain(named).collect() })
}

/// Finds what is wrong with what the plan names of a table, as far as its columns tell.
pub(crate) fn look_at_header(
    database: &Database,
    plan: &DataPlan,
    files: &TableFiles,
    scratch: &Path,
) -> Result<Looked, IngestError> {
    let table = load_table(database, plan, files, Part::Header)?;
    images::load(database, &[])?;
    let mistakes = mistakes(database, plan, plan.join.as_ref(), &table, scratch)?;
    Ok(Looked { found: None, mistakes })
}

fn mistakes(
    database: &Database,
    plan: &DataPlan,
    join: Option<&Join>,
    table: &Table,
    scratch: &Path,
) -> Result<Vec<IngestError>, IngestError> {
    database.close_to_outside(&table.scanned, scratch)?;
    let mut mistakes = cells::mistakes(database, table, plan, join);
    mistakes.extend(matches::mistakes(database, table, plan, join)?);
    Ok(mistakes)
}

/// Reads the table alone, for [`join_names`] or [`join_images`] to join. No expression of the plan can look at the images.
pub(crate) fn read_table(
    database: &Database,
    plan: &DataPlan,
    join: &Join,
    files: &TableFiles,
    scratch: &Path,
) -> Result<(Table, Rules), IngestError> {
    let table = load_table(database, plan, files, Part::Whole)?;
    let rules = read_cells(database, plan, join, &table, (None, scratch))?;
    Ok((table, rules))
}

/// Joins a table that has been read with images of which nothing is known but what they are called, and decides how labels
/// are read. Returns whether that is possible: expressions may ask for more.
pub(crate) fn join_names(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    join: &Join,
    names: &[RecordBatch],
    rules: &mut Rules,
) -> Result<bool, IngestError> {
    if matches!(join.image, ImageKey::Sql(_)) || plan.filter.is_some() {
        return Ok(false);
    }
    images::load_names(database, names)?;
    matches::make(database, table, plan, join)?;
    if let Task::Choice { label, .. } = &plan.columns.task {
        rules.reading = Some(reading::decide(database, label, rules)?);
    }
    Ok(true)
}

/// Joins a table that has been read with the images.
pub(crate) fn join_images(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    join: &Join,
    inputs: &Inputs,
) -> Result<(), IngestError> {
    images::load(database, &inputs.images)?;
    matches::make(database, table, plan, join)
}

fn load_table(
    database: &Database,
    plan: &DataPlan,
    files: &TableFiles,
    part: Part,
) -> Result<Table, IngestError> {
    functions::register(database)?;
    make_types(database)?;
    let table = Table::load(database, &plan.metadata, files, part)?;
    // Those that are left where they lie are read again with each statement over the table.
    database.wait_for_files(&table.scanned);
    database.prepare_for(database.row(&format!("SELECT CAST(count(*) AS VARCHAR) FROM {TABLE}"))?)?;
    Ok(table)
}

fn read_cells(
    database: &Database,
    plan: &DataPlan,
    join: &Join,
    table: &Table,
    (readable, scratch): (Option<PathBuf>, &Path),
) -> Result<Rules, IngestError> {
    let mut rules = Rules { task: Some(plan.columns.task.kind()), ..Rules::default() };
    let files: Vec<PathBuf> = table.scanned.iter().cloned().chain(readable).collect();
    database.close_to_outside(&files, scratch)?;
    cells::make(database, table, plan, join, &mut rules)?;
    Ok(rules)
}

/// Makes the types whose values have names: `split_name` and `reason_name`.
fn make_types(database: &Database) -> Result<(), IngestError> {
    let listed = |names: Vec<&str>| names.into_iter().map(sql_text).collect::<Vec<_>>().join(", ");
    database.make(&format!(
        "CREATE TYPE split_name AS ENUM ({}); CREATE TYPE reason_name AS ENUM ({})",
        listed(Split::ALL.iter().map(|split| split.as_str()).collect()),
        listed(Reason::ALL.iter().map(|reason| reason.as_str()).collect()),
    ))
}
