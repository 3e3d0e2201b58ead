//! The settings in which experiments differ.

use std::time::Duration;

use cliptune_experiment::{ModelSource, PlanOption, TrainPlan, spelled, spelled_number};
use cliptune_terminal::format;
use rayon::prelude::*;

use crate::data::{Entry, mean};

/// A column of the table, with one value for each entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// The column's name.
    pub(crate) name: String,
    /// Whether values are aligned as numbers.
    pub(crate) numeric: bool,
    /// Whether a matrix varies the setting.
    pub(crate) is_axis: bool,
    /// The values, one for each entry, which are `–` where the setting does not exist.
    pub(crate) values: Vec<String>,
    /// The numbers to sort by, where the values do not tell them.
    pub(crate) numbers: Option<Vec<f64>>,
}

const NONE: &str = "–";

/// The settings that every reader asks about first, which are shown whether or not they differ.
const ALWAYS: [&str; 7] =
    ["tune", "learning rate", "epochs", "kept alpha", "trainable weights", "training time", "items/s"];

/// Returns, in a fixed order, the most important settings and those in which the entries that have them differ.
pub(crate) fn differing(entries: &[Entry]) -> Vec<Setting> {
    let mut settings = plain(entries);
    settings.extend(options(entries));
    let axes = axes(entries, &settings);
    settings.extend(axes);
    settings.extend(measured(entries));
    settings.retain(Setting::is_worth_a_column);
    settings
}

impl Setting {
    fn is_worth_a_column(&self) -> bool {
        let mut known = self.values.iter().filter(|value| *value != NONE);
        let Some(first) = known.next() else { return false };
        ALWAYS.contains(&self.name.as_str()) || known.any(|value| value != first)
    }
}

fn setting(
    name: &str,
    numeric: bool,
    entries: &[Entry],
    value: impl Fn(&Entry) -> Option<String>,
) -> Setting {
    let values = entries.iter().map(|entry| value(entry).unwrap_or_else(|| NONE.to_owned()));
    Setting { name: name.to_owned(), numeric, is_axis: false, values: values.collect(), numbers: None }
}

/// Returns a column of measured numbers, which are shown in words.
fn number(
    name: &str,
    entries: &[Entry],
    value: impl Fn(&Entry) -> Option<f64>,
    shown: impl Fn(f64) -> String,
) -> Setting {
    let numbers: Vec<Option<f64>> = entries.iter().map(value).collect();
    let values = numbers.iter().map(|number| number.map_or_else(|| NONE.to_owned(), &shown));
    Setting {
        name: name.to_owned(),
        numeric: true,
        is_axis: false,
        values: values.collect(),
        numbers: Some(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect()),
    }
}

/// Returns whether a matrix of some entry varies a key, or something below it.
fn is_axis(entries: &[Entry], key: &str) -> bool {
    entries
        .iter()
        .flat_map(|entry| entry.plan.axes.keys())
        .any(|axis| is_below(axis, key) || is_below(key, axis))
}

fn plain(entries: &[Entry]) -> Vec<Setting> {
    let of = |name, key, numeric, value: &dyn Fn(&Entry) -> Option<String>| Setting {
        is_axis: is_axis(entries, key),
        ..setting(name, numeric, entries, value)
    };
    let train = |name, key, numeric, value: fn(&TrainPlan) -> String| {
        of(name, key, numeric, &move |entry| entry.plan.train.as_ref().map(value))
    };
    vec![
        of("starts from", "model.from", false, &|entry| Some(starts_from(&entry.plan.model.from))),
        train("objective", "train.objective", false, |train| train.objective.as_str().to_owned()),
        train("tune", "train.tune", false, |train| train.tune.to_string()),
        train("optimiser", "train.optimizer.name", false, |train| train.optimizer.rule.as_str().to_owned()),
        train("learning rate", "train.optimizer.lr", true, |train| spelled_number(train.optimizer.lr.get())),
        train("weight decay", "train.optimizer.weight_decay", true, |train| {
            train.optimizer.weight_decay.to_string()
        }),
        train("epochs", "train.epochs", true, |train| train.epochs.to_string()),
        train("batch", "train.batch_size", true, |train| train.batch_size.get().to_string()),
        train("warm-up steps", "train.schedule.warmup", true, |train| train.schedule.warmup.to_string()),
    ]
}

/// The value for an experiment that does without a setting.
const WITHOUT: &str = "none";

/// The keys that a column of [`plain`] shows, together with everything below them.
const SHOWN: &[&str] = &[
    "model.from",
    "train.tune",
    "train.unlocked_layers",
    "train.lora.rank",
    "train.objective",
    "train.epochs",
    "train.batch_size",
    "train.optimizer.name",
    "train.optimizer.lr",
    "train.optimizer.weight_decay",
    "train.schedule.warmup",
    "train.schedule.warmup_steps",
];

/// The keys that say nothing about a model: the dataset, the scores and the precisions have their own places on the
/// page, and neither the time at which a checkpoint is written nor what a scheduler sets aside changes any result.
const ELSEWHERE: &[&str] =
    &["name", "description", "data", "checkpoint", "resources", "export", "score", "seeds"];

fn is_below(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_shown(key: &str) -> bool {
    SHOWN.iter().chain(ELSEWHERE).any(|section| is_below(key, section))
}

/// Returns a column for each remaining option by its name in an experiment, where those of `train` go without the name
/// of that section.
fn options(entries: &[Entry]) -> Vec<Setting> {
    let listed: Vec<Vec<PlanOption>> = entries.par_iter().map(|entry| entry.plan.options()).collect();
    let mut keys: Vec<&str> = Vec::new();
    for option in listed.iter().flatten() {
        if !is_shown(&option.key) && !keys.contains(&option.key.as_str()) {
            keys.push(&option.key);
        }
    }
    keys.into_iter().map(|key| option(key, entries, &listed)).collect()
}

/// Returns the column of one key. Where the key is at its default or has no meaning, it makes no difference whether an
/// entry has it.
fn option(key: &str, entries: &[Entry], listed: &[Vec<PlanOption>]) -> Setting {
    let of = |options: &[PlanOption]| options.iter().find(|option| option.key == key).cloned();
    let is_unusual = listed.iter().filter_map(|options| of(options)).any(|option| !option.is_default);
    let without = |entry: &Entry| {
        let trains = !is_below(key, "train") || entry.plan.train.is_some();
        if is_unusual && trains { WITHOUT } else { NONE }.to_owned()
    };
    let value =
        |entry, options: &[PlanOption]| of(options).map_or_else(|| without(entry), |option| option.value);
    Setting {
        name: key.strip_prefix("train.").unwrap_or(key).to_owned(),
        numeric: false,
        is_axis: is_axis(entries, key),
        numbers: None,
        values: entries.iter().zip(listed).map(|(entry, options)| value(entry, options)).collect(),
    }
}

/// Returns the axes of a matrix that no other column shows.
fn axes(entries: &[Entry], shown: &[Setting]) -> Vec<Setting> {
    let mut keys: Vec<&str> =
        entries.iter().flat_map(|entry| entry.plan.axes.keys().map(String::as_str)).collect();
    keys.sort_unstable();
    keys.dedup();
    let has_column = |key: &str| {
        let name = key.strip_prefix("train.").unwrap_or(key);
        shown.iter().any(|setting| is_below(&setting.name, name))
    };
    let hidden = keys.into_iter().filter(|key| !SHOWN.contains(key) && !has_column(key));
    let axis = |key: &str| Setting {
        is_axis: true,
        ..setting(key, true, entries, |entry| entry.plan.axes.get(key).map(spelled))
    };
    hidden.map(axis).collect()
}

fn measured(entries: &[Entry]) -> Vec<Setting> {
    let start = |entry: &Entry| entry.runs.iter().find_map(|run| run.curve.start.clone());
    vec![
        setting("kept alpha", true, entries, |entry| {
            let kept = entry.runs.iter().filter_map(|run| run.curve.interpolated);
            let alphas: Vec<_> = kept.map(|point| spelled_number(point.alpha)).collect();
            (!alphas.is_empty()).then(|| alphas.join(", "))
        }),
        number(
            "trainable weights",
            entries,
            |entry| {
                entry.plan.train.as_ref()?;
                start(entry).map(|start| start.trainable as f64)
            },
            millions,
        ),
        number("training time", entries, training_seconds, |seconds| {
            format::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        }),
        number(
            "items/s",
            entries,
            |entry| mean(entry.runs.iter().filter_map(|run| run.curve.items_per_second)),
            |rate| format!("{rate:.0}"),
        ),
    ]
}

/// Returns the time that a training took, in the mean over runs.
fn training_seconds(entry: &Entry) -> Option<f64> {
    entry.plan.train.as_ref()?;
    let ends = entry.runs.iter().filter_map(|run| Some(run.record.as_ref()?.end.as_ref()?.seconds));
    mean(ends).filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}

fn starts_from(source: &ModelSource) -> String {
    match source {
        ModelSource::Scratch(_) => "random weights".to_owned(),
        // Only the folder's own name is shown, because absolute paths of one machine mean nothing on another.
        ModelSource::Folder(path) => {
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into())
        }
        ModelSource::Hub(id) => id.to_string(),
        ModelSource::Run(reference) => match reference.seed {
            Some(_) if reference.is_paired => format!("{}, seed by seed", reference.experiment),
            Some(seed) => format!("{} seed {seed}", reference.experiment),
            None => reference.experiment.to_string(),
        },
    }
}

fn millions(count: f64) -> String {
    match count {
        n if n >= 1e6 => format!("{:.1} M", n / 1e6),
        n if n >= 1e4 => format!("{:.0} k", n / 1e3),
        n => format!("{n}"),
    }
}
