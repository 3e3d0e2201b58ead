//! The rows of the token embedding that no text looks up are left out of training.

use cliptune_experiment::{Objective, Tune};
use cliptune_train::model::Parameters;
use cliptune_train::tuning::Tuned;

use crate::support::{World, difference, go_on};

/// The weights after training, and how many numbers moved.
fn trained(world: &World, parameters: &Parameters) -> (Parameters, usize) {
    let tuned = Tuned::new(parameters, &world.plan, world.tiny.cases.seed).unwrap();
    world.run_tuned(&tuned, &go_on).unwrap();
    (tuned.evaluated().unwrap(), tuned.len())
}

#[test]
fn training_ends_with_the_same_weights_as_with_all_rows() {
    let [all, used] = [(); 2].map(|()| World::new(Objective::Choice));
    let parameters = used.tiny.parameters();
    let restricted = parameters.with_token_rows(used.plan.tune, &used.tiny.texts.ids()).unwrap();
    assert!(restricted.left_out() > 0 && restricted.left_out() < parameters.len());

    let (expected, moving) = trained(&all, &all.tiny.parameters());
    let (weights, fewer) = trained(&used, &restricted);
    assert_eq!(fewer, moving - restricted.left_out());
    for ((name, expected), (_, weight)) in expected.named().zip(weights.named()) {
        assert_eq!(difference(expected, weight), 0.0, "{name}");
    }
}

#[test]
fn a_table_that_does_not_move_is_left_whole() {
    let world = World::new(Objective::Choice);
    let parameters = world.tiny.parameters();
    for tune in [Tune::Projections, Tune::LockedText { unlocked_layers: 0 }] {
        let restricted = parameters.with_token_rows(tune, &world.tiny.texts.ids()).unwrap();
        assert_eq!((restricted.left_out(), restricted.len()), (0, parameters.len()));
    }
}

#[test]
fn an_id_that_was_left_out_is_an_error_and_not_another_row() {
    let world = World::new(Objective::Choice);
    let parameters = world.tiny.parameters();
    let mut ids = world.tiny.texts.ids();
    ids.pop();
    let restricted = parameters.with_token_rows(Tune::Full, &ids).unwrap();
    let rows: Vec<usize> = (0..world.tiny.text_count()).collect();
    world.tiny.encoder(&restricted).texts(&rows).unwrap_err();
}
