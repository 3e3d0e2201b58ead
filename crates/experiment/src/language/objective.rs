//! `train.objective` and what belongs to the loss.

use super::Context;
use super::words::{Vocabulary, Word};
use crate::plan::{Objective, Reduction, TaskKind};
use crate::problem::{Problem, Problems};
use crate::yaml::Node;

/// The contrastive loss counts as much as the choice loss.
const CONTRASTIVE_WEIGHT: f64 = 1.0;

impl Vocabulary for Objective {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("choice", Self::Choice, "cross-entropy over the item's own texts"),
        (
            "contrastive",
            Self::Contrastive,
            "symmetric InfoNCE in the batch; a group's items are never negatives",
        ),
        (
            "choice+contrastive",
            Self::ChoiceContrastive { contrastive_weight: CONTRASTIVE_WEIGHT },
            "the choice loss plus `contrastive_weight` times the contrastive loss of the right texts",
        ),
        ("sigmoid", Self::Sigmoid, "SigLIP's loss: every pair of the batch on its own; needs a logit_bias"),
    ];
}

impl Vocabulary for Reduction {
    const WORDS: &'static [(&'static str, Self, &'static str)] =
        &[("mean", Self::Mean, "their mean"), ("sum", Self::Sum, "their sum")];
}

/// Reads the objective; it must fit the dataset's kind of item, where that is known.
pub(super) fn decode(node: &Node, task: Option<TaskKind>, context: &mut Context<'_>) -> Option<Objective> {
    let mut objective = node.read::<Word<Objective>>("objective")?.0;
    fits(node, objective, task, context.problems);
    if let Objective::ChoiceContrastive { contrastive_weight } = &mut objective {
        *contrastive_weight = node.read("contrastive_weight").unwrap_or(CONTRASTIVE_WEIGHT);
    } else {
        context.only_with(node, "contrastive_weight", "objective", "`objective: choice+contrastive`");
    }
    // A pair is right or wrong: there is nothing to spread its target over.
    if objective == Objective::Sigmoid && node.read("label_smoothing") != Some(0.0) {
        context.only_with(node, "label_smoothing", "objective", "a cross-entropy");
    }
    Some(objective)
}

/// Contrastive training works for choices too: the right text is the caption.
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
