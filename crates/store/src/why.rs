//! The reasons why a plan is stale, in words.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_experiment::{ModelSource, Plan, Split, TableFormat, TableSource, spelled};
use serde_json::{Value, json};

use crate::base::{ResolvedBase, recorded_key};
use crate::dataset::Dataset;
use crate::identity::{recipe, settings};
use crate::precisions::Unjudged;
use crate::run::{Run, RunStatus};
use crate::run_record::Outcome;
use crate::source_hashes::SourceHashes;
use crate::store::Store;

/// What is known about one plan.
pub(crate) struct Case<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) sources: &'a SourceHashes,
    pub(crate) dataset_hash: &'a str,
    pub(crate) dataset: Option<&'a Dataset>,
    pub(crate) base: &'a ResolvedBase,
    pub(crate) key: &'a str,
    /// The completed run with the plan's key.
    pub(crate) run: Option<&'a Run>,
    /// The newest run of the same experiment, seed and point of the matrix, whatever its settings.
    pub(crate) previous: Option<&'a Run>,
    pub(crate) missing_scores: &'a [Split],
    pub(crate) unjudged: &'a [Unjudged],
    /// A description of what is wrong with the run's export.
    pub(crate) export: Option<&'a str>,
}

/// Returns every reason why something has to be done.
pub(crate) fn reasons(store: &Store, case: &Case<'_>) -> Vec<String> {
    let mut why = Vec::new();
    if case.dataset.is_none() {
        why.push("no dataset yet".to_owned());
    }
    match case.run {
        Some(_) => {
            why.extend(case.export.map(str::to_owned));
            why.extend(unscored(case.missing_scores));
            why.extend(case.unjudged.iter().map(|unjudged| unjudged.why.clone()));
        }
        None => why.extend(untrained(store, case)),
    }
    why
}

fn unscored(missing: &[Split]) -> Option<String> {
    let names: Vec<&str> = missing.iter().map(|split| split.as_str()).collect();
    (!names.is_empty()).then(|| format!("not scored on {}", names.join(", ")))
}

fn untrained(store: &Store, case: &Case<'_>) -> Vec<String> {
    let mut why = Vec::new();
    if let (ModelSource::Run(reference), ResolvedBase::Run { run: None, .. }) =
        (&case.plan.model.from, case.base)
    {
        why.push(format!("the base {reference} is stale"));
    }
    if let ResolvedBase::Hub { id, cached: None } = case.base {
        why.push(format!("{id} has not been fetched"));
    }
    let Some(previous) = case.previous else {
        why.push("never trained".to_owned());
        return why;
    };
    let record = previous.record();
    if record.key == case.key {
        why.push(ended(previous));
        return why;
    }
    if record.dataset != case.dataset_hash {
        why.push(dataset_changed(store, case, previous));
    }
    if why.is_empty() && recorded_key(&record.base) != case.base.key() {
        why.push("the starting weights changed".to_owned());
    }
    why.extend(changes("", &settings(&record.plan), &settings(case.plan)));
    if why.is_empty() {
        why.push("cliptune trains differently since".to_owned());
    }
    why
}

/// Describes how a run with the right key came to be incomplete.
fn ended(run: &Run) -> String {
    match (run.status(), run.record().end.as_ref().map(|end| &end.outcome)) {
        (_, Some(Outcome::Failed { message })) => format!("{} failed: {message}", run.id()),
        (RunStatus::Running, _) => match run.worker() {
            Some(worker) => format!("{} is running: {worker}", run.id()),
            None => format!("{} is running", run.id()),
        },
        (RunStatus::Interrupted, _) => format!("{} was interrupted", run.id()),
        _ => format!("{} crashed", run.id()),
    }
}

/// Describes how the dataset changed, as in `the dataset changed: table contest.parquet, data.split.seed: 0 → 1`.
fn dataset_changed(store: &Store, case: &Case<'_>, previous: &Run) -> String {
    let mut what = Vec::new();
    if let Ok(Some(dataset)) = store.dataset(&previous.record().dataset) {
        let before = &dataset.record().sources;
        if before.table_hash != case.sources.table_hash {
            what.push(format!("table {}", table_name(&case.plan.data.metadata)));
        }
        if before.images_hash != case.sources.images_hash {
            let names = case.sources.images_folders.iter().map(|folder| name(folder));
            what.push(format!("images {}", names.collect::<Vec<_>>().join(", ")));
        }
    }
    what.extend(changes("data", &recipe(&previous.record().plan.data), &recipe(&case.plan.data)));
    match what.is_empty() {
        true => "the dataset changed".to_owned(),
        false => format!("the dataset changed: {}", what.join(", ")),
    }
}

fn table_name(table: &TableSource) -> String {
    if table.format == TableFormat::Beside {
        return "with the images".to_owned();
    }
    let names = table.locations.iter().map(|location| location.file_name().unwrap_or_default());
    names.collect::<Vec<_>>().join(", ")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Describes every leaf that differs, as in `train.optimizer.lr: 1e-5 → 2e-5`.
fn changes(prefix: &str, before: &Value, after: &Value) -> Vec<String> {
    let (before, after) = (leaves(prefix, before), leaves(prefix, after));
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differs.map(|key| format!("{key}: {} → {}", shown(before.get(key)), shown(after.get(key)))).collect()
}

fn leaves(prefix: &str, value: &Value) -> BTreeMap<String, Value> {
    let Value::Object(fields) = value else { return BTreeMap::from([(prefix.to_owned(), json!(value))]) };
    let dotted = |key: &String| if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
    fields.iter().flat_map(|(key, value)| leaves(&dotted(key), value)).collect()
}

fn shown(value: Option<&Value>) -> String {
    spelled(value.unwrap_or(&Value::Null))
}
