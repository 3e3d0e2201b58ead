//! The estimate of what a training needs.

use cliptune_experiment::{BatchSize, Objective, Tune};
use cliptune_train::memory::{Footprint, Subject};
use cliptune_train::tuning::Tuned;

use crate::support::World;

fn footprint(tune: Tune, batch_size: usize) -> Footprint {
    of_each(1, tune, batch_size)
}

/// The footprint of each of so many processes.
fn of_each(processes: usize, tune: Tune, batch_size: usize) -> Footprint {
    of_world(processes, World::new(Objective::Choice).tuning(tune), batch_size)
}

fn of_world(processes: usize, mut world: World, batch_size: usize) -> Footprint {
    world.plan.batch_size = BatchSize::try_from(batch_size).unwrap();
    let parameters = world.tiny.parameters();
    let tuned = Tuned::new(&parameters, &world.plan, world.tiny.cases.seed).unwrap();
    let subject = Subject {
        config: &world.tiny.config,
        parameters: &parameters,
        moving: tuned.len(),
        plan: &world.plan,
        seed: world.tiny.cases.seed,
        train: &world.tiny.train,
        texts: &world.tiny.texts,
        images: 6,
        processes,
    };
    Footprint::of(&subject)
}

#[test]
fn every_weight_that_moves_has_a_gradient_and_two_moments() {
    let weights = 4 * World::new(Objective::Choice).tiny.parameters().len() as u64;
    let full = footprint(Tune::Full, 4);
    assert_eq!((full.weights, full.gradients, full.moments), (weights, weights, 2 * weights));
    // The weights, their moments and the best epoch's weights.
    assert_eq!(full.checkpoint, 4 * weights);
    let locked = footprint(Tune::LockedImage { unlocked_layers: 0 }, 4);
    assert!(locked.weights == weights && locked.gradients < weights);
    assert_eq!(locked.moments, 2 * locked.gradients);
}

#[test]
fn several_processes_share_out_a_batch_and_send_a_copy_of_their_gradients() {
    let [one, two] = [1, 2].map(|processes| of_each(processes, Tune::Full, 4));
    assert_eq!((two.weights, two.moments, two.gradients), (one.weights, one.moments, 2 * one.gradients));
    // Each has the embeddings of the whole batch.
    assert!(two.activations < one.activations && 2 * two.activations > one.activations);
    assert_eq!(two.checkpoint, one.checkpoint);
}

#[test]
fn the_total_is_the_sum_of_the_parts() {
    let Footprint { weights, gradients, moments, pixels, activations, runtime, total, .. } =
        footprint(Tune::Full, 4);
    assert_eq!(total, weights + gradients + moments + pixels + activations + runtime);
    assert_eq!(pixels, 6 * 3 * 12 * 12);
}

#[test]
fn what_is_locked_keeps_no_activations() {
    let activations = |tune| footprint(tune, 4).activations;
    let [full, image, text, projections] = [
        Tune::Full,
        Tune::LockedImage { unlocked_layers: 0 },
        Tune::LockedText { unlocked_layers: 0 },
        Tune::Projections,
    ]
    .map(activations);
    assert!(image < full && text < full && projections < full, "{full} {image} {text} {projections}");
    // Each tower is in exactly one of the two.
    assert_eq!(image + text, full);
}

#[test]
fn every_pair_of_a_batch_has_logits() {
    let pairs = World::new(Objective::Contrastive).tiny.train.len().pow(2) as u64;
    let activations = |tune: Tune| {
        // All examples are one batch.
        of_world(1, World::new(Objective::Contrastive).tuning(tune), 64).activations
    };
    let [full, image, text] =
        [Tune::Full, Tune::LockedImage { unlocked_layers: 0 }, Tune::LockedText { unlocked_layers: 0 }]
            .map(activations);
    // Each tower is in exactly one of the two, and the loss in all three.
    assert_eq!(image + text - full, 11 * 4 * pairs);
}

#[test]
fn a_larger_batch_needs_more() {
    let sizes = [1, 2, 4, 8].map(|size| footprint(Tune::Full, size).total);
    assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
}

#[test]
fn images_that_are_few_are_all_kept_in_memory() {
    assert_eq!(World::new(Objective::Choice).tiny.images.keep_first().unwrap(), 6);
}
