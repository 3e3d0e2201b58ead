//! `train.optimizer`: how weights move against their gradients.

use std::ops::Bound;

use super::words::{Vocabulary, Word, word};
use super::{Context, pair};
use crate::plan::{OptimizerPlan, UpdateRule};
use crate::shape::{Key, Shape};
use crate::values::LearningRate;
use crate::yaml::Node;

const RATE: Shape = Shape::Number { low: Bound::Included(0.0), high: Bound::Excluded(1.0) };

/// The keys of `train.optimizer`. What is left out is as open_clip and OpenAI have it for AdamW, as `torch.optim` has it
/// for the others.
pub(super) const KEYS: &[Key] = &[
    Key::with_default("name", word::<UpdateRule>(), "adamw", "the optimiser"),
    Key::required("lr", Shape::positive(LearningRate::MAX), "the peak learning rate"),
    Key::optional(
        "weight_decay",
        Shape::between(0.0, 10.0),
        "weight decay: decoupled for `adamw`, 0.1 when absent; added to the gradient for the others, 0 when absent; \
         biases, norms, embeddings and logit_scale do not decay",
    ),
    Key::with_default(
        "layer_decay",
        Shape::positive(1.0),
        "1",
        "the factor of the learning rate from a layer to the one below it; the norm and projection at a tower's end \
         and logit_scale have the full rate",
    ),
    Key::optional(
        "betas",
        Shape::pair(&RATE),
        "decay rates of the two moments; `[0.9, 0.98]` for `adamw`, `[0.9, 0.999]` for `adam` when absent",
    ),
    Key::optional(
        "eps",
        Shape::positive(1.0),
        "added to the root of the second moment; 1e-6 for `adamw`, 1e-8 for `adam` when absent",
    ),
    Key::optional("momentum", RATE, "decay rate of the running sum of gradients of `sgd`; 0 when absent"),
    Key::optional("nesterov", Shape::Boolean, "whether `sgd` looks ahead along that sum; false when absent"),
];

const ADAMW: UpdateRule = UpdateRule::AdamW { betas: (0.9, 0.98), eps: 1e-6 };
const ADAM: UpdateRule = UpdateRule::Adam { betas: (0.9, 0.999), eps: 1e-8 };
const SGD: UpdateRule = UpdateRule::Sgd { momentum: 0.0, nesterov: false };

impl Vocabulary for UpdateRule {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("adamw", ADAMW, "Adam with decoupled weight decay"),
        ("adam", ADAM, "Adam"),
        ("sgd", SGD, "stochastic gradient descent"),
    ];
    const PLANNED: &'static [&'static str] = &["lion", "muon"];
}

/// Reads `train.optimizer`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<OptimizerPlan> {
    let rate = node.get("lr")?;
    let rule = rule(node, context)?;
    let weight_decay = match rule {
        UpdateRule::AdamW { .. } => 0.1,
        UpdateRule::Adam { .. } | UpdateRule::Sgd { .. } => 0.0,
    };
    Some(OptimizerPlan {
        lr: context.make(rate.span, "train.optimizer.lr", LearningRate::try_from(rate.number()?))?,
        weight_decay: node.read("weight_decay").unwrap_or(weight_decay),
        layer_decay: node.read("layer_decay")?,
        rule,
    })
}

fn rule(node: &Node, context: &mut Context<'_>) -> Option<UpdateRule> {
    let mut rule = node.read::<Word<UpdateRule>>("name")?.0;
    match &mut rule {
        UpdateRule::AdamW { betas, eps } | UpdateRule::Adam { betas, eps } => {
            *betas = pair(node, "betas").unwrap_or(*betas);
            *eps = node.read("eps").unwrap_or(*eps);
            for key in ["momentum", "nesterov"] {
                context.only_with(node, key, "name", "`name: sgd`");
            }
        }
        UpdateRule::Sgd { momentum, nesterov } => {
            *momentum = node.read("momentum").unwrap_or(*momentum);
            *nesterov = node.read("nesterov").unwrap_or(*nesterov);
            for key in ["betas", "eps"] {
                context.only_with(node, key, "name", "`adamw` and `adam`");
            }
            if *nesterov && *momentum == 0.0 {
                context.only_with(node, "nesterov", "momentum", "a `momentum` above 0");
            }
        }
    }
    Some(rule)
}
