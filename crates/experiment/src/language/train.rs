//! `train`: how weights are fitted.

use super::words::{Vocabulary, Word, word};
use super::{Context, optimizer};
use crate::plan::{Decay, Objective, Schedule, Select, TaskKind, TrainPlan, Tune};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::values::BatchSize;
use crate::yaml::Node;

/// The keys of `train`.
pub(super) const KEYS: &[Key] = &[
    Key::required("objective", word::<Objective>(), "the loss"),
    Key::with_default("tune", word::<Tune>(), "full", "which weights move"),
    Key::required("epochs", Shape::Whole { min: 1, max: 100_000 }, "passes over the train split"),
    Key::required("batch_size", Shape::Whole { min: 1, max: BatchSize::MAX as i64 }, "items a step"),
    Key::required("optimizer", Shape::Map(optimizer::KEYS), "the optimiser"),
    Key::with_default("schedule", Shape::Map(SCHEDULE), "{}", "the learning rate over time"),
    Key::optional(
        "clip_grad_norm",
        Shape::positive(1e6),
        "the gradient's largest global norm; without it nothing is clipped",
    ),
    Key::with_default("select", word::<Select>(), "validation.accuracy", "which epoch's weights are kept"),
];

const SCHEDULE: &[Key] = &[
    Key::with_default(
        "warmup_steps",
        Shape::Whole { min: 0, max: 100_000_000 },
        "0",
        "steps of a straight line from zero to the peak",
    ),
    Key::with_default(
        "decay",
        word::<Decay>(),
        "cosine",
        "what follows the warm-up, down to zero at the last step",
    ),
];

impl Vocabulary for Tune {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("full", Self::Full, "all weights"),
        ("locked-image", Self::LockedImage, "all but the vision tower's, its projection included"),
        ("locked-text", Self::LockedText, "all but the text tower's, its projection included"),
        ("projections", Self::Projections, "the two projections and logit_scale"),
    ];
    const PLANNED: &'static [&'static str] = &["lora"];
}

/// Reads `train`; the objective must fit the dataset's kind of item, where that is known.
pub(super) fn decode(node: &Node, task: Option<TaskKind>, context: &mut Context<'_>) -> Option<TrainPlan> {
    let objective = node.read::<Word<Objective>>("objective").map(|word| word.0);
    fits(node, objective, task, context.problems);
    let optimizer = node.get("optimizer").and_then(|optimizer| optimizer::decode(optimizer, context));
    let batch = node.get("batch_size")?;
    Some(TrainPlan {
        objective: objective?,
        tune: node.read::<Word<Tune>>("tune")?.0,
        epochs: node.read("epochs")?,
        batch_size: context.make(
            batch.span,
            "train.batch_size",
            BatchSize::try_from(node.read::<usize>("batch_size")?),
        )?,
        optimizer: optimizer?,
        schedule: schedule(node.get("schedule")?)?,
        clip_grad_norm: node.read("clip_grad_norm"),
        select: node.read::<Word<Select>>("select")?.0,
    })
}

fn schedule(node: &Node) -> Option<Schedule> {
    Some(Schedule { warmup_steps: node.read("warmup_steps")?, decay: node.read::<Word<Decay>>("decay")?.0 })
}

/// Contrastive training works for choices too: the right text is the caption.
fn fits(node: &Node, objective: Option<Objective>, task: Option<TaskKind>, problems: &mut Problems) {
    if let (Some(Objective::Choice), Some(TaskKind::Pairs), Some(objective)) =
        (objective, task, node.get("objective"))
    {
        problems.add(
            Problem::at(objective.span, "`objective: choice` needs candidate texts")
                .label("expected `contrastive`: `data.columns` declares a single `text`")
                .help("or give `choices` and `label` in `data.columns`"),
        );
    }
}
