//! `cliptune show A B`: two runs side by side.

use std::collections::BTreeMap;

use cliptune_experiment::{Split, spelled};
use cliptune_store::{Estimate, Run, Store};
use cliptune_terminal::{Column, Exit, Printer, Table, format};
use serde::Serialize;
use serde_json::Value;

use super::facts;
use crate::error::{CliError, ComparisonError};
use crate::selection::warn_of;
use crate::view::RunView;

/// The values of two runs; `None` where one has none.
type Pair<T> = [Option<T>; 2];

/// What is said about two runs.
struct Comparison {
    runs: [String; 2],
    /// Whether both have the same key, so that they are the same run made twice.
    same_key: bool,
    settings: Vec<(String, Pair<Value>)>,
    facts: Vec<(&'static str, Pair<String>)>,
    metrics: BTreeMap<Split, Vec<(String, Pair<Estimate>)>>,
}

/// The facts that name a run instead of saying something about it.
const NAMES: [&str; 2] = ["folder", "settings"];

pub(super) fn show(runs: [&Run; 2], store: &Store, all: bool, printer: &Printer) -> Result<Exit, CliError> {
    if runs[0].folder() == runs[1].folder() {
        return Err(ComparisonError::SameRun { run: runs[0].id() }.into());
    }
    let views = runs.map(|run| RunView::of(run, store));
    views.iter().flat_map(RunView::damage).for_each(|error| warn_of(error, printer));
    let mut comparison = Comparison {
        runs: runs.map(Run::id),
        same_key: runs[0].record().key == runs[1].record().key,
        settings: settings(runs),
        facts: facts_of(runs, &views, store),
        metrics: metrics(&views),
    };
    if !all {
        comparison.settings.retain(|(_, [one, other])| one != other);
        comparison.facts.retain(|(_, [one, other])| one != other);
    }
    match printer.is_json() {
        true => printer.json(&Machine::of(&comparison, &views, runs, store, all)),
        false => comparison.print(printer),
    }
    Ok(Exit::Done)
}

/// Puts the entries of two lists with the same names together, in the order of the first list.
fn joined<N: PartialEq + Clone, T>(lists: [Vec<(N, T)>; 2]) -> Vec<(N, Pair<T>)> {
    let [first, second] = lists;
    let mut pairs: Vec<(N, Pair<T>)> =
        first.into_iter().map(|(name, value)| (name, [Some(value), None])).collect();
    let mut at = 0;
    for (name, value) in second {
        match pairs.iter().position(|(known, [_, other])| *known == name && other.is_none()) {
            Some(found) => {
                pairs[found].1[1] = Some(value);
                at = found + 1;
            }
            None => {
                pairs.insert(at, (name, [None, Some(value)]));
                at += 1;
            }
        }
    }
    pairs
}

fn settings(runs: [&Run; 2]) -> Vec<(String, Pair<Value>)> {
    joined(runs.map(|run| run.record().plan.settings()))
}

fn facts_of(runs: [&Run; 2], views: &[RunView<'_>; 2], store: &Store) -> Vec<(&'static str, Pair<String>)> {
    let [first, second] = [0, 1].map(|at| {
        let mut said = vec![("experiment", runs[at].record().experiment.to_string())];
        said.extend(facts(runs[at], &views[at]).into_iter().filter(|(name, _)| !NAMES.contains(name)));
        said.extend(data(runs[at], store));
        said
    });
    joined([first, second])
}

/// Returns what a dataset was made from, so that it can be seen what of it is another.
fn data(run: &Run, store: &Store) -> Vec<(&'static str, String)> {
    let Ok(Some(dataset)) = store.dataset(&run.record().dataset) else { return Vec::new() };
    let record = dataset.record();
    let about = |count, noun, hash: &str| {
        format!("{}, {}", format::counted(count, noun), hash.get(..12).unwrap_or(hash))
    };
    vec![
        ("items", format::count(record.items.items)),
        ("images", about(record.join.images, "image", &record.sources.images_hash)),
        ("table", about(record.join.rows, "row", &record.sources.table_hash)),
    ]
}

/// Returns the same for machines.
fn data_of(run: &Run, store: &Store) -> Value {
    let Ok(Some(dataset)) = store.dataset(&run.record().dataset) else { return serde_json::json!({}) };
    let record = dataset.record();
    serde_json::json!({
        "items": record.items.items,
        "images": record.join.images,
        "images_hash": record.sources.images_hash,
        "rows": record.join.rows,
        "table_hash": record.sources.table_hash,
    })
}

fn metrics(views: &[RunView<'_>; 2]) -> BTreeMap<Split, Vec<(String, Pair<Estimate>)>> {
    let of = |view: &RunView<'_>, split| {
        view.scores().get(&split).map(|scores| scores.metrics.0.clone()).unwrap_or_default()
    };
    let both =
        Split::ALL.into_iter().map(|split| (split, joined([of(&views[0], split), of(&views[1], split)])));
    both.filter(|(_, metrics)| !metrics.is_empty()).collect()
}

impl Comparison {
    fn print(&self, printer: &Printer) {
        if self.same_key {
            printer.status("both have the same key: the same run, made twice");
        }
        let [one, other] = &self.runs;
        let mut table = Table::new([Column::left(""), Column::left(one), Column::left(other)]);
        for (name, pair) in &self.settings {
            self.row(&mut table, name, pair, spelled);
        }
        for (name, pair) in &self.facts {
            self.row(&mut table, name, pair, Clone::clone);
        }
        for (split, metrics) in &self.metrics {
            for (metric, pair) in metrics {
                let shown =
                    |estimate: &Estimate| format::estimate(estimate.value, estimate.low, estimate.high);
                self.row(&mut table, &format!("{split}.{metric}"), pair, shown);
            }
        }
        printer.table(&table);
    }

    fn row<T>(&self, table: &mut Table, name: &str, pair: &Pair<T>, shown: impl Fn(&T) -> String) {
        let cell = |value: &Option<T>| value.as_ref().map_or_else(|| "–".to_owned(), &shown);
        table.row([name.to_owned(), cell(&pair[0]), cell(&pair[1])]);
    }
}

/// A comparison as `--json` prints it: by name, each with its two values.
#[derive(Serialize)]
struct Machine<'a> {
    runs: &'a [String; 2],
    same_key: bool,
    settings: serde_json::Map<String, Value>,
    facts: serde_json::Map<String, Value>,
    metrics: serde_json::Map<String, Value>,
}

/// What of `show RUN --json` is said in another place here, or names a run instead of saying something about it.
const ELSEWHERE: [&str; 6] = ["id", "folder", "scores", "record.run", "record.plan", "record.end.files"];

impl<'a> Machine<'a> {
    fn of(
        comparison: &'a Comparison,
        views: &[RunView<'_>; 2],
        runs: [&Run; 2],
        store: &Store,
        all: bool,
    ) -> Self {
        let mut facts = joined([0, 1].map(|at| {
            let mut facts = Vec::new();
            flatten("", &serde_json::json!(views[at]), &mut facts);
            flatten("data", &data_of(runs[at], store), &mut facts);
            facts
        }));
        if !all {
            facts.retain(|(_, [one, other])| one != other);
        }
        let metrics = comparison.metrics.iter();
        Self {
            runs: &comparison.runs,
            same_key: comparison.same_key,
            settings: by_name(&comparison.settings),
            facts: by_name(&facts),
            metrics: metrics.map(|(split, metrics)| (split.to_string(), by_name(metrics).into())).collect(),
        }
    }
}

/// Adds the values of a document by their dotted names, as `show RUN --json` has them; those of its record without `record.`.
fn flatten(name: &str, value: &Value, facts: &mut Vec<(String, Value)>) {
    match value {
        _ if ELSEWHERE.contains(&name) => {}
        Value::Object(fields) => {
            let dotted =
                |field: &String| if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
            fields.iter().for_each(|(field, value)| flatten(&dotted(field), value, facts));
        }
        value => facts.push((name.strip_prefix("record.").unwrap_or(name).to_owned(), value.clone())),
    }
}

fn by_name<N: ToString, T: Serialize>(pairs: &[(N, Pair<T>)]) -> serde_json::Map<String, Value> {
    pairs.iter().map(|(name, pair)| (name.to_string(), serde_json::json!(pair))).collect()
}
