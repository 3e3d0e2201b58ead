//! Which weights move, and that locking only saves work.

use std::collections::BTreeSet;

use cliptune_experiment::{LogitScale, Objective, Seed, TrainPlan, Tune};
use cliptune_train::data::Batch;
use cliptune_train::model::Parameters;
use cliptune_train::objective::{self, needed};
use cliptune_train::tuning::Tuned;

use crate::support::{OBJECTIVES, Tiny, World, assert_close, go_on, tensors};

const TUNES: [Tune; 6] = [
    Tune::Full,
    Tune::LockedImage { unlocked_layers: 0 },
    Tune::LockedImage { unlocked_layers: 1 },
    Tune::LockedText { unlocked_layers: 0 },
    Tune::LockedText { unlocked_layers: 1 },
    Tune::Projections,
];

/// Whether a weight should move, by its name alone.
fn should_move(tune: Tune, name: &str) -> bool {
    let image = name.starts_with("vision_model.") || name == "visual_projection.weight";
    let text = name.starts_with("text_model.") || name == "text_projection.weight";
    match tune {
        Tune::Full => true,
        Tune::Lora { .. } => false,
        Tune::LockedImage { unlocked_layers: 0 } => !image,
        Tune::LockedText { unlocked_layers: 0 } => !text,
        // The tower has one block.
        Tune::LockedImage { .. } => !image || !(name.contains("embedding") || name.contains("pre_layrnorm")),
        // The tower has two.
        Tune::LockedText { .. } => !text || !(name.contains("embedding") || name.contains("layers.0.")),
        Tune::Projections => {
            ["visual_projection.weight", "text_projection.weight", "logit_scale"].contains(&name)
        }
    }
}

#[test]
fn training_moves_what_is_to_be_tuned_and_nothing_else() {
    for tune in TUNES {
        let world = World::new(Objective::Choice).tuning(tune);
        let trained = world.tiny.parameters();
        world.run_with(&trained, &go_on).unwrap();
        let before = world.tiny.parameters();
        let moved: BTreeSet<String> = trained
            .named()
            .filter(|(name, after)| before.tensor(name).unwrap() != *after)
            .map(|(name, _)| name)
            .collect();
        let expected: BTreeSet<String> = world
            .tiny
            .parameters()
            .named()
            .map(|(name, _)| name)
            .filter(|name| should_move(tune, name))
            .collect();
        assert_eq!(moved, expected, "{tune:?}");
        // A checkpoint has what moves, each with its moments, and nothing that the run started with anyway.
        let mut saved = tensors(&world.checkpoints().last_file());
        assert!(saved.remove("~crc32c").is_some(), "the checksum");
        assert_eq!(saved.len(), 3 * expected.len(), "{tune:?}");
        assert!(expected.iter().all(|name| saved.contains_key(name)), "{tune:?}");
    }
}

#[test]
fn only_what_is_to_be_tuned_has_moments_and_is_recorded_by_autograd() {
    let world = World::new(Objective::Choice);
    let parameters = world.tiny.parameters();
    for tune in TUNES {
        let tuned = Tuned::new(&parameters, &TrainPlan { tune, ..world.plan.clone() }, Seed(0)).unwrap();
        let unlocked: Vec<&str> = tuned.moving().into_iter().map(|one| one.spec.name.as_str()).collect();
        for (name, tensor) in parameters.named() {
            let moves = should_move(tune, &name);
            assert_eq!((unlocked.contains(&name.as_str()), tensor.requires_grad()), (moves, moves), "{name}");
        }
    }
}

/// The loss over all train items with its gradients in the parameters.
fn loss(tiny: &Tiny, objective: Objective, tune: Tune, lock: bool) -> (f64, Parameters) {
    let parameters = tiny.parameters();
    parameters.unlock(if lock { tune } else { Tune::Full }, LogitScale::Learned);
    let mut encoder = tiny.encoder(&parameters);
    if lock {
        encoder.lock(&TrainPlan { tune, ..tiny.case(objective).plan.clone() }).unwrap();
    }
    let everyone: Vec<usize> = (0..tiny.train.len()).collect();
    let batch = Batch::new(&tiny.train, &everyone, needed(objective));
    let embeddings = encoder.embeddings(&batch.images, &batch.texts).unwrap();
    let loss = objective::loss(objective, 0.0, &embeddings, &batch.examples).unwrap();
    loss.backward();
    (loss.double_value(&[]), parameters)
}

#[test]
fn a_locked_tower_changes_neither_the_loss_nor_the_gradients_of_the_rest() {
    let tiny = Tiny::load();
    for (objective, name) in OBJECTIVES {
        for tune in TUNES {
            let (free_loss, free) = loss(&tiny, objective, tune, false);
            let (locked_loss, locked) = loss(&tiny, objective, tune, true);
            assert!((free_loss - locked_loss).abs() < 1e-6, "{name} {tune:?}: {free_loss} {locked_loss}");
            for ((weight, free), (_, locked)) in free.named().zip(locked.named()) {
                assert_eq!(locked.grad().defined(), should_move(tune, &weight), "{name} {tune:?} {weight}");
                if locked.grad().defined() {
                    let what = format!("{name} {tune:?} gradient of {weight}");
                    assert_close(&locked.grad(), &free.grad(), 1e-5, &what);
                }
            }
        }
    }
}
