//! `run:NAME`: finds the experiment that is meant, and orders experiments accordingly.

use std::collections::HashMap;

use crate::plan::{Experiment, RunReference};
use crate::problem::{Problem, Problems};
use crate::source::Span;
use crate::suggest::{alternatives, did_you_mean};
use crate::values::ExperimentName;

/// An experiment that was read, perhaps with problems.
pub(crate) struct Loaded {
    /// The name and its place, if the name can be read.
    pub(crate) name: Option<(ExperimentName, Span)>,
    pub(crate) experiment: Option<Experiment>,
    /// The experiments that this one starts from, each with the place that names it.
    pub(crate) references: Vec<(Span, RunReference)>,
}

/// Checks that names are unique and that references lead somewhere, and puts every experiment after those that it
/// starts from.
pub(crate) fn order(loaded: Vec<Loaded>, problems: &mut Problems) -> Vec<Experiment> {
    let names = names(&loaded, problems);
    for one in &loaded {
        for (span, reference) in &one.references {
            match names.get(&reference.experiment) {
                Some(&target) => check_runs(*span, reference, loaded.get(target), problems),
                None => problems.add(unknown(*span, reference, names.keys())),
            }
        }
    }
    let mut walk = Walk { loaded: &loaded, names: &names, problems, path: Vec::new(), done: Vec::new() };
    (0..loaded.len()).for_each(|index| walk.visit(index, None));
    let order = walk.done;
    let mut experiments: Vec<_> = loaded.into_iter().map(|one| one.experiment).collect();
    order.into_iter().filter_map(|index| experiments.get_mut(index)?.take()).collect()
}

fn names(loaded: &[Loaded], problems: &mut Problems) -> HashMap<ExperimentName, usize> {
    let mut names: HashMap<ExperimentName, (usize, Span)> = HashMap::new();
    for (index, one) in loaded.iter().enumerate() {
        let Some((name, span)) = &one.name else { continue };
        if let Some((_, first)) = names.get(name) {
            let problem = Problem::at(*span, format!("two experiments are named `{name}`"));
            problems.add(problem.label("expected a name of its own").related(*first, "first used here"));
        } else {
            names.insert(name.clone(), (index, *span));
        }
    }
    names.into_iter().map(|(name, (index, _))| (name, index)).collect()
}

fn unknown<'a>(
    span: Span,
    reference: &RunReference,
    names: impl Iterator<Item = &'a ExperimentName>,
) -> Problem {
    let mut names: Vec<&str> = names.map(ExperimentName::as_str).collect();
    names.sort_unstable();
    Problem::at(span, format!("no experiment is named `{}`", reference.experiment))
        .label("expected an experiment that is loaded too, or one in the same folder")
        .maybe_help(did_you_mean(reference.experiment.as_str(), names))
}

/// Checks that a reference means exactly one run.
fn check_runs(span: Span, reference: &RunReference, target: Option<&Loaded>, problems: &mut Problems) {
    let Some(target) = target.and_then(|target| target.experiment.as_ref()) else { return };
    let meant = |seed| target.plans.iter().filter(|plan| plan.seed == seed).count();
    let seeds: Vec<String> =
        target.plans.iter().map(|plan| format!("run:{}@{}", target.name, plan.seed)).collect();
    let problem = match reference.seed {
        _ if target.plans.iter().any(|plan| !plan.axes.is_empty()) => Problem::at(
            span,
            format!("`{}` has a matrix, so its runs cannot be told apart by seed", target.name),
        )
        .label("expected an experiment without a matrix"),
        None if target.plans.len() > 1 => {
            Problem::at(span, format!("`{}` stands for {} runs", target.name, target.plans.len()))
                .label(format!("expected one of them: {}", alternatives(seeds.iter().map(String::as_str))))
        }
        Some(seed) if meant(seed) == 0 => Problem::at(span, format!("`{}` has no seed {seed}", target.name))
            .label(format!("expected {}", alternatives(seeds.iter().map(String::as_str)))),
        _ => return,
    };
    problems.add(problem);
}

/// A depth-first walk along the references.
struct Walk<'a> {
    loaded: &'a [Loaded],
    names: &'a HashMap<ExperimentName, usize>,
    problems: &'a mut Problems,
    path: Vec<usize>,
    done: Vec<usize>,
}

impl Walk<'_> {
    fn visit(&mut self, index: usize, from: Option<Span>) {
        if self.done.contains(&index) {
            return;
        }
        if let (true, Some(span)) = (self.path.contains(&index), from) {
            self.problems.add(self.circle(index, span));
            return;
        }
        let Some(one) = self.loaded.get(index) else { return };
        self.path.push(index);
        for (span, reference) in &one.references {
            if let Some(&target) = self.names.get(&reference.experiment) {
                self.visit(target, Some(*span));
            }
        }
        self.path.pop();
        self.done.push(index);
    }

    fn circle(&self, again: usize, span: Span) -> Problem {
        let round = self.path.iter().copied().skip_while(|index| *index != again).chain([again]);
        let names: Vec<String> = round
            .filter_map(|index| self.loaded.get(index)?.name.as_ref())
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        Problem::at(span, "experiments start from each other in a circle").label(names.join(" starts from "))
    }
}
