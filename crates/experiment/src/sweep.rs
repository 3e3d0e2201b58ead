//! `matrix` and `seeds`: the runs that one experiment stands for.

use std::collections::BTreeMap;

use crate::check::{check, refuse_repetition, unknown_key_at};
use crate::defaults::fill;
use crate::language::{self, Context, OF_THE_FILE, OF_THE_SWEEP, TOP};
use crate::merge::merge_at;
use crate::overrides::Setting;
use crate::plan::{Plan, RunReference};
use crate::problem::{Problem, Problems};
use crate::shape::find;
use crate::source::{Sources, Span};
use crate::yaml::{Entry, Node, Value};

/// The most runs of one experiment; more is a slip, such as a list in the wrong place.
const MAX_RUNS: usize = 1000;

/// The runs of an experiment and the experiments they start from.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) plans: Vec<Plan>,
    pub(crate) references: Vec<(Span, RunReference)>,
}

/// One key of a matrix with its values.
struct Axis {
    key: String,
    values: Vec<Node>,
}

/// Makes the plans of a document: matrix points in the order of the file, each with every seed.
pub(crate) fn runs(
    mut document: Node,
    settings: &mut [Setting],
    sources: &Sources,
    problems: &mut Problems,
) -> Runs {
    settings.iter_mut().for_each(|setting| setting.apply(&mut document));
    let axes = take_axes(&mut document, settings, problems);
    let points = axes.iter().map(|axis| axis.values.len()).fold(1_usize, usize::saturating_mul);
    let mut runs = Runs::default();
    if points > MAX_RUNS {
        problems.add(too_many(&document, points));
        return runs;
    }
    for point in 0..points {
        let mut document = document.clone();
        let chosen = choose(&axes, point);
        for (axis, value) in &chosen {
            merge_at(&mut document, &axis.split('.').collect::<Vec<_>>(), (*value).clone());
        }
        settings.iter_mut().for_each(|setting| setting.apply(&mut document));
        check(&mut document, problems);
        fill(&mut document, TOP);
        add_point(&mut runs, &document, &chosen, &mut Context { sources, problems });
    }
    runs
}

/// The value of every axis at a point; the last axis moves fastest.
fn choose(axes: &[Axis], mut point: usize) -> Vec<(&str, &Node)> {
    let mut chosen = Vec::new();
    for axis in axes.iter().rev() {
        let count = axis.values.len();
        chosen.extend(axis.values.get(point % count).map(|value| (axis.key.as_str(), value)));
        point /= count;
    }
    chosen.reverse();
    chosen
}

fn add_point(runs: &mut Runs, document: &Node, chosen: &[(&str, &Node)], context: &mut Context<'_>) {
    let plan = language::plan(document, context);
    let seeds = language::seeds(document);
    let (Some(mut plan), Some(seeds)) = (plan, seeds) else { return };
    let reference = language::starts_from_run(document, &plan);
    runs.references.extend(reference.map(|(span, reference)| (span, reference.clone())));
    plan.axes =
        chosen.iter().map(|(key, value)| ((*key).to_owned(), value.to_json())).collect::<BTreeMap<_, _>>();
    if runs.plans.len() + seeds.len() > MAX_RUNS {
        context.problems.add(too_many(document, seeds.len()));
        return;
    }
    runs.plans.extend(seeds.into_iter().map(|seed| Plan { seed, ..plan.clone() }));
}

fn too_many(document: &Node, found: usize) -> Problem {
    let place = ["matrix", "seeds"].iter().find_map(|key| document.entry_of(key));
    let span = place.map_or(document.span, |entry| entry.key_span);
    Problem::at(span, format!("the experiment stands for more than {MAX_RUNS} runs"))
        .label(format!("at least {found} combinations"))
}

/// Takes the matrix out of the document. Axes that an override decides are dropped: there is nothing left to try.
fn take_axes(document: &mut Node, settings: &[Setting], problems: &mut Problems) -> Vec<Axis> {
    let Value::Map(matrix) = document.get("matrix").map_or(Value::Null, |matrix| matrix.value.clone()) else {
        return Vec::new();
    };
    let axes: Vec<Axis> = matrix.into_iter().filter_map(|entry| axis(entry, problems)).collect();
    axes.into_iter().filter(|axis| !settings.iter().any(|setting| setting.covers(&axis.key))).collect()
}

fn axis(entry: Entry, problems: &mut Problems) -> Option<Axis> {
    if let Err(unknown) = find(TOP, entry.key.split('.')) {
        return problems.refuse(unknown_key_at(entry.key_span, &unknown));
    }
    let top = entry.key.split('.').next().unwrap_or_default();
    if OF_THE_FILE.contains(&top) || OF_THE_SWEEP.contains(&top) {
        let problem = Problem::at(entry.key_span, format!("`{top}` cannot be varied in a matrix"));
        return problems
            .refuse(problem.label("expected a key below `data`, `model`, `train`, `export` or `score`"));
    }
    match entry.value.value {
        Value::Null => None,
        Value::List(values) if !values.is_empty() => {
            // Two equal values would be two runs that differ in nothing.
            refuse_repetition(&values, &format!("matrix.{}", entry.key), problems);
            Some(Axis { key: entry.key, values })
        }
        _ => problems.refuse(
            Problem::at(entry.value.span, format!("wrong type for `matrix.{}`", entry.key))
                .label(format!("expected a list of values to try, found {}", entry.value.kind())),
        ),
    }
}
