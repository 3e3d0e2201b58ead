//! The keys of the language, and the rules between them.
//!
//! The options of training, of an architecture, of an export and of scoring are defined in the plan, with the macros of
//! `options` and `words`; the other sections have a table of keys beside their decoder. A decoder receives a tree that
//! has been checked against its table and filled with defaults. A value that reads as `None` has therefore been
//! reported already, and the decoder only checks rules that involve several keys.

mod architecture;
mod augment;
mod columns;
mod data;
mod join;
mod location;
mod model;
mod model_path;
mod objective;
pub(crate) mod options;
mod outputs;
mod resources;
mod split;
mod train;
pub(crate) mod words;

pub use location::table_format;
pub(crate) use options::options;
pub(crate) use words::{Vocabulary, either, variants, word, words};

use self::options::{FromValue, OptionType, Shaped};
use crate::plan::{
    CheckpointInterval, ExportPlan, ModelPlan, ModelSource, Plan, Resources, ScorePlan, TrainPlan,
};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::source::{Sources, Span};
use crate::values::{ExperimentName, Impossible, Seed};
use crate::yaml::{Entry, Node};

/// What all decoders share: the sources that paths are resolved against, and the collector of problems.
pub(crate) struct Context<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) problems: &'a mut Problems,
    pub(crate) models: Models,
}

/// How a text is told to be a model folder or a repository of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Models {
    /// A folder is one that exists.
    OnDisk,
    /// A folder is what is spelled as a path, `/a`, `./a` or `../a`, whether or not it exists.
    AsSpelled,
}

impl Context<'_> {
    /// Returns a bounded value, or reports why it is impossible.
    fn make<T>(&mut self, at: Span, path: &str, made: Result<T, Impossible>) -> Option<T> {
        made.map_err(|Impossible(why)| {
            self.problems.add(Problem::at(at, format!("impossible value for `{path}`")).label(why));
        })
        .ok()
    }

    /// Refuses a key that was given although nothing uses it. The phrase names the setting that would give it a
    /// meaning, and `decider` is the key of that setting.
    fn only_with(&mut self, node: &Node, key: &str, decider: &str, phrase: &str) {
        let Some(entry) = node.entry_of(key).filter(|entry| !entry.key_span.is_default()) else { return };
        let problem = Problem::at(entry.key_span, format!("`{key}` has a meaning only with {phrase}"))
            .label(format!("expected {phrase}, or no `{key}`"))
            .idle();
        let decider = node.entry_of(decider).filter(|decider| !decider.key_span.is_default());
        let advice = decider.and_then(|decider| inherited_advice(entry, decider));
        self.problems.add(problem.maybe_help(advice));
    }

    /// Refuses two keys that say the same thing in two ways.
    fn exclude<T>(&mut self, entry: &Entry, other: &Entry) -> Option<T> {
        let message = format!("`{}` and `{}` exclude each other", entry.key, other.key);
        let advice = inherited_advice(entry, other).filter(|_| !self.sources.is_override(entry.key_span));
        self.problems.refuse(
            Problem::at(entry.key_span, message)
                .label("expected one of the two")
                .related(other.key_span, "the other is given here")
                .maybe_help(advice),
        )
    }
}

/// The keys of an experiment file.
pub(crate) const TOP: &[Key] = &[
    Key::required("name", Shape::Text("a name"), "the experiment's name; it names folders and charts"),
    Key::optional(
        "description",
        Shape::Text("a sentence"),
        "what the experiment is, for whoever reads the file or what `check` and `show` say",
    ),
    Key::optional(
        "extends",
        Shape::Text("a YAML file"),
        "another experiment to inherit from: maps merge, everything else is replaced, null resets to the default",
    ),
    Key::required("data", Shape::Map(data::KEYS), "the images, the table, and how they become items"),
    Key::required("model", Shape::Map(model::KEYS), "where the weights start from"),
    Key::optional(
        "train",
        TrainPlan::SHAPE,
        "how weights are fitted; without it the model is scored as it is",
    ),
    Key::with_default(
        "checkpoint",
        CheckpointInterval::SHAPE,
        "{}",
        "how often training saves what it goes on from after an interruption or a crash",
    ),
    Key::optional(
        "resources",
        Resources::SHAPE,
        "what a scheduler sets aside for each run; it changes no result",
    ),
    Key::with_default("export", ExportPlan::SHAPE, "{}", "what is written beside the model"),
    Key::with_default("score", ScorePlan::SHAPE, "{}", "what is evaluated"),
    Key::with_default(
        "seeds",
        Shape::Either(&[SEED, Shape::set(&SEED, 1)]),
        "[0]",
        "the seeds of the initial weights and of the order of the data: one run for each",
    ),
    Key::optional("matrix", Shape::Matrix, "dotted keys and the values to try: one run for each combination"),
];

/// The shape of a seed, wherever one is given.
const SEED: Shape = <Seed as options::Shaped>::SHAPE;

/// The top-level keys that belong to a file rather than to its runs. They are not inherited and cannot be axes of a
/// matrix.
pub(crate) const OF_THE_FILE: &[&str] = &["name", "description", "extends"];

/// The top-level keys that decide which runs there are.
pub(crate) const OF_THE_SWEEP: &[&str] = &["seeds", "matrix"];

/// Reads the plan of one matrix point. Its seed is a placeholder.
pub(crate) fn plan(document: &Node, context: &mut Context<'_>) -> Option<Plan> {
    let experiment = name(document, context.problems);
    let data = document.get("data").and_then(|node| data::decode(node, context));
    let model = document.get("model").and_then(|node| model::decode(node, context));
    let task = data.as_ref().map(|data| data.columns.task.kind());
    // `?` comes only at the end, so that every section can report its problems.
    let train = document.get("train").map(|node| train::decode(node, task, context));
    let split = data.as_ref().map(|data| &data.split);
    let export = document.get("export").and_then(|node| outputs::export(node, split, context));
    if let (Some(node), Some(ModelPlan { from: ModelSource::Scratch(_), .. })) =
        (document.get("train"), &model)
        && node.read::<Vec<f64>>("interpolate").is_some_and(|alphas| !alphas.is_empty())
    {
        // Interpolation mixes in the starting weights, which is of no use when they are random.
        context.only_with(node, "interpolate", "interpolate", "a model to start from");
    }
    Some(Plan {
        experiment: experiment?,
        description: document.read("description"),
        data: data?,
        model: model?,
        train: match train {
            Some(train) => Some(train?),
            None => None,
        },
        checkpoint: CheckpointInterval::read(document.get("checkpoint")?, "checkpoint", context)?,
        resources: Option::<Resources>::read(document, "resources", context)?,
        export: export?,
        score: ScorePlan::from_value(document.get("score")?, context)?,
        seed: Seed(0),
        axes: std::collections::BTreeMap::new(),
    })
}

/// Reads the experiment's name.
pub(crate) fn name(document: &Node, problems: &mut Problems) -> Option<ExperimentName> {
    let node = document.get("name")?;
    let name: String = document.read("name")?;
    match ExperimentName::try_from(name) {
        Ok(name) => Some(name),
        Err(Impossible(why)) => {
            problems.refuse(Problem::at(node.span, "impossible value for `name`").label(why))
        }
    }
}

/// Reads the seeds.
pub(crate) fn seeds(document: &Node) -> Option<Vec<Seed>> {
    let seeds: Vec<u32> = document.read("seeds")?;
    Some(seeds.into_iter().map(Seed).collect())
}

/// Returns advice for two keys that exclude each other and come from different files.
fn inherited_advice(one: &Entry, other: &Entry) -> Option<String> {
    let (older, newer) = (one.key_span.source, other.key_span.source);
    (older != newer).then(|| format!("one of the two is inherited: drop it with `{}: null`", one.key))
}

/// Finds the experiment that the plan starts from, and the place that names it.
pub(crate) fn starts_from_run<'a>(
    document: &Node,
    plan: &'a Plan,
) -> Option<(Span, &'a crate::plan::RunReference)> {
    match &plan.model.from {
        ModelSource::Run(reference) => Some((document.get("model")?.get("from")?.span, reference)),
        _ => None,
    }
}

/// Returns the dotted keys of all values that somebody wrote, as opposed to those that were filled in.
pub(crate) fn declared(document: &Node) -> Vec<String> {
    let mut keys = Vec::new();
    add_declared(document, "", &mut keys);
    keys
}

fn add_declared(node: &Node, path: &str, keys: &mut Vec<String>) {
    for entry in node.entries() {
        let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        match entry.value.is_map() {
            true => add_declared(&entry.value, &path, keys),
            false if entry.key_span.is_default() => {}
            false => keys.push(path),
        }
    }
}
