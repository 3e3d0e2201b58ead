//! `train.tune`: which weights move.

use std::num::NonZeroUsize;
use std::ops::Bound;

use super::Context;
use super::words::{Vocabulary, Word, word};
use crate::plan::{LogitScale, Lora, LoraTarget, LoraTargets, Tune};
use crate::shape::{Key, Shape};
use crate::yaml::Node;

const TARGET: Shape = word::<LoraTarget>();

/// The keys of `train.lora`. What is left out is as PEFT has it, the targets as Zanella & Ben Ayed 2024 (CLIP-LoRA).
pub(super) const LORA: &[Key] = &[
    Key::with_default(
        "rank",
        Shape::Whole { min: 1, max: 4096 },
        "8",
        "the rank of what is added to a layer",
    ),
    Key::optional(
        "alpha",
        Shape::positive(1e6),
        "the strength: what is added is scaled by alpha / rank; the rank when absent",
    ),
    Key::with_default(
        "dropout",
        Shape::Number { low: Bound::Included(0.0), high: Bound::Excluded(1.0) },
        "0",
        "the share of an adapter's inputs that a step drops",
    ),
    Key::with_default(
        "targets",
        Shape::set(&TARGET, 1),
        "[q, k, v]",
        "the layers of both towers' blocks that have an adapter: `q`, `k`, `v` and `out` of attention, `mlp`",
    ),
];

const NO_LORA: Lora = Lora { rank: NonZeroUsize::MIN, alpha: 1.0, dropout: 0.0, targets: LoraTargets::NONE };

impl Vocabulary for Tune {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("full", Self::Full, "all weights"),
        (
            "locked-image",
            Self::LockedImage { unlocked_layers: 0 },
            "all but the vision tower's, its projection included",
        ),
        (
            "locked-text",
            Self::LockedText { unlocked_layers: 0 },
            "all but the text tower's, its projection included",
        ),
        ("projections", Self::Projections, "the two projections and logit_scale"),
        (
            "lora",
            Self::Lora { lora: NO_LORA },
            "adapters of low rank, as `lora` says; saved beside the model, which has them merged in",
        ),
    ];
}

impl Vocabulary for LogitScale {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("learned", Self::Learned, "trained; CLIP's is kept between 0 and ln 100"),
        ("fixed", Self::Fixed, "as the starting point has it"),
    ];
}

impl Vocabulary for LoraTarget {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("q", Self::Query, "the query projection"),
        ("k", Self::Key, "the key projection"),
        ("v", Self::Value, "the value projection"),
        ("out", Self::Out, "the output projection of attention"),
        ("mlp", Self::Mlp, "both layers of the MLP"),
    ];
}

/// Reads which weights move.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<Tune> {
    let mut tune = node.read::<Word<Tune>>("tune")?.0;
    match &mut tune {
        Tune::LockedImage { unlocked_layers } | Tune::LockedText { unlocked_layers } => {
            *unlocked_layers = node.read("unlocked_layers").unwrap_or(0);
        }
        Tune::Full | Tune::Projections | Tune::Lora { .. } => {
            context.only_with(node, "unlocked_layers", "tune", "`tune: locked-image` or `tune: locked-text`");
        }
    }
    if let Tune::Lora { lora: adapters } = &mut tune {
        *adapters = lora(node.get("lora"))?;
    } else {
        context.only_with(node, "lora", "tune", "`tune: lora`");
    }
    Some(tune)
}

/// Reads whether the temperature moves; beside adapters nothing does.
pub(super) fn logit_scale(node: &Node, tune: Tune, context: &mut Context<'_>) -> Option<LogitScale> {
    let logit_scale = node.read::<Word<LogitScale>>("logit_scale")?.0;
    if let Tune::Lora { .. } = tune {
        if logit_scale == LogitScale::Learned {
            context.only_with(node, "logit_scale", "tune", "a `tune` other than `lora`");
        }
        return Some(LogitScale::Fixed);
    }
    Some(logit_scale)
}

fn lora(node: Option<&Node>) -> Option<Lora> {
    let defaults = crate::defaults::filled(LORA);
    let node = node.unwrap_or(&defaults);
    let rank: NonZeroUsize = NonZeroUsize::new(node.read("rank")?)?;
    let targets: Vec<Word<LoraTarget>> = node.read("targets")?;
    Some(Lora {
        rank,
        alpha: node.read("alpha").unwrap_or(rank.get() as f64),
        dropout: node.read("dropout")?,
        targets: targets.into_iter().map(|word| word.0).collect::<Vec<_>>().into(),
    })
}
