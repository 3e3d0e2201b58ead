//! A resolved plan in the language it came from.

use serde_json::{Map, Value, json};

use crate::language::{Vocabulary, word_of};
use crate::plan::{
    Architecture, Augment, Columns, DataPlan, ImageKey, Join, ModelPlan, ModelSource, Objective, Plan,
    SplitBy, SplitPlan, Task, TrainPlan, Transformer, Tune,
};

/// A plan could not be written as YAML.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the plan of `{experiment}` as YAML")]
pub struct WriteError {
    experiment: String,
    source: serde_yaml::Error,
}

impl Plan {
    /// The plan as an experiment file with every default filled in and every path absolute: loading it gives the same
    /// run again. Paths that are not UTF-8 are written as well as they can be.
    ///
    /// # Errors
    /// When the YAML writer refuses; no plan is known for which it does.
    pub fn to_yaml(&self) -> Result<String, WriteError> {
        serde_yaml::to_string(&document(self))
            .map_err(|source| WriteError { experiment: self.experiment.to_string(), source })
    }
}

fn document(plan: &Plan) -> Value {
    without_null(json!({
        "name": plan.experiment,
        "description": plan.description,
        "data": data(&plan.data),
        "model": model(&plan.model),
        "train": plan.train.as_ref().map(train),
        "checkpoint": plan.checkpoint,
        "export": without_null(json!({
            "onnx": words(&plan.export.onnx),
            "int8_margin": plan.export.int8_margin,
        })),
        "score": { "splits": words(&plan.score.splits) },
        "seeds": [plan.seed],
    }))
}

fn data(data: &DataPlan) -> Value {
    without_null(json!({
        "images": data.images.to_string_lossy(),
        "metadata": data.metadata.path.to_string_lossy(),
        "join": join(&data.join),
        "columns": columns(&data.columns),
        "where": data.filter,
        "deduplicate": data.deduplicate,
        "split": split(&data.split),
    }))
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
    let (choices, label, text) = match &columns.task {
        Task::Choice { choices, label } => (Some(choices), Some(label), None),
        Task::Pairs { text } => (None, None, Some(text)),
    };
    without_null(json!({
        "choices": choices,
        "label": label,
        "text": text,
        "id": columns.id,
        "group": columns.group,
        "vocabulary": columns.vocabulary,
    }))
}

fn split(split: &SplitPlan) -> Value {
    let (by, across) = match &split.by {
        SplitBy::Column(column) => return json!({ "column": column }),
        SplitBy::Component { across } => ("component", Some(across)),
        SplitBy::Group => ("group", None),
        SplitBy::Row => ("row", None),
    };
    without_null(json!({
        "by": by,
        "across": across,
        "train": split.shares.train,
        "validation": split.shares.validation,
        "test": split.shares.test,
        "seed": split.seed,
    }))
}

fn model(model: &ModelPlan) -> Value {
    let sizes = match &model.from {
        ModelSource::Scratch(sizes) => Some(architecture(sizes)),
        ModelSource::Folder(_) | ModelSource::Hub(_) | ModelSource::Run(_) => None,
    };
    without_null(json!({
        "from": model.from.to_string(),
        "image_fit": model.image_fit.map(word_of),
        "architecture": sizes,
    }))
}

fn architecture(sizes: &Architecture) -> Value {
    json!({
        "image_size": sizes.image_size,
        "patch_size": sizes.patch_size,
        "vision": transformer(sizes.vision),
        "text": transformer(sizes.text),
        "context_length": sizes.context_length,
        "vocab_size": sizes.vocab_size,
        "projection_dim": sizes.projection_dim,
        "activation": word_of(sizes.activation),
        "logit_scale": sizes.logit_scale,
    })
}

fn transformer(sizes: Transformer) -> Value {
    json!({ "width": sizes.width, "layers": sizes.layers, "heads": sizes.heads })
}

pub(crate) fn train(train: &TrainPlan) -> Value {
    let contrastive_weight = match train.objective {
        Objective::ChoiceContrastive { contrastive_weight } => Some(contrastive_weight),
        Objective::Choice | Objective::Contrastive | Objective::Sigmoid => None,
    };
    let (unlocked_layers, lora) = match train.tune {
        Tune::LockedImage { unlocked_layers } | Tune::LockedText { unlocked_layers } => {
            (Some(unlocked_layers), None)
        }
        Tune::Lora { lora } => (None, Some(lora)),
        Tune::Full | Tune::Projections => (None, None),
    };
    without_null(json!({
        "objective": word_of(train.objective),
        "contrastive_weight": contrastive_weight,
        "label_smoothing": train.label_smoothing,
        "reduction": word_of(train.reduction),
        "tune": word_of(train.tune),
        "unlocked_layers": unlocked_layers,
        "lora": lora,
        "logit_scale": word_of(train.logit_scale),
        "epochs": train.epochs,
        "batch_size": train.batch_size,
        "accumulate": train.accumulate,
        "gradient_cache": train.gradient_cache,
        "gradient_checkpointing": train.gradient_checkpointing,
        "shuffle": train.shuffle,
        "augment": train.augment.as_ref().map(augment),
        // A record has the fields of these as YAML has them.
        "optimizer": train.optimizer,
        "schedule": train.schedule,
        "clip_grad_norm": train.clip_grad_norm,
        "ema": train.ema,
        "precision": word_of(train.precision),
        "deterministic": train.deterministic,
        "select": word_of(train.select),
        "patience": train.patience,
        "interpolate": (!train.interpolate.is_empty()).then_some(&train.interpolate),
    }))
}

fn augment(augment: &Augment) -> Value {
    without_null(json!(augment))
}

fn words<T: Vocabulary>(values: &[T]) -> Vec<&'static str> {
    values.iter().map(|value| word_of(*value)).collect()
}

/// Leaves out what a map does not say: null and missing are the same in the language.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}
