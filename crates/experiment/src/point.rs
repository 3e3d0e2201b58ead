//! One point of a matrix: the values that are laid over the experiment there, and the plan that results.

use crate::check::check;
use crate::defaults::fill;
use crate::language::{self, Context, Models, TOP};
use crate::merge::merge_at;
use crate::origins::Origins;
use crate::overrides::Setting;
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::source::{Sources, Span};
use crate::yaml::Node;

/// A key of a matrix and one of its values.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: &'a Node,
}

/// The values that are laid over an experiment.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    pub(crate) choices: &'a [Choice<'a>],
    pub(crate) settings: &'a [Setting],
}

/// What is known beside an experiment when it is read.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The sources, which paths start from.
    pub(crate) sources: &'a Sources,
    /// What other experiments start from.
    pub(crate) origins: &'a Origins,
}

/// An experiment with all the values that are laid over it and have a meaning there.
pub(crate) struct Point {
    pub(crate) document: Node,
    pub(crate) plan: Option<Plan>,
    /// The problems, apart from keys without a meaning.
    pub(crate) problems: Problems,
    /// The keys of the file that have no meaning at this point.
    pub(crate) idle: Vec<Problem>,
    /// The values that were left out because they have no meaning at this point.
    left_out: Vec<Problem>,
    /// The overrides whose section is missing, by their place.
    homeless: Vec<(Span, Problem)>,
}

impl Point {
    /// Lays everything over the experiment, then leaves out the values without a meaning, one after the other.
    pub(crate) fn of(experiment: &Node, layers: Layers<'_>, known: Known<'_>) -> Self {
        let mut left_out = Vec::new();
        loop {
            let point = Self::without(left_out, experiment, layers, known);
            match point.idle.iter().find(|problem| layers.holds(problem.span)).cloned() {
                // A value laid over an experiment is not inherited, so the advice to drop it in a file does not apply.
                Some(problem) => {
                    left_out = [point.left_out, vec![Problem { help: None, ..problem }]].concat();
                }
                None => return point,
            }
        }
    }

    fn without(left_out: Vec<Problem>, experiment: &Node, layers: Layers<'_>, known: Known<'_>) -> Self {
        let Known { sources, origins } = known;
        let mut document = experiment.clone();
        let homeless = layers.lay(&mut document, &left_out);
        let mut problems = Problems::default();
        check(&mut document, &mut problems);
        fill(&mut document, TOP, origins);
        let plan = language::plan(
            &document,
            &mut Context { sources, problems: &mut problems, models: Models::OnDisk },
        );
        let idle = problems.take_idle();
        Self { document, plan, problems, idle, left_out, homeless }
    }

    /// Checks whether the value at a place has a meaning at this point. If not, the error gives the reason.
    pub(crate) fn takes(&self, span: Span) -> Result<(), Box<Problem>> {
        let homeless = self.homeless.iter().find(|(place, _)| *place == span).map(|(_, problem)| problem);
        let idle = self.left_out.iter().find(|problem| problem.span == Some(span));
        homeless.or(idle).map_or(Ok(()), |problem| Err(problem.clone().into()))
    }
}

impl Layers<'_> {
    /// Checks whether a place is exactly that of one of the values.
    fn holds(self, span: Option<Span>) -> bool {
        let choices = self.choices.iter().map(|choice| choice.value.span);
        choices.chain(self.settings.iter().map(Setting::value_span)).any(|place| span == Some(place))
    }

    /// Lays all values over a document except those that were left out. Overrides whose section is missing are tried a
    /// second time, because a later one may have created it.
    fn lay(self, document: &mut Node, left_out: &[Problem]) -> Vec<(Span, Problem)> {
        let is_in = |span: Span| !left_out.iter().any(|problem| problem.span == Some(span));
        for choice in self.choices.iter().filter(|choice| is_in(choice.value.span)) {
            merge_at(document, &choice.key.split('.').collect::<Vec<_>>(), choice.value.clone());
        }
        let mut homeless: Vec<&Setting> = Vec::new();
        let settings = self.settings.iter().filter(|one| !one.is_of_matrix() && is_in(one.value_span()));
        for setting in settings {
            if setting.lay_over(document).is_err() {
                homeless.push(setting);
            }
        }
        let still_homeless =
            |setting: &Setting| Some((setting.value_span(), *setting.lay_over(document).err()?));
        homeless.into_iter().filter_map(still_homeless).collect()
    }
}
