//! `checkpoint`: how often a run saves what it goes on from.

use std::num::NonZeroUsize;

use super::inherited_advice;
use crate::plan::CheckpointInterval;
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::yaml::Node;

/// The keys of `checkpoint`.
pub(super) const KEYS: &[Key] = &[
    Key::optional(
        "every_steps",
        Shape::Whole { min: 1, max: 100_000_000 },
        "optimiser steps between two checkpoints; instead of `every_minutes`",
    ),
    Key::optional(
        "every_minutes",
        Shape::positive(10_000.0),
        "minutes between two checkpoints; 5 when neither is given",
    ),
];

/// Reads `checkpoint`.
pub(super) fn decode(node: &Node, problems: &mut Problems) -> Option<CheckpointInterval> {
    match (node.entry_of("every_steps"), node.entry_of("every_minutes")) {
        (None, None) => Some(CheckpointInterval::default()),
        (Some(_), None) => NonZeroUsize::new(node.read("every_steps")?).map(CheckpointInterval::EverySteps),
        (None, Some(_)) => node.read("every_minutes").map(CheckpointInterval::EveryMinutes),
        (Some(steps), Some(minutes)) => problems.refuse(
            Problem::at(minutes.key_span, "both `every_minutes` and `every_steps`")
                .label("expected one of the two")
                .related(steps.key_span, "the steps are given here")
                .maybe_help(inherited_advice(steps, minutes)),
        ),
    }
}
