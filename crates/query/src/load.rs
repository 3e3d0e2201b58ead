//! Puts what is known about runs into tables.

use std::sync::Arc;

use cliptune_store::sql_name;
use duckdb::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
};

use crate::cell::Cell;
use crate::columns::{Column, Kind};
use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::runs_view::RUNS;
use crate::summary::{Metric, ScoredSplit, Setting, Summary, Told};
use crate::views::View;

/// Makes one of the views that are about the records of runs.
pub(crate) fn load(database: &Database, view: View, runs: &Runs) -> Result<(), QueryError> {
    let columns = view.columns();
    if view == View::Settings {
        return define(database, view, &columns, &settings(database, runs)?);
    }
    let names: Vec<(&str, Kind)> = columns.iter().map(|column| (column.name, column.kind)).collect();
    let mut rows = Rows::new(&names);
    for run in &runs.summaries {
        match view {
            View::Runs => rows.push(RUNS.iter().map(|(_, get)| get(run))),
            _ => {
                each_metric(run, |scores, metric| rows.push(self::metric(runs, run, scores, metric)));
                run.told.iter().for_each(|told| rows.push(told_metric(runs, run, told)));
            }
        }
    }
    rows.make(database, view.name())?;
    define(database, view, &columns, &format!("held.{}", view.name()))
}

/// Loads the settings as numbers of what many runs share, and returns the SQL of their rows.
fn settings(database: &Database, runs: &Runs) -> Result<String, QueryError> {
    let numbers = ["of_run", "of_setting"].map(|name| (name, Kind::Whole));
    let mut rows = Rows::new(&numbers);
    let mut names = Rows::new(&[("of_run", Kind::Whole), ("run", Kind::Text)]);
    for (number, run) in (0..).zip(&runs.summaries) {
        names.push([Cell::Whole(number), Cell::text(&run.run)]);
        run.settings
            .iter()
            .for_each(|setting| rows.push([Cell::Whole(number), Cell::Whole((*setting).into())]));
    }
    rows.make(database, "settings_of_runs")?;
    names.make(database, "names_of_runs")?;
    let mut known = Rows::new(&[
        ("of_setting", Kind::Whole),
        ("key", Kind::Text),
        ("value", Kind::Text),
        ("number", Kind::Number),
    ]);
    for (number, (key, value)) in (0..).zip(&runs.words.settings) {
        let value = value.cell();
        let measure = Cell::maybe(value.number(), Cell::Number);
        known.push([Cell::Whole(number), Cell::text(key), Cell::Text(value.spelled()), measure]);
    }
    known.make(database, "known_settings")?;
    Ok("(SELECT run, key, value, number FROM held.settings_of_runs
         JOIN held.names_of_runs USING (of_run) JOIN held.known_settings USING (of_setting))"
        .to_owned())
}

/// Makes a view of a source that has all of its columns, with the types that they are documented with.
pub(crate) fn define(
    database: &Database,
    view: View,
    columns: &[Column],
    source: &str,
) -> Result<(), QueryError> {
    database.make(&format!("CREATE VIEW {} AS SELECT {} FROM {source}", view.name(), typed(columns)))
}

/// Returns the SQL of columns with the types that they are documented with.
pub(crate) fn typed(columns: &[Column]) -> String {
    let column = |column: &Column| {
        let name = sql_name(column.name);
        format!("TRY_CAST({name} AS {}) AS {name}", column.kind.sql())
    };
    columns.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// Makes a view without rows.
pub(crate) fn define_empty(database: &Database, view: View) -> Result<(), QueryError> {
    let columns = view.columns();
    let nothing: Vec<String> = columns
        .iter()
        .map(|column| format!("CAST(NULL AS {}) AS {}", column.kind.sql(), sql_name(column.name)))
        .collect();
    define(database, view, &columns, &format!("(SELECT {} WHERE false)", nothing.join(", ")))
}

impl Setting {
    /// Returns the value.
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Truth(value) => Cell::Truth(*value),
            Self::Number(value) => Cell::Number(*value),
            Self::Text(text) => Cell::text(text),
            Self::Json(value) => Cell::Json(value),
        }
    }
}

fn each_metric<'a>(run: &'a Summary, mut on_metric: impl FnMut(&'a ScoredSplit, &'a Metric)) {
    for scores in &run.scores {
        scores.metrics.iter().for_each(|metric| on_metric(scores, metric));
    }
}

fn metric<'a>(
    runs: &'a Runs,
    run: &'a Summary,
    scores: &'a ScoredSplit,
    metric: &'a Metric,
) -> [Cell<'a>; 10] {
    [
        Cell::text(&run.run),
        Cell::text(scores.split.as_str()),
        Cell::text(runs.word(metric.name)),
        Cell::measured(metric.value),
        Cell::measured(metric.low),
        Cell::measured(metric.high),
        Cell::text(runs.word(metric.method)),
        Cell::measured(metric.chance),
        Cell::count(scores.n_items),
        Cell::count(scores.n_groups),
    ]
}

/// Returns the row of a metric that another tool computed: it has no split and no interval, and says who told it.
fn told_metric<'a>(runs: &'a Runs, run: &'a Summary, told: &'a Told) -> [Cell<'a>; 10] {
    let by = run.tool.as_deref().unwrap_or_default();
    let mut row = [const { Cell::Null }; 10];
    row[0] = Cell::text(&run.run);
    row[2] = Cell::text(runs.word(told.name));
    row[3] = Cell::measured(told.value);
    row[6] = Cell::Text(format!("told by {by}").into());
    row
}

/// Rows on their way into a table.
pub(crate) struct Rows<'a> {
    columns: &'a [(&'a str, Kind)],
    builders: Vec<Builder>,
}

/// The values of a column. A time is a text until SQL reads it.
enum Builder {
    Text(StringBuilder),
    Whole(Int64Builder),
    Number(Float64Builder),
    Truth(BooleanBuilder),
    Texts(ListBuilder<StringBuilder>),
}

impl<'a> Rows<'a> {
    pub(crate) fn new(columns: &'a [(&'a str, Kind)]) -> Self {
        let builder = |(_, kind): &(&str, Kind)| match kind {
            Kind::Whole => Builder::Whole(Int64Builder::new()),
            Kind::Number => Builder::Number(Float64Builder::new()),
            Kind::Truth => Builder::Truth(BooleanBuilder::new()),
            Kind::Texts => Builder::Texts(ListBuilder::new(StringBuilder::new())),
            _ => Builder::Text(StringBuilder::new()),
        };
        Self { columns, builders: columns.iter().map(builder).collect() }
    }

    /// Adds a row. A value of another kind than its column is missing, or becomes a text where texts are.
    pub(crate) fn push<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) {
        for (builder, cell) in self.builders.iter_mut().zip(cells) {
            match (builder, cell) {
                (Builder::Text(texts), Cell::Null) => texts.append_null(),
                (Builder::Text(texts), cell) => texts.append_value(cell.spelled()),
                (Builder::Whole(numbers), Cell::Whole(value)) => numbers.append_value(value),
                (Builder::Whole(numbers), _) => numbers.append_null(),
                (Builder::Number(numbers), cell) => numbers.append_option(cell.number()),
                (Builder::Truth(truths), Cell::Truth(value)) => truths.append_value(value),
                (Builder::Truth(truths), _) => truths.append_null(),
                (Builder::Texts(lists), Cell::Texts(texts)) => lists.append_value(texts.iter().map(Some)),
                (Builder::Texts(lists), _) => lists.append_null(),
            }
        }
    }

    /// Makes the table in the schema `held`.
    pub(crate) fn make(self, database: &Database, name: &str) -> Result<(), QueryError> {
        let transport = |kind: Kind| if kind == Kind::Time { Kind::Text } else { kind };
        let column = |(name, kind): &(&str, Kind)| format!("{} {}", sql_name(name), transport(*kind).sql());
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        database.make(&format!("CREATE TABLE held.{name} ({})", columns.join(", ")))?;
        let arrays = self.builders.into_iter().map(Builder::finish);
        let names = self.columns.iter().map(|(name, _)| *name);
        let batch = RecordBatch::try_from_iter_with_nullable(
            names.zip(arrays).map(|(name, array)| (name, array, true)),
        )
        .map_err(|error| QueryError::Database(error.to_string()))?;
        database.append(name, std::iter::once(batch))
    }
}

impl Builder {
    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut texts) => Arc::new(texts.finish()),
            Self::Whole(mut numbers) => Arc::new(numbers.finish()),
            Self::Number(mut numbers) => Arc::new(numbers.finish()),
            Self::Truth(mut truths) => Arc::new(truths.finish()),
            Self::Texts(mut lists) => Arc::new(lists.finish()),
        }
    }
}
