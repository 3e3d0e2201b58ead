//! Reads the values that the plan names from the table.

use std::slice::from_ref;

use cliptune_experiment::{DataPlan, Join, SplitBy, Task};

use crate::database::Database;
use crate::error::IngestError;
use crate::facts::facts;
use crate::functions::{Rules, register_facts, said};
use crate::label::Spelling;
use crate::problem::Problem;
use crate::table::{Kind, TABLE, Table, unreadable};
use crate::value::{NO_TEXT, Values};

/// The SQL of no list.
const NO_LIST: &str = "CAST(NULL AS VARCHAR[])";

/// The values that are long.
const LONG: [&str; 3] = ["texts", "vocabulary", "across"];

/// One value of every row, as a view names it.
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

    fn is_long(&self) -> bool {
        LONG.contains(&self.name)
    }

    /// Returns the value, computed from a row of the table.
    fn computed(&self) -> String {
        format!(", {} AS \"{}\"", self.sql, self.name)
    }

    /// Returns the value that was kept. What the plan does not name is NULL and takes no space.
    fn kept(&self) -> String {
        if self.is_missing() { self.computed() } else { format!(", \"{}\"", self.name) }
    }
}

/// Makes the views `cells`, `words` and `whole`. All have the number of each row and values that the plan names: `words` has
/// those that are long, `cells` the others and the facts about the texts, and `whole` has all. Completes the rules with the
/// spelling of the labels.
///
/// Every expression of the experiment is evaluated once, where it can see nothing but the table. Long values that are
/// columns of the table are not kept, but read again from where they lie, unless that is a small file: to read that takes
/// longer than to keep them takes memory.
pub(crate) fn make(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    join: &Join,
    rules: &mut Rules,
) -> Result<(), IngestError> {
    let (cells, spelling) = cells(&Values::of(database, table), plan, Some(join));
    let cells = cells.into_iter().collect::<Result<Vec<Cell>, IngestError>>()?;
    rules.spelling = spelling;
    register_facts(database, rules)?;
    let (long, short): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.is_long());
    let lies = !(database.has_few_rows() && table.is_small())
        && long.iter().all(|cell| cell.is_missing() || expression(table, plan, join, cell.name).is_none());
    let named: Vec<&Cell> = cells.iter().filter(|cell| !cell.is_missing()).collect();
    keep(database, table, (plan, join), &named, lies)?;
    let kept = |cells: &[&Cell]| cells.iter().map(|cell| cell.kept()).collect::<String>();
    let short = kept(&short);
    let [words, whole] = match lies {
        true => {
            let long: String = long.iter().map(|cell| cell.computed()).collect();
            [
                format!("SELECT {TABLE}.{} AS number{long} FROM {TABLE}", table.number),
                "SELECT cells.*, words.* EXCLUDE (number) FROM cells JOIN words ON words.number = cells.number".to_owned(),
            ]
        }
        // What is kept in one table is not joined with itself.
        false => {
            let long = kept(&long);
            [
                format!("SELECT number{long} FROM cell_values"),
                format!("SELECT number, facts, tied{short}{long} FROM cell_values"),
            ]
        }
    };
    database.make(&format!(
        "CREATE VIEW cells AS SELECT number, facts, tied{short} FROM cell_values;
         CREATE VIEW words AS {words}; CREATE VIEW whole AS {whole}"
    ))
}

/// Finds what is wrong with the values that the plan names, without reading a row. Where the join is not known, neither is
/// what is wrong with its column.
pub(crate) fn mistakes(
    database: &Database,
    table: &Table,
    plan: &DataPlan,
    join: Option<&Join>,
) -> Vec<IngestError> {
    let (cells, _) = cells(&Values::of(database, table), plan, join);
    cells.into_iter().filter_map(Result::err).collect()
}

/// Makes the table `cell_values`, with the values that the plan names and without those that lie in the table.
fn keep(
    database: &Database,
    table: &Table,
    recipe: (&DataPlan, &Join),
    named: &[&Cell],
    lies: bool,
) -> Result<(), IngestError> {
    let label = named.iter().any(|cell| cell.name == "label").then_some("label");
    let tied = match named.iter().any(|cell| cell.name == "across") {
        true => said("across"),
        false => "CAST(NULL AS UBIGINT[])".to_owned(),
    };
    let kept = named.iter().filter(|cell| !(lies && cell.is_long()));
    let statement = format!(
        "CREATE TABLE cell_values AS
             SELECT number, {facts} AS facts, {tied} AS tied{kept} FROM (SELECT {TABLE}.{row} AS number{named} FROM {TABLE})",
        facts = facts("texts", label),
        kept = kept.map(|cell| cell.kept()).collect::<String>(),
        row = table.number,
        named = named.iter().map(|cell| cell.computed()).collect::<String>(),
    );
    database.execute(&statement).map_err(|problem| culprit(database, table, recipe, named, problem))
}

type Found = Result<Cell, IngestError>;

fn cells(values: &Values<'_>, plan: &DataPlan, join: Option<&Join>) -> (Vec<Found>, Spelling) {
    let columns = &plan.columns;
    let (task, spelling) = task(values, &columns.task);
    let (split, across) = match &plan.split.by {
        SplitBy::Column(column) => (Some(column), [].as_slice()),
        SplitBy::Component { across, .. } => (None, across.as_slice()),
        SplitBy::Group | SplitBy::Row => (None, [].as_slice()),
    };
    let lists = |columns: &[String], key| match columns {
        [] => Ok(NO_LIST.to_owned()),
        columns => values.lists(columns, key),
    };
    let others = [
        ("id", values.text_of(columns.id.as_ref(), "data.columns.id")),
        ("group", values.text_of(columns.group.as_ref(), "data.columns.group")),
        ("split", values.text_of(split, split_key(plan))),
        ("stratum", values.text_of(plan.split.stratify.as_ref(), "data.split.stratify")),
        ("vocabulary", lists(&columns.vocabulary, "data.columns.vocabulary")),
        ("across", lists(across, "data.split.across")),
        ("key", values.text_of(join.map(|join| &join.metadata), "data.join.metadata")),
    ];
    let others = others.into_iter().map(|(name, sql)| Ok(Cell::new(name, sql?)));
    (task.into_iter().chain(others).collect(), spelling)
}

/// Returns the texts of a row and its label, and how labels are spelled.
fn task(values: &Values<'_>, task: &Task) -> (Vec<Found>, Spelling) {
    let (label, spelling) = match task {
        Task::Choice { label, .. } => {
            let label = values.named(&label.column, "data.columns.label");
            let spelling = label.as_ref().map_or(Spelling::Text, |label| spelling(label.kind()));
            (label.and_then(|label| values.text(&label)), spelling)
        }
        Task::Pairs { .. } | Task::Classes { .. } => (Ok(NO_TEXT.to_owned()), Spelling::Text),
    };
    let texts = match task {
        Task::Choice { choices, .. } => {
            values.named(choices, "data.columns.choices").and_then(|choices| values.list(&choices))
        }
        Task::Pairs { text } | Task::Classes { class: text, .. } => {
            values.key(text, single(task)).map(|text| [format!("[{text}]"), NO_TEXT.to_owned()])
        }
    };
    let mut cells = match texts {
        Ok([texts, no_list]) => vec![Ok(Cell::new("texts", texts)), Ok(Cell::new("no_list", no_list))],
        Err(error) => vec![Err(error)],
    };
    cells.push(label.map(|label| Cell::new("label", label)));
    (cells, spelling)
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
    (plan, join): (&DataPlan, &Join),
    cells: &[&Cell],
    problem: Problem,
) -> IngestError {
    for cell in cells {
        let alone =
            format!("CREATE TABLE tried AS SELECT max(hash({})) FROM {TABLE}; DROP TABLE tried", cell.sql);
        let Err(problem) = database.execute(&alone) else { continue };
        if let Some((key, sql)) = expression(table, plan, join, cell.name) {
            return IngestError::Sql { key, sql, problem };
        }
        return unreadable(&table.path, problem);
    }
    unreadable(&table.path, problem)
}

/// Returns the key and the expression that a cell comes from. A value that is a column by its name is none.
fn expression(table: &Table, plan: &DataPlan, join: &Join, name: &str) -> Option<(&'static str, String)> {
    let columns = &plan.columns;
    let (key, written): (_, &[String]) = match (name, &columns.task, &plan.split.by) {
        ("texts" | "no_list", Task::Choice { choices, .. }, _) => ("data.columns.choices", from_ref(choices)),
        ("texts" | "no_list", Task::Pairs { text } | Task::Classes { class: text, .. }, _) => {
            (single(&columns.task), from_ref(text))
        }
        ("label", Task::Choice { label, .. }, _) => ("data.columns.label", from_ref(&label.column)),
        ("id", ..) => ("data.columns.id", columns.id.as_slice()),
        ("group", ..) => ("data.columns.group", columns.group.as_slice()),
        ("split", _, SplitBy::Column(column)) => (split_key(plan), from_ref(column)),
        ("stratum", ..) => ("data.split.stratify", plan.split.stratify.as_slice()),
        ("vocabulary", ..) => ("data.columns.vocabulary", &columns.vocabulary),
        ("across", _, SplitBy::Component { across, .. }) => ("data.split.across", across),
        _ => ("data.join.metadata", from_ref(&join.metadata)),
    };
    let is_expression = written.iter().any(|written| table.column(written).is_none());
    is_expression.then(|| (key, written.join(", ")))
}
