//! The keys of the language: each concept's table beside the decoder that reads it.
//!
//! A decoder is given a tree that has been checked against its table and filled with defaults, so a value that
//! reads as `None` has already been reported, and only what concerns several keys at once is left to check.

mod architecture;
mod augment;
mod checkpoint;
mod columns;
mod data;
mod join;
mod location;
mod model;
mod objective;
mod optimizer;
mod options;
mod outputs;
mod schedule;
mod split;
mod train;
mod tune;
mod words;

pub use options::TrainOption;
pub(crate) use words::{Vocabulary, word_of};

use crate::plan::{ModelPlan, ModelSource, Plan};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::source::{Sources, Span};
use crate::values::{ExperimentName, Impossible, Seed};
use crate::yaml::{Entry, Node};

/// What decoders share: the sources that paths resolve against, and the collector of problems.
pub(crate) struct Context<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) problems: &'a mut Problems,
}

impl Context<'_> {
    /// Makes a bounded value, or says why it is impossible.
    fn make<T>(&mut self, at: Span, path: &str, made: Result<T, Impossible>) -> Option<T> {
        made.map_err(|Impossible(why)| {
            self.problems.add(Problem::at(at, format!("impossible value for `{path}`")).label(why));
        })
        .ok()
    }

    /// Refuses a key that was given although nothing uses it: the phrase says what it belongs to, and `decider` is the
    /// key that would have to say so.
    fn only_with(&mut self, node: &Node, key: &str, decider: &str, phrase: &str) {
        let Some(entry) = node.entry_of(key).filter(|entry| !entry.key_span.is_default()) else { return };
        let problem = Problem::at(entry.key_span, format!("`{key}` has a meaning only with {phrase}"))
            .label(format!("expected {phrase}, or no `{key}`"));
        let decider = node.entry_of(decider).filter(|decider| !decider.key_span.is_default());
        let advice = decider.and_then(|decider| inherited_advice(entry, decider));
        self.problems.add(problem.maybe_help(advice));
    }

    /// Refuses two keys that say the same in two ways.
    fn exclude<T>(&mut self, node: &Node, key: &str, other: &str) -> Option<T> {
        let (entry, other_entry) = (node.entry_of(key)?, node.entry_of(other)?);
        self.problems.refuse(
            Problem::at(entry.key_span, format!("`{key}` and `{other}` exclude each other"))
                .label("expected one of the two")
                .related(other_entry.key_span, "the other is given here")
                .maybe_help(inherited_advice(entry, other_entry)),
        )
    }
}

/// The keys of an experiment file.
pub(crate) const TOP: &[Key] = &[
    Key::required("name", Shape::Text("a name"), "the experiment's name; it names folders and charts"),
    Key::optional(
        "description",
        Shape::Text("a sentence"),
        "what the experiment is, for readers of the report",
    ),
    Key::optional(
        "extends",
        Shape::Text("a YAML file"),
        "another experiment to inherit from: maps merge, everything else is replaced, null resets to the default",
    ),
    Key::required("data", Shape::Map(data::KEYS), "the images, the table and how they become items"),
    Key::required("model", Shape::Map(model::KEYS), "where the weights start from"),
    Key::optional(
        "train",
        Shape::Map(train::KEYS),
        "how weights are fitted; without it the model is scored as it is",
    ),
    Key::with_default(
        "checkpoint",
        Shape::Map(checkpoint::KEYS),
        "{}",
        "how often training saves what it goes on from after an interruption or a crash",
    ),
    Key::with_default("export", Shape::Map(outputs::EXPORT), "{}", "what is written beside the model"),
    Key::with_default("score", Shape::Map(outputs::SCORE), "{}", "what is evaluated"),
    Key::with_default(
        "seeds",
        Shape::Either(&[SEED, Shape::set(&SEED, 1)]),
        "[0]",
        "one run for each: initial weights and the order of the data",
    ),
    Key::optional("matrix", Shape::Matrix, "dotted keys and the values to try: one run for each combination"),
];

/// A seed, wherever one stands.
const SEED: Shape = Shape::Whole { min: 0, max: u32::MAX as i64 };

/// Top-level keys that belong to a file rather than to its runs: not inherited, and no axis of a matrix.
pub(crate) const OF_THE_FILE: &[&str] = &["name", "description", "extends"];

/// Top-level keys that say which runs there are.
pub(crate) const OF_THE_SWEEP: &[&str] = &["seeds", "matrix"];

/// Reads the plan of one matrix point, with a seed to be replaced.
pub(crate) fn plan(document: &Node, context: &mut Context<'_>) -> Option<Plan> {
    let experiment = name(document, context.problems);
    let data = document.get("data").and_then(|node| data::decode(node, context));
    let model = document.get("model").and_then(|node| model::decode(node, context));
    let task = data.as_ref().map(|data| data.columns.task.kind());
    // `?` only at the end, so that every section gets to speak.
    let train = document.get("train").map(|node| train::decode(node, task, context));
    let split = data.as_ref().map(|data| &data.split);
    let export = document.get("export").and_then(|node| outputs::export(node, split, context));
    if let (Some(node), Some(ModelPlan { from: ModelSource::Scratch(_), .. })) =
        (document.get("train"), &model)
    {
        // Half of random weights is nothing.
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
        checkpoint: checkpoint::decode(document.get("checkpoint")?, context.problems)?,
        export: export?,
        score: outputs::score(document.get("score")?)?,
        seed: Seed(0),
        axes: std::collections::BTreeMap::new(),
    })
}

/// The two numbers of a key.
fn pair(node: &Node, key: &str) -> Option<(f64, f64)> {
    let values: Vec<f64> = node.read(key)?;
    Some((*values.first()?, *values.get(1)?))
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

/// What to do when two keys that exclude each other come from different files.
fn inherited_advice(one: &Entry, other: &Entry) -> Option<String> {
    let (older, newer) = (one.key_span.source, other.key_span.source);
    (older != newer).then(|| format!("one of the two is inherited: drop it with `{}: null`", one.key))
}

/// Whether the plan starts from another experiment, and where that is said.
pub(crate) fn starts_from_run<'a>(
    document: &Node,
    plan: &'a Plan,
) -> Option<(Span, &'a crate::plan::RunReference)> {
    match &plan.model.from {
        ModelSource::Run(reference) => Some((document.get("model")?.get("from")?.span, reference)),
        _ => None,
    }
}
