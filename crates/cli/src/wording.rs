//! How settings are put into words.

use std::collections::BTreeMap;

use cliptune_experiment::{
    Architecture, DataPlan, Experiment, ExportPlan, FoldSource, ImageKey, Join, Location, ModelPlan,
    ModelSource, Plan, PlanOption, ScorePlan, SplitBy, SplitPlan, TableFormat, TableSource, Task, TrainPlan,
    Warmup, spelled,
};
use cliptune_terminal::format;
use serde::Serialize;
use serde_json::Value;

use crate::selection::short;

/// Formats a point of a matrix: `train.optimizer.lr=1e-5, train.epochs=3`.
pub(crate) fn axes(axes: &BTreeMap<String, Value>) -> String {
    let axes: Vec<String> = axes.iter().map(|(key, value)| format!("{key}={}", spelled(value))).collect();
    axes.join(", ")
}

/// Formats a word or a number of the plan as it appears in YAML.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).map_or_else(|_| String::new(), |value| spelled(&value))
}

fn words<T: Serialize>(values: &[T]) -> String {
    values.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Describes a plan line by line, each with a name and the settings that matter.
pub(crate) fn plan(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut lines = data(&plan.data);
    lines.push(("model", model(&plan.model)));
    lines.push((
        "train",
        plan.train.as_ref().map_or_else(|| "nothing: the model is scored as it is".to_owned(), train),
    ));
    lines.extend(options(plan).map(|options| ("with", options)));
    lines.push(("export", export(&plan.export)));
    lines.push(("score", score(&plan.score)));
    lines
}

/// Does the same with the join that was found, where the plan declares none.
pub(crate) fn plan_as_found(plan: &Plan, found: Option<String>) -> Vec<(&'static str, String)> {
    let mut lines = self::plan(plan);
    if let (Some(found), Some((_, join))) = (found, lines.iter_mut().find(|(name, _)| *name == "join")) {
        *join = found;
    }
    lines
}

fn export(export: &ExportPlan) -> String {
    let margin =
        export.int8_margin.map(|margin| format!("; int8 if validation falls by less than {}", margin.get()));
    format!("ONNX {}{}", words(&export.onnx), margin.unwrap_or_default())
}

fn score(score: &ScorePlan) -> String {
    let scale = score.logit_scale.map(|scale| format!(", with the constant scale {scale}"));
    let controls = match score.controls() {
        [] => String::new(),
        controls => format!(", with the controls {}", words(controls)),
    };
    words(&score.splits) + &scale.unwrap_or_default() + &controls
}

/// Describes the settings that nobody declares, a line for each section of the experiment.
pub(crate) fn defaults(experiment: &Experiment) -> Vec<String> {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in experiment.defaults() {
        let (section, key) = key.split_once('.').unwrap_or(("", &key));
        let said = format!("{key} {}", spelled(&value));
        match sections.last_mut().filter(|(last, _)| last == section) {
            Some((_, told)) => told.push(said),
            None => sections.push((section.to_owned(), vec![said])),
        }
    }
    sections.into_iter().map(|(section, told)| format!("{section}: {}", told.join(", "))).collect()
}

/// Describes which image belongs to which row.
pub(crate) fn join(join: &Join) -> String {
    let image = match &join.image {
        ImageKey::Sql(sql) => sql.clone(),
        key => format!("image {}", word(key)),
    };
    format!("{image} = {}", join.metadata)
}

fn data(data: &DataPlan) -> Vec<(&'static str, String)> {
    const FOUND: &str = "by the column that names the images";
    let mut lines = vec![
        ("images", locations(&data.images)),
        ("table", table(&data.metadata)),
        ("join", data.join.as_ref().map_or_else(|| FOUND.to_owned(), join)),
    ];
    lines.extend(data.filter.clone().map(|filter| ("where", filter)));
    lines.extend(data.sample.map(|sample| ("sample", format!("{} rows, seed {}", sample.rows, sample.seed))));
    lines.push(("items", items(data)));
    lines.push(("split", split(&data.split)));
    lines
}

fn table(source: &TableSource) -> String {
    match (source.format, &source.table) {
        (TableFormat::Beside, _) => "with the images".to_owned(),
        (_, Some(table)) => format!("{table} in {}", locations(&source.locations)),
        (_, None) => locations(&source.locations),
    }
}

fn locations(locations: &[Location]) -> String {
    let shown = |location: &Location| match location {
        Location::Local(path) => short(path).to_string(),
        Location::Remote(address) => address.to_string(),
    };
    locations.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn items(data: &DataPlan) -> String {
    let columns = &data.columns;
    let task = match &columns.task {
        Task::Choice { choices, label } => format!("choice: choices {choices}, label {label}"),
        Task::Pairs { text } => format!("pairs: text {text}"),
        Task::Classes { class, templates } => format!("classes: {class}, as {templates}"),
    };
    let group = columns.group.iter().map(|group| format!(", group {group}"));
    let id = columns.id.iter().map(|id| format!(", id {id}"));
    let once = data.deduplicate.then(|| ", deduplicated".to_owned());
    std::iter::once(task).chain(group).chain(id).chain(once).collect()
}

fn split(split: &SplitPlan) -> String {
    let by = match &split.by {
        SplitBy::Column(column) => return format!("as column {column} says"),
        SplitBy::Component { across, .. } if across.is_empty() => "component".to_owned(),
        SplitBy::Component { across, .. } => format!("component across {}", across.join(", ")),
        SplitBy::Group => "group".to_owned(),
        SplitBy::Row => "row".to_owned(),
    };
    let parts = match &split.folds {
        Some(folds) => match &folds.of {
            FoldSource::Dealt(count) => format!("fold {} of {count} is tested", folds.test),
            FoldSource::Column(column) => {
                format!("fold {} of those in column {column} is tested", folds.test)
            }
        },
        None => {
            let [train, validation, test] =
                [split.shares.train, split.shares.validation, split.shares.test].map(f64::from);
            format!("train {train}, validation {validation}, test {test}")
        }
    };
    let alike = split.stratify.iter().map(|column| format!(", alike in {column}")).collect::<String>();
    let near = if split.by.holds_near_duplicates() { ", near-duplicate images together" } else { "" };
    format!("by {by}: {parts}{alike}{near}, seed {}", split.seed)
}

fn model(model: &ModelPlan) -> String {
    let from = match &model.from {
        ModelSource::Scratch(architecture) => scratch(architecture),
        ModelSource::Folder(folder) => short(folder).to_string(),
        ModelSource::Hub(id) => id.to_string(),
        ModelSource::Run(reference) => reference.written(),
    };
    let fit = model.image_fit.map(|fit| format!(", images {}", word(fit)));
    from + &fit.unwrap_or_default()
}

fn scratch(architecture: &Architecture) -> String {
    let Architecture { image_size, patch_size, vision, text, .. } = architecture;
    let name = architecture.name().map(|name| format!(", {name}")).unwrap_or_default();
    format!(
        "random weights{name}: image {image_size}, patch {patch_size}, vision {} × {}, text {} × {}, {} tokens, {} words",
        vision.layers,
        vision.width,
        text.layers,
        text.width,
        architecture.context_length,
        architecture.vocab_size
    )
}

fn train(train: &TrainPlan) -> String {
    let TrainPlan { optimizer, schedule, .. } = train;
    format!(
        "{}, {}; {} of batches of {}{}; {} lr {}, weight decay {}; {}, then {}; best {}",
        train.objective.as_str(),
        train.tune,
        format::counted(train.epochs as u64, "epoch"),
        train.batch_size.get(),
        accumulated(train.accumulate.get()),
        optimizer.rule.as_str(),
        word(optimizer.lr),
        optimizer.weight_decay,
        warmup(schedule.warmup),
        schedule.decay.as_str(),
        word(train.select),
    )
}

/// The options that the other lines show, including every option below them.
const TOLD: &[&str] = &[
    "description",
    "data.join",
    "data.columns.choices",
    "data.columns.label",
    "data.columns.text",
    "data.columns.classes",
    "data.columns.templates",
    "data.columns.id",
    "data.columns.group",
    "data.where",
    "data.sample",
    "data.deduplicate",
    "data.split",
    "model.image_fit",
    "train.tune",
    "train.unlocked_layers",
    "train.lora.rank",
    "train.epochs",
    "train.batch_size",
    "train.accumulate",
    "train.optimizer.name",
    "train.optimizer.lr",
    "train.optimizer.weight_decay",
    "train.schedule.warmup",
    "train.schedule.warmup_steps",
    "train.schedule.decay",
    "train.select",
    "export",
    "score",
];

/// Lists every option that differs from its default and that no other line shows: `reduction sum, shuffle false`.
fn options(plan: &Plan) -> Option<String> {
    let is_told = |option: &PlanOption| {
        TOLD.iter().any(|told| {
            option.key.strip_prefix(told).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let untold = plan.options().into_iter().filter(|option| !option.is_default && !is_told(option));
    let options: Vec<_> = untold
        .map(|PlanOption { key, value, .. }| {
            format!("{} {value}", key.strip_prefix("train.").unwrap_or(&key))
        })
        .collect();
    (!options.is_empty()).then(|| options.join(", "))
}

fn accumulated(batches: usize) -> String {
    if batches == 1 { String::new() } else { format!(", {batches} an update") }
}

fn warmup(warmup: Warmup) -> String {
    match warmup {
        Warmup::Steps(steps) => format::counted(steps as u64, "warm-up step"),
        Warmup::Share(_) => format!("{warmup} warm-up"),
    }
}
