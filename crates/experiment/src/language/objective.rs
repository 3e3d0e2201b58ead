//! `train.objective`: the rules that involve other keys.

use super::Context;
use super::options::OptionType;
use crate::plan::{Objective, TaskKind};
use crate::problem::{Problem, Problems};
use crate::yaml::Node;

/// Checks that the objective fits the dataset's kind of item, where that is known, and that label smoothing fits the
/// objective.
pub(super) fn check(node: &Node, task: Option<TaskKind>, context: &mut Context<'_>) {
    let Some(objective) = Objective::read(node, "objective", context) else { return };
    fits(node, objective, task, context.problems);
    if !objective.has_target_to_smooth() && node.read("label_smoothing") != Some(0.0) {
        context.only_with(node, "label_smoothing", "objective", "a cross-entropy");
    }
}

/// Checks that the objective fits the kind of item. Contrastive training works for choices too, with the right text as
/// the caption.
fn fits(node: &Node, objective: Objective, task: Option<TaskKind>, problems: &mut Problems) {
    if let (true, Some(TaskKind::Pairs), Some(written)) =
        (objective.is_over_candidates(), task, node.get("objective"))
    {
        problems.add(
            Problem::at(written.span, format!("`objective: {}` needs candidate texts", objective.as_str()))
                .label("expected `contrastive`: `data.columns` declares a single `text`")
                .help("or give `choices` and `label` in `data.columns`"),
        );
    }
}
