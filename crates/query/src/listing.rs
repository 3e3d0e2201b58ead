//! Which runs are listed, in which order, with which columns.

use std::collections::HashSet;
use std::fmt;

use cliptune_experiment::{Split, setting_keys};
use cliptune_store::{merit, sql_name};
use cliptune_terminal::did_you_mean;
use serde_json::{Map, Value, json};

use crate::cell::Cell;
use crate::columns::Kind;
use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::load::Rows;
use crate::runs_view::RUNS;
use crate::statement::Statement;
use crate::summary::{Metric, ScoredSplit, Summary};

/// The column that says which runs the present YAML stands for.
const PRESENT: &str = "present";

/// A column of a listing.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A column of `runs`, by its place.
    Run(usize),
    /// Whether the present YAML stands for the run.
    Present,
    /// A setting.
    Setting(String),
    /// A metric of a split.
    Metric(Split, String, Part),
}

/// A number of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The estimate itself.
    Value,
    /// The lower end of its interval.
    Low,
    /// The upper end of its interval.
    High,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(place) => f.write_str(RUNS.get(*place).map_or("", |(column, _)| column.name)),
            Self::Present => f.write_str(PRESENT),
            Self::Setting(key) => f.write_str(key),
            Self::Metric(split, name, Part::Value) => write!(f, "{split}.{name}"),
            Self::Metric(split, name, Part::Low) => write!(f, "{split}.{name}_low"),
            Self::Metric(split, name, Part::High) => write!(f, "{split}.{name}_high"),
        }
    }
}

/// An order of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The column to order by.
    pub key: Key,
    /// Whether the largest value comes first.
    pub is_descending: bool,
}

/// The runs of a store with the columns that they have.
pub struct Listing<'a> {
    runs: &'a Runs,
    keys: Vec<Key>,
    /// The runs that the present YAML stands for, if it was asked.
    present: Option<HashSet<String>>,
}

impl<'a> Listing<'a> {
    /// Makes a listing of all runs, of which nobody has asked yet whether the present YAML stands for them.
    pub fn new(runs: &'a Runs) -> Self {
        Self { runs, keys: keys(runs), present: None }
    }

    /// Returns the same listing with the names of the runs that the present YAML stands for, if it was asked.
    pub fn with_present(self, present: Option<HashSet<String>>) -> Self {
        Self { present, ..self }
    }

    /// Returns the numbers of the runs of some experiments, or of all where none is named.
    pub fn of(&self, experiments: &[String]) -> Vec<usize> {
        let is_named = |run: &Summary| experiments.is_empty() || experiments.contains(&run.experiment);
        let runs = self.runs.summaries.iter().enumerate();
        runs.filter(|(_, run)| is_named(run)).map(|(number, _)| number).collect()
    }

    /// Returns the names of all experiments that have runs.
    pub fn experiments(&self) -> Vec<String> {
        let mut names: Vec<String> = self.runs.summaries.iter().map(|run| run.experiment.clone()).collect();
        names.dedup();
        names
    }

    /// Returns the experiment of a run.
    pub fn experiment(&self, run: usize) -> &'a str {
        &self.runs.summaries[run].experiment
    }

    /// Returns the column of a name.
    ///
    /// # Errors
    /// Returns an error when there is no column of that name, or when nothing is known of it.
    pub fn key(&self, name: &str) -> Result<Key, QueryError> {
        let known = self.keys.iter().find(|key| key.to_string().eq_ignore_ascii_case(name));
        match known {
            // Where nobody has looked, no run would be present, and every run would be not present.
            Some(Key::Present) if self.present.is_none() => Err(QueryError::PresentUnknown),
            Some(key) => Ok(key.clone()),
            None => {
                let names: Vec<String> = self.keys.iter().map(Key::to_string).collect();
                Err(QueryError::NoColumn {
                    similar: did_you_mean(name, &names).map(str::to_owned),
                    name: name.to_owned(),
                })
            }
        }
    }

    /// Checks whether a condition in SQL is about which runs the present YAML stands for.
    ///
    /// # Errors
    /// Returns an error when the condition cannot be read.
    pub fn asks_present(condition: &str) -> Result<bool, QueryError> {
        let statement = Statement::condition(&Database::open()?, condition)?;
        Ok(statement.columns.iter().any(|parts| parts.join(".").eq_ignore_ascii_case(PRESENT)))
    }

    /// Returns the value that a run has in a column.
    pub fn value(&self, run: usize, key: &Key) -> Cell<'a> {
        let run = &self.runs.summaries[run];
        match key {
            Key::Run(place) => RUNS.get(*place).map_or(Cell::Null, |(_, get)| get(run)),
            Key::Present => {
                Cell::maybe(self.present.as_ref(), |present| Cell::Truth(present.contains(&run.run)))
            }
            Key::Setting(key) => {
                let found = self.runs.settings(run).find(|(name, _)| name == key);
                Cell::maybe(found, |(_, value)| value.cell())
            }
            Key::Metric(split, name, part) => Cell::maybe(metric(self.runs, run, *split, name), |metric| {
                Cell::measured(match part {
                    Part::Value => metric.value,
                    Part::Low => metric.low,
                    Part::High => metric.high,
                })
            }),
        }
    }

    /// Returns the columns of `runs`.
    pub fn columns_of_runs(&self) -> impl Iterator<Item = Key> {
        (0..RUNS.len()).map(Key::Run)
    }

    /// Returns the settings of a run.
    pub fn settings(&self, run: usize) -> impl Iterator<Item = (&'a str, Cell<'a>)> {
        self.runs.settings(&self.runs.summaries[run]).map(|(key, value)| (key, value.cell()))
    }

    /// Returns the scores of a run by split, as JSON.
    pub fn scores(&self, run: usize) -> Value {
        let scores = self.runs.summaries[run].scores.iter().map(|scores| {
            let metrics: Map<String, Value> = scores
                .metrics
                .iter()
                .map(|metric| {
                    let [value, low, high] = [metric.value, metric.low, metric.high].map(Cell::measured);
                    let method = self.runs.word(metric.method);
                    let estimate = json!({ "value": value, "low": low, "high": high, "method": method });
                    (self.runs.word(metric.name).to_owned(), estimate)
                })
                .collect();
            let ScoredSplit { split, n_items, n_groups, chance, .. } = scores;
            let scores =
                json!({ "n_items": n_items, "n_groups": n_groups, "chance": chance, "metrics": metrics });
            (split.as_str().to_owned(), scores)
        });
        scores.collect::<Map<_, _>>().into()
    }

    /// Returns the metrics that another tool computed of an imported run, each with its last value, as JSON.
    pub fn told(&self, run: usize) -> Map<String, Value> {
        let told = self.runs.summaries[run].told.iter();
        let told = told.map(|told| (self.runs.word(told.name).to_owned(), json!(Cell::measured(told.value))));
        told.collect()
    }

    /// Returns the settings that vary among some runs, in the order of an experiment.
    pub fn varying(&self, runs: &[usize]) -> Vec<Key> {
        let mut counts = vec![0_usize; self.runs.words.settings.len()];
        for number in runs.iter().flat_map(|run| &self.runs.summaries[*run].settings) {
            if let Some(count) = counts.get_mut(*number as usize) {
                *count += 1;
            }
        }
        let settings = self.runs.words.settings.iter().zip(counts);
        let varying = settings.filter(|(_, count)| (1..runs.len()).contains(count)).map(|((key, _), _)| key);
        let mut keys: Vec<Key> = Vec::new();
        for key in varying.map(|key| Key::Setting(key.clone())) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Returns the first metric of each split that some of the runs have scores of.
    pub fn main_metrics(&self, runs: &[usize]) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for split in Split::ALL {
            for run in runs {
                let scores = self.runs.summaries[*run].scores.iter().find(|scores| scores.split == split);
                let first = scores.and_then(|scores| scores.metrics.first());
                let key = first
                    .map(|metric| Key::Metric(split, self.runs.word(metric.name).to_owned(), Part::Value));
                keys.extend(key.filter(|key| !keys.contains(key)));
            }
        }
        keys
    }

    /// Orders runs within their experiments. Equal ones stay as they are, and what has no value comes first; last, where the
    /// order is descending.
    pub fn sort(&self, runs: &mut [usize], order: &Order) {
        let compare = |one: &usize, other: &usize| {
            let ordering = self.value(*one, &order.key).order(&self.value(*other, &order.key));
            if order.is_descending { ordering.reverse() } else { ordering }
        };
        for block in runs.chunk_by_mut(|one, other| self.experiment(*one) == self.experiment(*other)) {
            block.sort_by(compare);
        }
    }

    /// Returns the best run of each experiment by a metric. Of equal ones, it is the newest.
    ///
    /// # Errors
    /// Returns an error when the column is no metric.
    pub fn best(&self, runs: &[usize], key: &Key) -> Result<Vec<usize>, QueryError> {
        let Key::Metric(_, name, Part::Value) = key else {
            let metrics = self.keys.iter().filter(|key| matches!(key, Key::Metric(_, _, Part::Value)));
            let names: Vec<String> = metrics.map(Key::to_string).collect();
            let name = key.to_string();
            return Err(QueryError::NoMetric {
                similar: did_you_mean(&name, &names).map(str::to_owned),
                name,
            });
        };
        let blocks = runs.chunk_by(|one, other| self.experiment(*one) == self.experiment(*other));
        let best = |block: &[usize]| {
            let merits =
                block.iter().filter_map(|run| Some((merit(name, self.value(*run, key).number()?), *run)));
            merits.reduce(|best, next| if next.0 >= best.0 { next } else { best }).map(|(_, run)| run)
        };
        Ok(blocks.filter_map(best).collect())
    }

    /// Returns those of some runs that a condition in SQL is true of.
    ///
    /// # Errors
    /// Returns an error when the condition cannot be read, or names a column that does not exist.
    pub fn matching(&self, runs: &[usize], condition: &str) -> Result<Vec<usize>, QueryError> {
        let database = Database::open()?;
        let statement = Statement::condition(&database, condition)?;
        let mut keys: Vec<Key> = Vec::new();
        for parts in &statement.columns {
            let key = self.key(&parts.join("."))?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        self.load(&database, runs, &keys)?;
        database.close(&[], None)?;
        let sql = format!(
            "SELECT CAST(cliptune_row AS VARCHAR) FROM listing WHERE (\n{}\n) ORDER BY cliptune_row",
            statement.sql
        );
        let answer = database.texts(&sql)?;
        let rows = answer.rows().filter_map(|row| row.first().copied().flatten()?.parse::<usize>().ok());
        Ok(rows.filter_map(|row| runs.get(row).copied()).collect())
    }

    /// Makes the table that a condition is about: a column for each first part of a name, the other parts as its fields.
    fn load(&self, database: &Database, runs: &[usize], keys: &[Key]) -> Result<(), QueryError> {
        let names: Vec<String> = keys.iter().map(Key::to_string).collect();
        let columns: Vec<(&str, Kind)> = std::iter::once(("cliptune_row", Kind::Whole))
            .chain(names.iter().zip(keys).map(|(name, key)| (name.as_str(), self.kind(runs, key))))
            .collect();
        let mut rows = Rows::new(&columns);
        for (row, run) in runs.iter().enumerate() {
            let values = keys.iter().map(|key| self.value(*run, key));
            rows.push(std::iter::once(Cell::count(row as u64)).chain(values));
        }
        rows.make(database, "listing")?;
        let mut fields = Fields::default();
        for ((name, kind), key) in columns[1..].iter().zip(keys) {
            let parts: Vec<&str> = match key {
                Key::Metric(..) => name.splitn(2, '.').collect(),
                _ => name.split('.').collect(),
            };
            let kind = if is_time(key) { Kind::Time } else { *kind };
            fields.add(&parts, format!("TRY_CAST({} AS {})", sql_name(name), kind.sql()));
        }
        let columns = fields.0.iter().map(|(name, field)| format!(", {} AS {}", field.sql(), sql_name(name)));
        database.make(&format!(
            "CREATE VIEW listing AS SELECT cliptune_row{} FROM held.listing",
            columns.collect::<String>()
        ))
    }

    /// Returns the kind of the values that runs have in a column.
    fn kind(&self, runs: &[usize], key: &Key) -> Kind {
        match key {
            Key::Run(place) => RUNS.get(*place).map_or(Kind::Text, |(column, _)| match column.kind {
                Kind::Time => Kind::Text,
                kind => kind,
            }),
            Key::Present => Kind::Truth,
            Key::Metric(..) => Kind::Number,
            Key::Setting(_) => {
                let values: Vec<Cell<'_>> = runs.iter().map(|run| self.value(*run, key)).collect();
                let are = |is: fn(&Cell<'_>) -> bool| {
                    values.iter().all(|value| *value == Cell::Null || is(value))
                        && values.iter().any(|value| *value != Cell::Null)
                };
                match () {
                    () if are(|value| matches!(value, Cell::Number(_))) => Kind::Number,
                    () if are(|value| matches!(value, Cell::Truth(_))) => Kind::Truth,
                    () => Kind::Text,
                }
            }
        }
    }
}

fn is_time(key: &Key) -> bool {
    matches!(key, Key::Run(place) if RUNS.get(*place).is_some_and(|(column, _)| column.kind == Kind::Time))
}

/// Returns all columns that there are: those of `runs`, every setting that an experiment can have or that a run has, and the
/// metrics of all splits.
fn keys(runs: &Runs) -> Vec<Key> {
    let mut settings = setting_keys();
    settings.extend(runs.words.settings.iter().map(|(key, _)| key.clone()));
    settings.sort_unstable();
    settings.dedup();
    let mut metrics: Vec<u32> = runs
        .summaries
        .iter()
        .flat_map(|run| &run.scores)
        .flat_map(|scores| &scores.metrics)
        .map(|metric| metric.name)
        .collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut names: Vec<&str> = METRICS.to_vec();
    names.extend(metrics.into_iter().map(|name| runs.word(name)));
    names.sort_unstable();
    names.dedup();
    let metrics = Split::ALL.into_iter().flat_map(|split| {
        let parts = [Part::Value, Part::Low, Part::High];
        names.iter().flat_map(move |name| parts.map(|part| Key::Metric(split, (*name).to_owned(), part)))
    });
    let of_runs = (0..RUNS.len()).map(Key::Run);
    of_runs.chain([Key::Present]).chain(settings.into_iter().map(Key::Setting)).chain(metrics).collect()
}

/// The metrics that every choice has; a filter may name them before there is any run.
const METRICS: [&str; 5] = ["accuracy", "label_prob", "nll", "ece", "mrr"];

fn metric<'a>(runs: &'a Runs, run: &'a Summary, split: Split, name: &str) -> Option<&'a Metric> {
    let scores = run.scores.iter().find(|scores| scores.split == split)?;
    scores.metrics.iter().find(|metric| runs.word(metric.name) == name)
}

/// A tree of columns: STRUCTs are made of their fields.
#[derive(Default)]
struct Fields(Vec<(String, Field)>);

enum Field {
    Value(String),
    Struct(Fields),
}

impl Fields {
    fn add(&mut self, path: &[&str], value: String) {
        let Some((first, rest)) = path.split_first() else { return };
        let at = match self.0.iter().position(|(name, _)| name == first) {
            Some(at) => at,
            None => {
                self.0.push(((*first).to_owned(), Field::Struct(Self::default())));
                self.0.len() - 1
            }
        };
        match &mut self.0[at].1 {
            field if rest.is_empty() => *field = Field::Value(value),
            Field::Struct(fields) => fields.add(rest, value),
            Field::Value(_) => {}
        }
    }
}

impl Field {
    fn sql(&self) -> String {
        match self {
            Self::Value(value) => value.clone(),
            Self::Struct(Fields(fields)) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, field)| format!("{} := {}", sql_name(name), field.sql()))
                    .collect();
                format!("struct_pack({})", fields.join(", "))
            }
        }
    }
}
