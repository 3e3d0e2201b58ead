//! `matrix` and `seeds`: the runs that one experiment stands for.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::check::{refuse_repetition, unknown_key_at};
use crate::language::{self, OF_THE_FILE, OF_THE_SWEEP, TOP};
use crate::overrides::Setting;
use crate::plan::{Plan, RunReference};
use crate::point::{Choice, Known, Layers, Point};
use crate::problem::{Problem, Problems};
use crate::shape::find;
use crate::source::Span;
use crate::yaml::{Entry, Node, Value};

/// The largest number of runs of one experiment. More runs are a slip, such as a list in the wrong place.
const MAX_RUNS: usize = 1000;

/// The runs of an experiment and the experiments that they start from.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) plans: Vec<Plan>,
    pub(crate) references: Vec<(Span, RunReference)>,
    /// The overrides that had a meaning, as they were written.
    pub(crate) taken: Vec<String>,
    /// The dotted keys that the file, the matrix or an override declares.
    pub(crate) declared: BTreeSet<String>,
}

/// A key of a matrix with its values.
struct Axis {
    key: String,
    values: Vec<Node>,
}

/// Makes the plans of a document: all matrix points in the order of the file, each with every seed.
///
/// A key may have no meaning at some points (as `train.lora` has none where another axis says `tune: full`), but it
/// must have one somewhere. Points that differ only in keys without a meaning count as one.
pub(crate) fn runs(
    mut document: Node,
    settings: &mut [Setting],
    known: Known<'_>,
    problems: &mut Problems,
) -> Runs {
    let mut verdicts = lay_matrix(&mut document, settings);
    let axes = take_axes(&mut document, settings, problems);
    let points = axes.iter().map(|axis| axis.values.len()).fold(1_usize, usize::saturating_mul);
    let mut runs = Runs::default();
    if points > MAX_RUNS {
        problems.add(too_many(&document, points));
        return runs;
    }
    let mut idle = Idle::default();
    for index in 0..points {
        let choices = choose(&axes, index);
        let point = Point::of(&document, Layers { choices: &choices, settings }, known);
        for (setting, verdict) in settings.iter().zip(&mut verdicts).filter(|(one, _)| !one.is_of_matrix()) {
            verdict.add(point.takes(setting.value_span()));
        }
        idle.add(&choices, &point);
        runs.add(point, &choices, problems);
    }
    idle.report(points, settings, problems);
    for (setting, mut verdict) in settings.iter_mut().zip(verdicts) {
        if setting.is_of_matrix() && verdict.0.is_ok() {
            verdict = idle.verdict(setting);
        }
        runs.taken.extend(verdict.0.is_ok().then(|| setting.text().to_owned()));
        setting.remember(verdict.0);
    }
    runs
}

/// Chooses the values of all axes at a point. The last axis varies fastest.
fn choose(axes: &[Axis], mut point: usize) -> Vec<Choice<'_>> {
    let mut choices = Vec::new();
    for axis in axes.iter().rev() {
        let count = axis.values.len();
        choices.extend(axis.values.get(point % count).map(|value| Choice { key: &axis.key, value }));
        point /= count;
    }
    choices.reverse();
    choices
}

/// Lays the overrides of the matrix over a document.
fn lay_matrix(document: &mut Node, settings: &[Setting]) -> Vec<Verdict> {
    let mut lay = |setting: &Setting| match setting.is_of_matrix() {
        true => Verdict(setting.lay_over(document)),
        false => Verdict::default(),
    };
    settings.iter().map(&mut lay).collect()
}

/// Whether an experiment has taken an override, or the reason why it has not.
struct Verdict(Result<(), Box<Problem>>);

impl Default for Verdict {
    fn default() -> Self {
        Self(Err(Problem::nowhere("the experiment stands for no run").into()))
    }
}

impl Verdict {
    /// Adds the verdict of another run. It is enough if one run takes the override.
    fn add(&mut self, other: Result<(), Box<Problem>>) {
        if self.0.is_err() {
            self.0 = other;
        }
    }
}

/// The keys that have no meaning at some points.
#[derive(Default)]
struct Idle {
    /// Each key of the file that had no meaning at some point, and the number of such points.
    of_file: Vec<(Problem, usize)>,
    /// The places of axis values that had a meaning at some point.
    used: HashSet<Span>,
    /// The places of axis values that had no meaning at some point.
    unused: Vec<(Span, Problem)>,
}

impl Idle {
    fn add(&mut self, choices: &[Choice<'_>], point: &Point) {
        for problem in &point.idle {
            let is_it = |known: &Problem| (known.span, &known.message) == (problem.span, &problem.message);
            match self.of_file.iter_mut().find(|(known, _)| is_it(known)) {
                Some((_, count)) => *count += 1,
                None => self.of_file.push((problem.clone(), 1)),
            }
        }
        for choice in choices {
            match point.takes(choice.value.span) {
                Ok(()) => drop(self.used.insert(choice.value.span)),
                Err(problem) => self.unused.push((choice.value.span, *problem)),
            }
        }
    }

    /// Reports the keys and values that had a meaning at no point. Overrides are reported later, if no experiment had a
    /// use for them.
    fn report(&self, points: usize, settings: &[Setting], problems: &mut Problems) {
        let is_override = |span: Span| settings.iter().any(|one| one.value_span().source == span.source);
        let everywhere =
            self.of_file.iter().filter(|(_, count)| *count == points).map(|(problem, _)| problem);
        let of_axes = self.unused.iter().filter(|(span, _)| !self.used.contains(span) && !is_override(*span));
        everywhere
            .chain(of_axes.map(|(_, problem)| problem))
            .for_each(|problem| problems.add(problem.clone()));
    }

    /// Returns whether the axes of an override had a meaning at any point.
    fn verdict(&self, setting: &Setting) -> Verdict {
        let is_its = |span: &Span| span.source == setting.value_span().source;
        let why_not = self.unused.iter().find(|(span, _)| is_its(span));
        Verdict(match why_not {
            Some((_, problem)) if !self.used.iter().any(is_its) => Err(problem.clone().into()),
            _ => Ok(()),
        })
    }
}

impl Runs {
    /// Adds the runs of a point. Axes that have no meaning there are left out of these runs.
    fn add(&mut self, point: Point, choices: &[Choice<'_>], problems: &mut Problems) {
        let kept: BTreeMap<String, serde_json::Value> = choices
            .iter()
            .filter(|choice| point.takes(choice.value.span).is_ok())
            .map(|choice| (choice.key.to_owned(), choice.value.to_json()))
            .collect();
        problems.extend(point.problems);
        let (Some(mut plan), Some(seeds)) = (point.plan, language::seeds(&point.document)) else { return };
        self.declared.extend(language::declared(&point.document));
        let may_be_known = kept.len() < choices.len();
        plan.axes = kept;
        if self.plans.len() + seeds.len() > MAX_RUNS {
            problems.add(too_many(&point.document, seeds.len()));
            return;
        }
        for mut plan in seeds.into_iter().map(|seed| Plan { seed, ..plan.clone() }) {
            plan.model.from.for_seed(plan.seed);
            let reference = language::starts_from_run(&point.document, &plan);
            self.references.extend(reference.map(|(span, reference)| (span, reference.clone())));
            if !may_be_known || !self.plans.contains(&plan) {
                self.plans.push(plan);
            }
        }
    }
}

fn too_many(document: &Node, found: usize) -> Problem {
    let place = ["matrix", "seeds"].iter().find_map(|key| document.entry_of(key));
    let span = place.map_or(document.span, |entry| entry.key_span);
    Problem::at(span, format!("the experiment stands for more than {MAX_RUNS} runs"))
        .label(format!("at least {found} combinations"))
}

/// Reads the axes of the matrix. Axes that an override decides are dropped, because there is nothing left to vary.
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
            // Two equal values would give two identical runs.
            refuse_repetition(&values, &format!("matrix.{}", entry.key), problems);
            Some(Axis { key: entry.key, values })
        }
        _ => problems.refuse(
            Problem::at(entry.value.span, format!("wrong type for `matrix.{}`", entry.key))
                .label(format!("expected a list of values to try, found {}", entry.value.kind())),
        ),
    }
}
