//! `train.augment`: the rules for its ranges.

use super::Context;
use crate::problem::Problem;
use crate::yaml::{FromNode, Node};

/// Checks that every range starts with its smaller number.
pub(super) fn check(augment: &Node, context: &mut Context<'_>) {
    for section in ["random_resized_crop", "random_erasing"] {
        for key in ["scale", "ratio"] {
            let range = augment.get(section).and_then(|section| section.get(key));
            range.into_iter().for_each(|range| check_range(range, section, key, context));
        }
    }
}

fn check_range(range: &Node, section: &str, key: &str, context: &mut Context<'_>) {
    if let Some((low, high)) = <(f64, f64)>::from_node(range)
        && low > high
    {
        context.problems.add(
            Problem::at(range.span, format!("impossible value for `train.augment.{section}.{key}`"))
                .label(format!("expected the lesser number first, found {low} before {high}")),
        );
    }
}
