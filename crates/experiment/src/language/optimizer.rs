//! `train.optimizer`: AdamW.

use super::Context;
use super::words::{Vocabulary, word, word_of};
use crate::plan::AdamW;
use crate::shape::{Key, Shape};
use crate::values::LearningRate;
use crate::yaml::Node;

const BETA: Shape =
    Shape::Number { low: std::ops::Bound::Included(0.0), high: std::ops::Bound::Excluded(1.0) };

/// The keys of `train.optimizer`. The defaults are open_clip's and OpenAI's for vision transformers.
pub(super) const KEYS: &[Key] = &[
    Key::with_default("name", word::<Name>(), "adamw", "the optimiser"),
    Key::required("lr", Shape::positive(LearningRate::MAX), "the peak learning rate"),
    Key::with_default(
        "weight_decay",
        Shape::between(0.0, 10.0),
        "0.1",
        "decoupled weight decay; biases, norms, embeddings and logit_scale do not decay",
    ),
    Key::with_default("betas", Shape::pair(&BETA), "[0.9, 0.98]", "decay rates of the two moments"),
    Key::with_default("eps", Shape::positive(1.0), "1e-6", "added to the root of the second moment"),
];

/// The one optimiser there is, named so that a second one changes no file.
#[derive(Clone, Copy, PartialEq)]
struct Name;

impl Vocabulary for Name {
    const WORDS: &'static [(&'static str, Self, &'static str)] =
        &[("adamw", Self, "Adam with decoupled weight decay")];
    const PLANNED: &'static [&'static str] = &["sgd", "adam", "lion", "muon"];
}

/// The word of the one optimiser.
pub(crate) fn optimizer_name() -> &'static str {
    word_of(Name)
}

/// Reads `train.optimizer`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<AdamW> {
    let rate = node.get("lr")?;
    let betas: Vec<f64> = node.read("betas")?;
    Some(AdamW {
        lr: context.make(rate.span, "train.optimizer.lr", LearningRate::try_from(rate.number()?))?,
        weight_decay: node.read("weight_decay")?,
        betas: (*betas.first()?, *betas.get(1)?),
        eps: node.read("eps")?,
    })
}
