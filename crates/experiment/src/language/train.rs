//! `train`: how weights are fitted.

use std::num::NonZeroUsize;
use std::ops::Bound;

use super::words::{Word, word};
use super::{Context, objective, optimizer, schedule, tune};
use crate::plan::{LogitScale, Objective, Reduction, Select, TaskKind, TrainPlan, Tune};
use crate::shape::{Key, Shape};
use crate::values::BatchSize;
use crate::yaml::Node;

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
    Key::with_default(
        "logit_scale",
        word::<LogitScale>(),
        "learned",
        "whether the temperature (and SigLIP's bias) is trained",
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
    Key::with_default(
        "shuffle",
        Shape::Boolean,
        "true",
        "whether every epoch has an order of its own; else items come in the order of the dataset",
    ),
    Key::required("optimizer", Shape::Map(optimizer::KEYS), "the optimiser"),
    Key::with_default("schedule", Shape::Map(schedule::KEYS), "{}", "the learning rate over time"),
    Key::optional(
        "clip_grad_norm",
        Shape::positive(1e6),
        "the gradient's largest global norm; without it nothing is clipped",
    ),
    Key::with_default("select", word::<Select>(), "validation.accuracy", "which epoch's weights are kept"),
];

/// Reads `train`; the objective must fit the dataset's kind of item, where that is known.
pub(super) fn decode(node: &Node, task: Option<TaskKind>, context: &mut Context<'_>) -> Option<TrainPlan> {
    let objective = objective::decode(node, task, context);
    let tune = tune::decode(node);
    let optimizer = node.get("optimizer").and_then(|optimizer| optimizer::decode(optimizer, context));
    let schedule = node.get("schedule").and_then(|schedule| schedule::decode(schedule, context));
    let batch = node.get("batch_size")?;
    Some(TrainPlan {
        objective: objective?,
        label_smoothing: node.read("label_smoothing")?,
        reduction: node.read::<Word<Reduction>>("reduction")?.0,
        tune: tune?,
        logit_scale: node.read::<Word<LogitScale>>("logit_scale")?.0,
        epochs: node.read("epochs")?,
        batch_size: context.make(
            batch.span,
            "train.batch_size",
            BatchSize::try_from(node.read::<usize>("batch_size")?),
        )?,
        accumulate: NonZeroUsize::new(node.read("accumulate")?)?,
        shuffle: node.read("shuffle")?,
        optimizer: optimizer?,
        schedule: schedule?,
        clip_grad_norm: node.read("clip_grad_norm"),
        select: node.read::<Word<Select>>("select")?.0,
    })
}
