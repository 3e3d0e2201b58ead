//! `train`: how weights are fitted.

use std::num::NonZeroUsize;
use std::ops::Bound;

use super::words::{Word, word};
use super::{Context, augment, objective, optimizer, schedule, tune};
use crate::plan::{Compute, LogitScale, Objective, Reduction, Select, TaskKind, TrainPlan, Tune};
use crate::shape::{Key, Shape};
use crate::values::{BatchSize, EmaDecay, Fraction};
use crate::yaml::Node;

const ALPHA: Shape = Shape::between(0.0, 1.0);

/// The keys of `train`.
pub(super) const KEYS: &[Key] = &[
    Key::required("objective", word::<Objective>(), "the loss"),
    Key::optional(
        "contrastive_weight",
        Shape::positive(1000.0),
        "the factor of the contrastive loss in `choice+contrastive`; 1 when absent",
    ),
    Key::with_default(
        "label_smoothing",
        Shape::Number { low: Bound::Included(0.0), high: Bound::Excluded(1.0) },
        "0",
        "the share of a target's probability that is spread over all of its candidates; validation is not smoothed",
    ),
    Key::with_default(
        "reduction",
        word::<Reduction>(),
        "mean",
        "what an update minimises of its items' losses; logs have the mean",
    ),
    Key::with_default("tune", word::<Tune>(), "full", "which weights move"),
    Key::optional(
        "unlocked_layers",
        Shape::Whole { min: 0, max: 1000 },
        "blocks of the locked tower, counted from its end, that move all the same, with its final norm and projection; \
         0 when absent",
    ),
    Key::optional("lora", Shape::Map(tune::LORA), "the adapters of `tune: lora`"),
    Key::with_default(
        "logit_scale",
        word::<LogitScale>(),
        "learned",
        "whether the temperature (and SigLIP's bias) is trained; never with `tune: lora`",
    ),
    Key::required("epochs", Shape::Whole { min: 1, max: 100_000 }, "passes over the train split"),
    Key::required(
        "batch_size",
        Shape::Whole { min: 1, max: BatchSize::MAX as i64 },
        "items encoded at once, which are each other's negatives",
    ),
    Key::with_default(
        "accumulate",
        Shape::Whole { min: 1, max: 1_000_000 },
        "1",
        "batches whose gradients make one update, each item counting the same; an epoch's last update takes what is \
         left",
    ),
    Key::optional(
        "gradient_cache",
        Shape::Whole { min: 1, max: BatchSize::MAX as i64 },
        "images or texts whose activations are in memory at once: the exact gradient of a large batch in two passes, for \
         one more forward pass; all when absent",
    ),
    Key::with_default(
        "gradient_checkpointing",
        Shape::Boolean,
        "false",
        "whether a block's activations are computed again for its gradient instead of being kept: the same gradient on \
         less memory, for one more forward pass",
    ),
    Key::with_default(
        "shuffle",
        Shape::Boolean,
        "true",
        "whether every epoch has an order of its own; else items come in the order of the dataset",
    ),
    Key::optional(
        "augment",
        Shape::Map(augment::KEYS),
        "what is done to training images at random, anew for every image in every epoch",
    ),
    Key::required("optimizer", Shape::Map(optimizer::KEYS), "the optimiser"),
    Key::with_default("schedule", Shape::Map(schedule::KEYS), "{}", "the learning rate over time"),
    Key::optional(
        "clip_grad_norm",
        Shape::positive(1e6),
        "the gradient's largest global norm; without it nothing is clipped",
    ),
    Key::optional(
        "ema",
        Shape::Number { low: Bound::Excluded(0.0), high: Bound::Excluded(1.0) },
        "the decay, at every update, of a moving average of the weights, which then is what is evaluated and kept; it \
         starts at the starting point",
    ),
    Key::with_default(
        "precision",
        word::<Compute>(),
        "fp32",
        "the numbers that a step computes with; weights, gradients and the optimiser's state are 32-bit floats always",
    ),
    Key::with_default(
        "deterministic",
        Shape::Boolean,
        "false",
        "whether the same run gives the same bits on a GPU, too, which costs speed; on a CPU it does anyway",
    ),
    Key::with_default("select", word::<Select>(), "validation.accuracy", "which epoch's weights are kept"),
    Key::optional(
        "patience",
        Shape::Whole { min: 1, max: 100_000 },
        "epochs without a better one that end the training; the schedule is that of all epochs",
    ),
    Key::with_default(
        "interpolate",
        Shape::set(&ALPHA, 0),
        "[]",
        "models on the straight line from the starting weights (0) to the tuned ones (1) that are tried on the \
         validation split in the end; the best one is kept (WiSE-FT)",
    ),
];

/// Reads `train`; the objective must fit the dataset's kind of item, where that is known.
pub(super) fn decode(node: &Node, task: Option<TaskKind>, context: &mut Context<'_>) -> Option<TrainPlan> {
    let objective = objective::decode(node, task, context);
    let tune = tune::decode(node, context);
    let logit_scale = tune.and_then(|tune| tune::logit_scale(node, tune, context));
    let optimizer = node.get("optimizer").and_then(|optimizer| optimizer::decode(optimizer, context));
    let schedule = node.get("schedule").and_then(|schedule| schedule::decode(schedule, context));
    let augment = node.get("augment").map(|augment| augment::decode(augment, context));
    let select = node.read::<Word<Select>>("select").map(|word| word.0);
    if select == Some(Select::Last) {
        for key in ["patience", "interpolate"] {
            context.only_with(node, key, "select", "a validation split to `select` by");
        }
    }
    let batch = node.get("batch_size")?;
    Some(TrainPlan {
        objective: objective?,
        label_smoothing: node.read("label_smoothing")?,
        reduction: node.read::<Word<Reduction>>("reduction")?.0,
        tune: tune?,
        logit_scale: logit_scale?,
        epochs: node.read("epochs")?,
        batch_size: context.make(
            batch.span,
            "train.batch_size",
            BatchSize::try_from(node.read::<usize>("batch_size")?),
        )?,
        accumulate: NonZeroUsize::new(node.read("accumulate")?)?,
        gradient_cache: node.read::<usize>("gradient_cache").and_then(|rows| BatchSize::try_from(rows).ok()),
        gradient_checkpointing: node.read("gradient_checkpointing")?,
        shuffle: node.read("shuffle")?,
        augment: match augment {
            Some(augment) => Some(augment?),
            None => None,
        },
        optimizer: optimizer?,
        schedule: schedule?,
        clip_grad_norm: node.read("clip_grad_norm"),
        ema: node.read::<f64>("ema").and_then(|decay| EmaDecay::try_from(decay).ok()),
        precision: node.read::<Word<Compute>>("precision")?.0,
        deterministic: node.read("deterministic")?,
        select: select?,
        patience: node.read("patience").and_then(NonZeroUsize::new),
        interpolate: alphas(node)?,
    })
}

fn alphas(node: &Node) -> Option<Vec<Fraction>> {
    let alphas: Vec<f64> = node.read("interpolate")?;
    alphas.into_iter().map(|alpha| Fraction::try_from(alpha).ok()).collect()
}
