//! Identities by content: what is hashed, and in which form.

use serde_json::{Value, json};

use cliptune_experiment::{DataPlan, ModelSource, Plan, Precision, Task};

/// The version of everything between the sources and the items. Raising it makes every dataset stale.
pub const DATASET_FORMAT: u32 = 5;
/// The version of everything between a dataset and a trained model. Raising it makes every run stale.
pub(crate) const TRAIN_PROCEDURE: u32 = 5;
/// The version of `run.json`.
pub const RUN_FORMAT: u32 = 3;
/// The version of everything between a run and its scores. Raising it makes all scores stale.
pub const SCORES_FORMAT: u32 = 6;
/// The version of everything between a run and the measurements of its reduced precisions. Raising it causes them to
/// be made and measured again.
pub const PRECISIONS_FORMAT: u32 = 4;

/// Returns the BLAKE3 of a value as JSON with sorted keys and without spaces, in 64 hexadecimal digits.
pub(crate) fn hash(mut value: Value) -> String {
    value.sort_all_objects();
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}

/// Returns the identity of a dataset that keeps the splits of an earlier one. It consists of the identity that its
/// own sources give it, and the earlier dataset's hash.
pub(crate) fn continued(sources: &str, earlier: &str) -> String {
    hash(json!({ "sources": sources, "continues": earlier }))
}

/// Returns the recipe of a dataset: its plan without the places of its sources, so that moving a folder changes
/// nothing, and without what only decides whether there is a dataset.
pub(crate) fn recipe(plan: &DataPlan) -> Value {
    let mut recipe = json!(plan);
    if let Some(fields) = recipe.as_object_mut() {
        for key in ["images", "access", "require"] {
            fields.shift_remove(key);
        }
    }
    // Templates say how classes are read, which is a matter of the runs.
    if let Some(classes) = recipe.pointer_mut("/columns/task/classes").and_then(Value::as_object_mut) {
        classes.shift_remove("templates");
    }
    if let Some(table) = recipe.get_mut("metadata").and_then(Value::as_object_mut) {
        table.shift_remove("locations");
    }
    recipe
}

/// Returns the settings of a plan that decide a run's result, apart from its dataset, its starting weights and its
/// seed.
pub(crate) fn settings(plan: &Plan) -> Value {
    let architecture = match &plan.model.from {
        ModelSource::Scratch(architecture) => json!(architecture),
        ModelSource::Folder(_) | ModelSource::Hub(_) | ModelSource::Run(_) => Value::Null,
    };
    // The other precisions are made from these graphs when the run is scored, and can be made at any time.
    let trained: Vec<Precision> =
        plan.export.onnx.iter().copied().filter(|precision| *precision == Precision::Fp32).collect();
    let mut settings = json!({
        "model": { "image_fit": plan.model.image_fit, "architecture": architecture },
        "train": plan.train,
        "export": { "onnx": trained },
    });
    if let Task::Classes { templates, .. } = &plan.data.columns.task {
        settings["data"] = json!({ "columns": { "templates": templates } });
    }
    settings
}

/// Returns the identity of a run, which consists of everything that decides its result. It is known before the run
/// exists.
///
/// `base_key` is [`ResolvedBase::key`](crate::ResolvedBase::key). Names, descriptions, paths and the choice of what
/// is scored do not affect the identity.
pub(crate) fn run_key(dataset_hash: &str, base_key: &str, plan: &Plan) -> String {
    hash(json!({
        "procedure": TRAIN_PROCEDURE,
        "dataset": dataset_hash,
        "base": base_key,
        "settings": settings(plan),
        "seed": plan.seed,
    }))
}
