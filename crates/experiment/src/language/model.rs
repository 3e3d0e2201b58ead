//! `model`: where the weights start from.

use cliptune_hub::HubError;

use super::model_path::{Absent, absent};
use super::words::word;
use super::{Context, Models, Vocabulary, architecture, inherited_advice};
use crate::plan::{Configuration, ImageFit, ModelPlan, ModelSource, NAME_OR_SIZES, RunReference};
use crate::problem::Problem;
use crate::shape::{Key, Shape};
use crate::values::{ExperimentName, Impossible, Seed};
use crate::yaml::{FromNode, Node};

const STARTING_POINT: Shape =
    Shape::Text("`scratch`, a local folder, a hub id such as `openai/clip-vit-base-patch32`, or `run:NAME`");

/// The keys of `model`.
pub(super) const KEYS: &[Key] = &[
    Key::required(
        "from",
        STARTING_POINT,
        "the starting point: `scratch`, a local folder as Hugging Face or open_clip lays it out, a hub id \
         (`organisation/name` or `organisation/name@revision`), or `run:NAME` or `run:NAME@SEED` for the model of \
         another experiment; with `run:NAME@{seed}` every seed starts from the run of the same seed",
    ),
    Key::optional(
        "image_fit",
        word::<ImageFit>(),
        "how an image becomes a square; when absent, the starting point's preprocessor decides",
    ),
    Key::optional(
        "architecture",
        NAME_OR_SIZES,
        "the sizes of a model `from: scratch`: the name of a configuration, or each of them",
    ),
];

/// Reads `model`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<ModelPlan> {
    let from = source(node, context);
    let image_fit = node.read("image_fit");
    Some(ModelPlan { from: from?, image_fit })
}

fn source(node: &Node, context: &mut Context<'_>) -> Option<ModelSource> {
    let from = node.get("from")?;
    let written = String::from_node(from)?;
    if written == "scratch" {
        return scratch(node, from, context);
    }
    if let (Some(extra), Some(entry)) = (node.entry_of("architecture"), node.entry_of("from")) {
        context.problems.add(
            Problem::at(extra.key_span, "`architecture` has a meaning only with `from: scratch`")
                .label("expected nothing: the starting point brings its own")
                .related(from.span, "the starting point is named here")
                .maybe_help(inherited_advice(extra, entry))
                .idle(),
        );
    }
    match written.strip_prefix("run:") {
        Some(reference) => run(from, reference, context),
        None => folder_or_hub(from, &written, context),
    }
}

fn scratch(node: &Node, from: &Node, context: &mut Context<'_>) -> Option<ModelSource> {
    match node.get("architecture") {
        Some(sizes) => architecture::decode(sizes, context).map(ModelSource::Scratch),
        None => context.problems.refuse(
            Problem::at(from.span, "`from: scratch` without `architecture`")
                .label("expected `model.architecture` beside it: the sizes of the model")
                .help(format!("`architecture: {}` is a small one", Configuration::Tiny.word())),
        ),
    }
}

fn run(from: &Node, reference: &str, context: &mut Context<'_>) -> Option<ModelSource> {
    let (name, seed) = match reference.split_once('@') {
        Some((name, seed)) => (name, Some(seed)),
        None => (reference, None),
    };
    let experiment = context.make(from.span, "model.from", name.parse::<ExperimentName>());
    let is_paired = seed == Some(RunReference::PAIRED);
    let seed = match seed.filter(|_| !is_paired).map(str::parse::<u32>) {
        None => None,
        Some(Ok(seed)) => Some(Seed(seed)),
        Some(Err(_)) => {
            let problem = Problem::at(from.span, "impossible value for `model.from`");
            let expected = "expected a seed after `@`, such as `run:base@0`, or `{seed}`";
            return context.problems.refuse(problem.label(expected));
        }
    };
    Some(ModelSource::Run(RunReference { experiment: experiment?, seed, is_paired }))
}

/// Reads a folder or a hub id. A folder takes precedence over a hub id of the same spelling, as in transformers: a
/// person who has such a folder means it.
fn folder_or_hub(from: &Node, written: &str, context: &mut Context<'_>) -> Option<ModelSource> {
    if context.models == Models::AsSpelled {
        return as_spelled(from, written, context);
    }
    let path = super::location::path(from, context)?;
    if path.is_dir() {
        return Some(ModelSource::Folder(path));
    }
    if path.is_file() {
        let problem = Problem::at(from.span, format!("`{}` is a file", path.display()));
        return context.problems.refuse(problem.label("expected the folder that holds the model's files"));
    }
    match absent(written, &path, cliptune_hub::is_cached) {
        Absent::Repository(id) => Some(ModelSource::Hub(id)),
        Absent::Folder(help) => {
            let is_name = written.parse::<ExperimentName>().is_ok();
            let run =
                || is_name.then(|| format!("the model of another experiment is written `run:{written}`"));
            context.problems.refuse(
                Problem::at(from.span, format!("no folder `{}`", path.display()))
                    .label(format!("expected {}", STARTING_POINT.expected()))
                    .maybe_help(help.or_else(run)),
            )
        }
    }
}

/// Reads a folder or a hub id without looking for either.
fn as_spelled(from: &Node, written: &str, context: &mut Context<'_>) -> Option<ModelSource> {
    if ["/", "./", "../"].iter().any(|start| written.starts_with(start)) {
        return super::location::path(from, context).map(ModelSource::Folder);
    }
    let id = written.parse().map_err(|error: HubError| Impossible(error.to_string()));
    context.make(from.span, "model.from", id).map(ModelSource::Hub)
}
