//! Several processes compute what one computes. Here they are threads, each with weights of its own.
//!
//! libtorch's generator is one for the process, so that nothing here draws from it while there are several.

mod evaluation;
mod gradients;
mod groups;
mod shares;
mod training;

use std::num::NonZeroUsize;

use cliptune_experiment::{Augment, BatchSize, Fraction, Lora, LoraTarget, Objective, TrainPlan, Tune};
use cliptune_torch_bridge::in_threads;
use cliptune_train::data::Example;
use cliptune_train::group::Group;

use crate::support::{Tiny, related};

/// The numbers of processes that are compared with one.
const WORLDS: [usize; 3] = [2, 3, 4];
/// Bytes of a bucket. The tiny model has several of this size.
const BUCKET: usize = 2000;

const OBJECTIVES: [Objective; 4] = [
    Objective::Choice,
    Objective::Contrastive,
    Objective::ChoiceContrastive { contrastive_weight: 0.5 },
    Objective::Sigmoid,
];

/// Runs the processes of a group, and returns what they return in the order of their ranks.
fn together<T: Send>(world: usize, member: impl Fn(&Group) -> T + Sync) -> Vec<T> {
    in_threads(world, |members| member(&Group::joined(members).with_buckets_of(BUCKET))).unwrap()
}

fn plan(tiny: &Tiny, objective: Objective) -> TrainPlan {
    TrainPlan { objective, ..tiny.case(objective).plan.clone() }
}

fn lora() -> Tune {
    let targets = vec![LoraTarget::Query, LoraTarget::Out, LoraTarget::Mlp].into();
    Tune::Lora { lora: Lora { rank: NonZeroUsize::new(2).unwrap(), alpha: 2.0, dropout: 0.0, targets } }
}

/// Flips half of the images, by a generator of its own.
fn flips() -> Augment {
    Augment {
        random_resized_crop: None,
        horizontal_flip: Fraction::try_from(0.5).unwrap(),
        color_jitter: None,
        random_erasing: None,
    }
}

/// Six images, each with all texts as its candidates, as if they were classes: all batches have the same texts.
fn with_classes() -> Tiny {
    let mut tiny = Tiny::load();
    let texts: Vec<usize> = (0..tiny.text_count()).collect();
    tiny.train = related((0..6).map(|image| Example::new(image, texts.clone(), 2 * image, image)).collect());
    tiny
}

/// Ways to compute an update: at once, in chunks, with activations computed again, and both.
fn passes(plan: &TrainPlan) -> Vec<(String, TrainPlan)> {
    [(None, false), (Some(2), false), (None, true), (Some(2), true)]
        .into_iter()
        .map(|(rows, gradient_checkpointing)| {
            let gradient_cache = rows.map(|rows: usize| BatchSize::try_from(rows).unwrap());
            let name = format!("cache {rows:?}, again {gradient_checkpointing}");
            (name, TrainPlan { gradient_cache, gradient_checkpointing, ..plan.clone() })
        })
        .collect()
}
