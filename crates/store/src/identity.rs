//! Identity by content: what is hashed, and in which form.

use serde_json::{Value, json};

use cliptune_experiment::{DataPlan, ModelSource, Plan, Precision};

/// Version of everything between the sources and the items. Raising it makes every dataset stale.
pub const DATASET_FORMAT: u32 = 2;
/// Version of everything between a dataset and a trained model. Raising it makes every run stale.
pub(crate) const TRAIN_PROCEDURE: u32 = 5;
/// Version of `run.json`.
pub const RUN_FORMAT: u32 = 3;
/// Version of everything between a run and its scores. Raising it makes all scores stale.
pub const SCORES_FORMAT: u32 = 3;
/// Version of everything between a run and what its reduced precisions cost. Raising it makes them be made and measured
/// again.
pub const PRECISIONS_FORMAT: u32 = 2;

/// BLAKE3 of a value as JSON with sorted keys and without spaces: 64 hexadecimal digits.
pub(crate) fn hash(mut value: Value) -> String {
    value.sort_all_objects();
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}

/// Identity of a dataset that keeps the splits of an earlier one: what its own sources decide, and which that was.
pub(crate) fn continued(sources: &str, earlier: &str) -> String {
    hash(json!({ "sources": sources, "continues": earlier }))
}

/// The recipe of a dataset: its plan without the places of its sources, so that a moved folder changes nothing.
pub(crate) fn recipe(plan: &DataPlan) -> Value {
    let mut recipe = json!(plan);
    if let Some(fields) = recipe.as_object_mut() {
        fields.shift_remove("images");
    }
    if let Some(table) = recipe.get_mut("metadata").and_then(Value::as_object_mut) {
        table.shift_remove("path");
    }
    recipe
}

/// The settings of a plan that decide a run's result, beside its dataset, its starting weights and its seed.
pub(crate) fn settings(plan: &Plan) -> Value {
    let architecture = match &plan.model.from {
        ModelSource::Scratch(architecture) => json!(architecture),
        ModelSource::Folder(_) | ModelSource::Hub(_) | ModelSource::Run(_) => Value::Null,
    };
    // The other precisions are made from these graphs when the run is scored, and can be at any time.
    let trained: Vec<Precision> =
        plan.export.onnx.iter().copied().filter(|precision| *precision == Precision::Fp32).collect();
    json!({
        "model": { "image_fit": plan.model.image_fit, "architecture": architecture },
        "train": plan.train,
        "export": { "onnx": trained },
    })
}

/// Returns the identity of a run before it exists: everything that decides its result.
///
/// `base_key` is [`ResolvedBase::key`](crate::ResolvedBase::key). Names, descriptions, places and what is scored
/// are no part of it.
pub(crate) fn run_key(dataset_hash: &str, base_key: &str, plan: &Plan) -> String {
    hash(json!({
        "procedure": TRAIN_PROCEDURE,
        "dataset": dataset_hash,
        "base": base_key,
        "settings": settings(plan),
        "seed": plan.seed,
    }))
}
