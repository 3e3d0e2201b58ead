//! `train.schedule`: the learning rate over time.

use super::Context;
use super::words::{Vocabulary, Word, word};
use crate::plan::{Decay, Schedule, Warmup};
use crate::shape::{Key, Shape};
use crate::values::Fraction;
use crate::yaml::Node;

/// The keys of `train.schedule`.
pub(super) const KEYS: &[Key] = &[
    Key::optional(
        "warmup_steps",
        Shape::Whole { min: 0, max: 100_000_000 },
        "updates of a straight line from zero to the peak; none when absent",
    ),
    Key::optional("warmup", Shape::between(0.0, 1.0), "the warm-up as a share of all updates instead"),
    Key::with_default("decay", word::<Decay>(), "cosine", "what follows the warm-up"),
    Key::optional(
        "cooldown",
        Shape::between(0.0, 1.0),
        "the share of all updates that the line to zero of `constant-with-cooldown` takes; 0.2 when absent",
    ),
];

const COOLDOWN: f64 = 0.2;

impl Vocabulary for Decay {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("cosine", Self::Cosine, "half a cosine to zero"),
        ("linear", Self::Linear, "a straight line to zero"),
        ("constant", Self::Constant, "none"),
        (
            "constant-with-cooldown",
            Self::ConstantWithCooldown { cooldown: Fraction::ZERO },
            "none, then a straight line to zero at the end",
        ),
    ];
}

/// Reads `train.schedule`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<Schedule> {
    let (warmup, decay) = (warmup(node, context), decay(node, context));
    Some(Schedule { warmup: warmup?, decay: decay? })
}

fn warmup(node: &Node, context: &mut Context<'_>) -> Option<Warmup> {
    match (node.read("warmup_steps"), node.get("warmup")) {
        (Some(_), Some(_)) => context.exclude(node, "warmup", "warmup_steps"),
        (None, Some(share)) => Some(Warmup::Share(Fraction::try_from(share.number()?).ok()?)),
        (steps, None) => Some(Warmup::Steps(steps.unwrap_or(0))),
    }
}

fn decay(node: &Node, context: &mut Context<'_>) -> Option<Decay> {
    let decay = node.read::<Word<Decay>>("decay")?.0;
    if !matches!(decay, Decay::ConstantWithCooldown { .. }) {
        context.only_with(node, "cooldown", "decay", "`decay: constant-with-cooldown`");
        return Some(decay);
    }
    let share = node.read("cooldown").unwrap_or(COOLDOWN);
    let cooldown = Fraction::try_from(share).ok()?;
    Some(Decay::ConstantWithCooldown { cooldown })
}
