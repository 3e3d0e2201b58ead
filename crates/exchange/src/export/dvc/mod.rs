//! A run for DVC: its parameters, metrics and plots, and the pipeline that makes it again.

mod pipeline;
mod plots;

use std::path::Path;

use cliptune_durable::write_remade;
use cliptune_experiment::{Split, yaml_text};
use cliptune_store::{Store, write_json};
use fs_err as fs;
use serde_json::{Map, Value, json};

use super::content::Content;
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
    let record = content.run.record();
    let alone = record.plan.alone(store.starting_point(record));
    let seen = alone.seen_from(place, &store.surroundings());
    write_remade(&folder.join(PARAMS), seen.to_yaml()?.as_bytes())?;
    write_json(&folder.join(METRICS), &metrics(content.metrics()))?;
    let plots = plots::write(&content.curves, folder)?;
    let pipeline = pipeline::of(&alone, store, place, &plots);
    Ok(write_remade(&folder.join("dvc.yaml"), yaml_text(&pipeline)?.as_bytes())?)
}

/// Returns the metrics by split. JSON has no number that is none, so those are left out.
fn metrics(scores: impl Iterator<Item = (Split, Vec<(String, f64)>)>) -> Value {
    let of_split = |(split, metrics): (Split, Vec<(String, f64)>)| {
        let finite = metrics.into_iter().filter(|(_, value)| value.is_finite());
        let metrics: Map<String, Value> = finite.map(|(name, value)| (name, json!(value))).collect();
        (split.as_str().to_owned(), Value::Object(metrics))
    };
    Value::Object(scores.map(of_split).collect())
}
