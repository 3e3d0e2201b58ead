//! Writes a resolved plan in the language that it came from.

use std::borrow::Cow;

use cliptune_terminal::format::harmless_yaml;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::plan::{
    Columns, DataPlan, ImageKey, Join, Location, ModelPlan, ModelSource, Plan, SplitBy, SplitPlan,
    TableFormat, TableSource, Task,
};
use crate::values::Fraction;

/// The error that a plan could not be written as YAML.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the plan of `{experiment}` as YAML")]
pub struct WriteError {
    experiment: String,
    source: serde_yaml::Error,
}

impl Plan {
    /// Returns the plan as an experiment file with every default filled in and every path absolute. Loading it gives
    /// the same run again. Paths that are not UTF-8 are written as closely as possible.
    ///
    /// # Errors
    /// Fails when the YAML writer does; no plan is known for which this happens.
    pub fn to_yaml(&self) -> Result<String, WriteError> {
        yaml_text(&document(self))
            .map_err(|source| WriteError { experiment: self.experiment.to_string(), source })
    }
}

/// Returns a document as YAML, with escapes in place of the characters that no output may hold.
///
/// # Errors
/// Fails when the YAML writer does; no document is known for which this happens.
pub fn yaml_text(document: &Value) -> Result<String, serde_yaml::Error> {
    let text = serde_yaml::to_string(document)?;
    Ok(match harmless_yaml(&text) {
        Cow::Borrowed(_) => text,
        // JSON is YAML, too, and has all its texts in quotes, where every character can be escaped.
        Cow::Owned(_) => harmless_yaml(&format!("{document:#}\n")).into_owned(),
    })
}

pub(crate) fn document(plan: &Plan) -> Value {
    without_null(json!({
        "name": plan.experiment,
        "description": plan.description,
        "data": data(&plan.data),
        "model": model(&plan.model),
        "train": plan.train.as_ref().map(section),
        "checkpoint": section(&plan.checkpoint),
        "resources": plan.resources.as_ref().map(section),
        "export": section(&plan.export),
        "score": section(&plan.score),
        "seeds": [plan.seed],
    }))
}

fn data(data: &DataPlan) -> Value {
    without_null(json!({
        "images": locations(&data.images),
        "metadata": table(&data.metadata),
        "access": section(&data.access),
        "join": data.join.as_ref().map(join),
        "columns": columns(&data.columns),
        "where": data.filter,
        "sample": data.sample.as_ref().map(section),
        "deduplicate": data.deduplicate,
        "verify": data.verify,
        "require": section(&data.require),
        "split": split(&data.split),
    }))
}

fn table(source: &TableSource) -> Value {
    let files = locations(&source.locations);
    match (source.format, &source.table) {
        (TableFormat::Beside, _) => Value::Null,
        (_, Some(table)) => json!({ "file": files, "table": table }),
        (_, None) => files,
    }
}

/// Returns locations as they are written: one by itself, several as a list.
fn locations(locations: &[Location]) -> Value {
    match locations {
        [only] => json!(only.to_string()),
        several => several.iter().map(ToString::to_string).collect(),
    }
}

fn join(join: &Join) -> Value {
    let image = match &join.image {
        ImageKey::Path => json!("path"),
        ImageKey::Name => json!("name"),
        ImageKey::Stem => json!("stem"),
        ImageKey::Sql(sql) => json!({ "sql": sql }),
    };
    json!({ "image": image, "metadata": join.metadata })
}

fn columns(columns: &Columns) -> Value {
    let task = match &columns.task {
        Task::Choice { choices, label } => json!({ "choices": choices, "label": label }),
        Task::Pairs { text } => json!({ "text": text }),
        Task::Classes { class, templates } => json!({ "classes": class, "templates": templates }),
    };
    let others = json!({ "id": columns.id, "group": columns.group, "vocabulary": columns.vocabulary });
    let entries = [task, others].into_iter().filter_map(|part| match part {
        Value::Object(entries) => Some(entries),
        _ => None,
    });
    without_null(entries.flatten().collect::<Map<_, _>>().into())
}

fn split(split: &SplitPlan) -> Value {
    let (by, across, near_duplicates) = match &split.by {
        SplitBy::Column(column) => {
            return match &split.folds {
                Some(folds) => json!({ "folds": column, "test_fold": folds.test }),
                None => json!({ "column": column }),
            };
        }
        SplitBy::Component { across, near_duplicates } => ("component", Some(across), Some(near_duplicates)),
        SplitBy::Group => ("group", None, None),
        SplitBy::Row => ("row", None, None),
    };
    let share = |share: Fraction| split.folds.is_none().then_some(share);
    without_null(json!({
        "by": by,
        "across": across,
        "train": share(split.shares.train),
        "validation": share(split.shares.validation),
        "test": share(split.shares.test),
        "folds": split.folds.as_ref().map(|folds| &folds.of),
        "test_fold": split.folds.as_ref().map(|folds| folds.test),
        "stratify": split.stratify,
        "near_duplicates": near_duplicates,
        "seed": split.seed,
    }))
}

fn model(model: &ModelPlan) -> Value {
    let sizes = match &model.from {
        ModelSource::Scratch(sizes) => Some(section(sizes)),
        ModelSource::Folder(_) | ModelSource::Hub(_) | ModelSource::Run(_) => None,
    };
    without_null(json!({
        "from": model.from.to_string(),
        "image_fit": model.image_fit,
        "architecture": sizes,
    }))
}

/// Returns a section whose record has its options as YAML does. That holds for every section defined with `options!`.
fn section(section: &impl Serialize) -> Value {
    without_null(json!(section))
}

/// Removes null values from maps at every depth, because null and missing mean the same in the language.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let said = map.into_iter().filter(|(_, value)| !value.is_null());
            said.map(|(key, value)| (key, without_null(value))).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}
