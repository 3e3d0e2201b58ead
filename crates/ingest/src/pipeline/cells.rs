//! Reads the values that the plan names from the table, once.

use cliptune_experiment::{DataPlan, SplitBy, Task};

use crate::database::Database;
use crate::error::IngestError;
use crate::label::Spelling;
use crate::table::{Kind, TABLE, Table, unreadable};
use crate::value::{NO_TEXT, Values};

/// The SQL of no list.
const NO_LIST: &str = "CAST(NULL AS VARCHAR[])";

/// One value of every row, as the table `cells` names it.
struct Cell {
    name: &'static str,
    sql: String,
}

impl Cell {
    fn new(name: &'static str, sql: String) -> Self {
        Self { name, sql }
    }

    fn is_missing(&self) -> bool {
        [NO_TEXT, NO_LIST].contains(&self.sql.as_str())
    }
}

/// Makes the view `cells`: for each row its number, its key, and what the plan names. What the plan does not name is
/// NULL and takes no space. Returns how the labels are spelled.
///
/// Every expression of the experiment is first tried alone, where it can see nothing but the table.
pub(crate) fn make(database: &Database, table: &Table, plan: &DataPlan) -> Result<Spelling, IngestError> {
    let (cells, spelling) = cells(&Values::of(database, table), plan)?;
    let listed = |cells: &[&Cell]| -> String {
        cells.iter().map(|cell| format!(", {} AS \"{}\"", cell.sql, cell.name)).collect()
    };
    let (missing, named): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.is_missing());
    let statement = format!(
        "CREATE TABLE cell_values AS SELECT {TABLE}.{} AS number{} FROM {TABLE}",
        table.number,
        listed(&named)
    );
    database.execute(&statement).map_err(|problem| culprit(database, table, plan, &named, problem))?;
    database.make(&format!("CREATE VIEW cells AS SELECT *{} FROM cell_values", listed(&missing)))?;
    Ok(spelling)
}

fn cells(values: &Values<'_>, plan: &DataPlan) -> Result<(Vec<Cell>, Spelling), IngestError> {
    let columns = &plan.columns;
    let (texts, no_list, label, spelling) = match &columns.task {
        Task::Choice { choices, label } => {
            let choices = values.named(choices, "data.columns.choices")?;
            let label = values.named(&label.column, "data.columns.label")?;
            let [texts, no_list] = values.list(&choices)?;
            (texts, no_list, values.text(&label)?, spelling(label.kind()))
        }
        Task::Pairs { text } | Task::Classes { class: text, .. } => {
            let text = values.key(text, single(&columns.task))?;
            (format!("[{text}]"), NO_TEXT.to_owned(), NO_TEXT.to_owned(), Spelling::Text)
        }
    };
    let (split, across) = match &plan.split.by {
        SplitBy::Column(column) => (Some(column), [].as_slice()),
        SplitBy::Component { across } => (None, across.as_slice()),
        SplitBy::Group | SplitBy::Row => (None, [].as_slice()),
    };
    let lists = |columns: &[String], key| match columns {
        [] => Ok(NO_LIST.to_owned()),
        columns => values.lists(columns, key),
    };
    let cells = vec![
        Cell::new("texts", texts),
        Cell::new("no_list", no_list),
        Cell::new("label", label),
        Cell::new("id", values.text_of(columns.id.as_ref(), "data.columns.id")?),
        Cell::new("group", values.text_of(columns.group.as_ref(), "data.columns.group")?),
        Cell::new("split", values.text_of(split, split_key(plan))?),
        Cell::new("stratum", values.text_of(plan.split.stratify.as_ref(), "data.split.stratify")?),
        Cell::new("vocabulary", lists(&columns.vocabulary, "data.columns.vocabulary")?),
        Cell::new("across", lists(across, "data.split.across")?),
        Cell::new("key", values.key(&plan.join.metadata, "data.join.metadata")?),
    ];
    Ok((cells, spelling))
}

/// Returns the key of the column that says where a row goes.
fn split_key(plan: &DataPlan) -> &'static str {
    if plan.split.folds.is_some() { "data.split.folds" } else { "data.split.column" }
}

/// Returns the key that names the only text of a row: its caption or its class.
fn single(task: &Task) -> &'static str {
    match task {
        Task::Classes { .. } => "data.columns.classes",
        Task::Choice { .. } | Task::Pairs { .. } => "data.columns.text",
    }
}

fn spelling(kind: &Kind) -> Spelling {
    match kind {
        Kind::Number => Spelling::Number,
        Kind::Boolean => Spelling::Boolean,
        _ => Spelling::Text,
    }
}

/// Finds the value that could not be computed, and what names it in the plan.
fn culprit(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    cells: &[&Cell],
    problem: String,
) -> IngestError {
    for cell in cells {
        let alone =
            format!("CREATE TABLE tried AS SELECT max(hash({})) FROM {TABLE}; DROP TABLE tried", cell.sql);
        let Err(problem) = database.execute(&alone) else { continue };
        if let Some((key, sql)) = expression(table, plan, cell.name) {
            return IngestError::Sql { key, sql, problem };
        }
        return unreadable(&table.path, problem);
    }
    unreadable(&table.path, problem)
}

/// Returns the key and the expression that a cell comes from. A value that is a column by its name is none.
fn expression(table: &Table, plan: &DataPlan, name: &str) -> Option<(&'static str, String)> {
    let columns = &plan.columns;
    let (key, written) = match (name, &columns.task, &plan.split.by) {
        ("texts" | "no_list", Task::Choice { choices, .. }, _) => ("data.columns.choices", choices.clone()),
        ("texts" | "no_list", Task::Pairs { text } | Task::Classes { class: text, .. }, _) => {
            (single(&columns.task), text.clone())
        }
        ("label", Task::Choice { label, .. }, _) => ("data.columns.label", label.column.clone()),
        ("id", ..) => ("data.columns.id", columns.id.clone()?),
        ("group", ..) => ("data.columns.group", columns.group.clone()?),
        ("split", _, SplitBy::Column(column)) => (split_key(plan), column.clone()),
        ("stratum", ..) => ("data.split.stratify", plan.split.stratify.clone()?),
        ("vocabulary", ..) => ("data.columns.vocabulary", columns.vocabulary.join(", ")),
        ("across", _, SplitBy::Component { across }) => ("data.split.across", across.join(", ")),
        _ => ("data.join.metadata", plan.join.metadata.clone()),
    };
    table.column(&written).is_none().then_some((key, written))
}
