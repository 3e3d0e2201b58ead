//! A run for DVC: its parameters, metrics and plots, and the pipeline that makes it again.

mod pipeline;
mod plots;

use std::path::Path;

use cliptune_durable::write_remade;
use cliptune_experiment::{Plan, Split, yaml_text};
use cliptune_store::{Run, Store, write_json};
use fs_err as fs;
use serde_json::{Map, Value, json};

use super::content::Content;
use super::lineage::ancestors;
use crate::error::ExchangeError;

/// The parameters, which are the experiment file of the run.
const PARAMS: &str = "params.yaml";
const METRICS: &str = "metrics.json";

/// Writes a run into a folder that will have the path `place`.
pub(super) fn write(
    store: &Store,
    content: &Content,
    folder: &Path,
    place: &Path,
) -> Result<(), ExchangeError> {
    fs::create_dir_all(folder)?;
    let alone = write_plan(store, &content.run, PARAMS, folder, place)?;
    // Where an experiment starts from another one, both have to be in one folder.
    let ancestors = ancestors(store, &content.run);
    for ancestor in &ancestors {
        write_plan(store, ancestor, &file_of(ancestor), folder, place)?;
    }
    write_json(&folder.join(METRICS), &metrics(content.metrics()))?;
    let plots = plots::write(&content.curves, folder)?;
    let experiments: Vec<String> = ancestors.iter().map(file_of).collect();
    let pipeline = pipeline::of(&alone, store, place, &experiments, &plots);
    Ok(write_remade(&folder.join("dvc.yaml"), yaml_text(&pipeline)?.as_bytes())?)
}

/// Writes the plan of a run as an experiment file, and returns it as it was written but for its paths.
fn write_plan(
    store: &Store,
    run: &Run,
    name: &str,
    folder: &Path,
    place: &Path,
) -> Result<Plan, ExchangeError> {
    let record = run.record();
    let alone = record.plan.alone(store.starting_point(record));
    let seen = alone.seen_from(place, &store.surroundings());
    write_remade(&folder.join(name), seen.to_yaml()?.as_bytes())?;
    Ok(alone)
}

/// Returns the file of the experiment of a run that another one started from.
fn file_of(run: &Run) -> String {
    format!("from-{}.yaml", run.record().experiment)
}

/// Returns the metrics by split. JSON has no NaN and no infinity, so those are left out.
fn metrics(scores: impl Iterator<Item = (Split, Vec<(String, f64)>)>) -> Value {
    let of_split = |(split, metrics): (Split, Vec<(String, f64)>)| {
        let finite = metrics.into_iter().filter(|(_, value)| value.is_finite());
        let metrics: Map<String, Value> = finite.map(|(name, value)| (name, json!(value))).collect();
        (split.as_str().to_owned(), Value::Object(metrics))
    };
    Value::Object(scores.map(of_split).collect())
}
