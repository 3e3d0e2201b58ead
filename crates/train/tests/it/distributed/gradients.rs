//! The gradient of an update by several processes against that of one.

use cliptune_experiment::{Objective, Reduction, Seed, TrainPlan, Tune};
use cliptune_train::data::Examples;
use cliptune_train::draws::Draws;
use cliptune_train::gradient::{Gradient, in_expected_order};
use cliptune_train::group::{ALONE, Group};
use cliptune_train::tuning::Tuned;
use tch::{Kind, Tensor};

use super::{OBJECTIVES, WORLDS, flips, lora, passes, plan, together, with_classes};
use crate::support::{Tiny, assert_close, generator};

/// Of the norm of the whole gradient, in single precision.
const RELATIVE: f64 = 1e-6;

/// The train items, in which every other text equals the one before, so that equal texts, equal images and equal groups
/// meet across shares.
fn with_equal_texts() -> Tiny {
    let mut tiny = Tiny::load();
    let same: Vec<usize> = (0..tiny.text_count()).map(|text| text / 2).collect();
    Examples::unify(&mut tiny.train, &same);
    tiny
}

/// An update to compare.
struct Case {
    name: String,
    plan: TrainPlan,
    batches: Vec<Vec<usize>>,
}

/// An update of one process: the mean loss, and the gradient of every weight that moves.
type Update = (f64, Vec<(String, Tensor)>);

fn update(tiny: &Tiny, case: &Case, group: &Group) -> Update {
    let parameters = tiny.parameters().with_token_rows(case.plan.tune, &tiny.texts.ids()).unwrap();
    let tuned = Tuned::new(&parameters, &case.plan, Seed(0)).unwrap();
    wake(&tuned);
    let mut encoder = tiny.encoder(&parameters).with_adapters(tuned.adapters()).with_group(group);
    encoder.lock(&case.plan).unwrap();
    let moving = tuned.moving();
    let buckets = group.buckets(&in_expected_order(&moving)).unwrap();
    let gradient = Gradient {
        plan: &case.plan,
        encoder: &encoder,
        examples: &tiny.train,
        draws: Draws::new(Seed(0), 1).of_member(group),
        ahead: None,
        buckets: buckets.as_ref(),
    };
    let part = gradient.accumulate(&case.batches).unwrap();
    let gradients = moving.iter().map(|one| (one.spec.name.clone(), one.tensor.grad())).collect();
    (group.sums(&[part]).unwrap()[0], gradients)
}

/// Adapters begin with matrices of zeros, under which their other matrices have no gradient.
fn wake(tuned: &Tuned<'_>) {
    let _guard = tch::no_grad_guard();
    for one in tuned.moving().iter().filter(|one| one.spec.name.contains("lora_B")) {
        let values = Tensor::linspace(-0.3, 0.3, one.tensor.numel() as i64, (Kind::Float, tch::Device::Cpu));
        one.tensor.shallow_clone().copy_(&values.view_as(&one.tensor));
    }
}

fn assert_same(what: &str, (loss, found): &Update, (expected_loss, expected): &Update) {
    let tolerance = RELATIVE * expected_loss.abs().max(1.0);
    assert!((loss - expected_loss).abs() < tolerance, "{what}: {loss} instead of {expected_loss}");
    let square = |one: &Tensor| one.square().sum(Kind::Double).double_value(&[]);
    let norm =
        expected.iter().map(|(_, one)| one).filter(|one| one.defined()).map(square).sum::<f64>().sqrt();
    for ((weight, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.defined(), expected.defined(), "{what}: gradient of {weight}");
        if expected.defined() {
            assert_close(found, expected, RELATIVE * norm, &format!("{what}: gradient of {weight}"));
        }
    }
}

/// Compares every process of every group with a process alone.
fn assert_all_same(tiny: &Tiny, cases: &[Case]) {
    let _generator = generator();
    let expected: Vec<Update> = cases.iter().map(|case| update(tiny, case, &ALONE)).collect();
    for world in WORLDS {
        let updates = together(world, |group| {
            cases.iter().map(|case| update(tiny, case, group)).collect::<Vec<Update>>()
        });
        for (rank, updates) in updates.iter().enumerate() {
            for ((case, found), expected) in cases.iter().zip(updates).zip(&expected) {
                assert_same(&format!("{} on {rank} of {world}", case.name), found, expected);
            }
        }
    }
}

/// One whole batch, two with one that is too small for all, and three of which the last two are.
fn updates_of_ten() -> Vec<Vec<Vec<usize>>> {
    vec![
        vec![(0..10).collect()],
        vec![(0..8).collect(), vec![8, 9]],
        vec![(0..5).collect(), vec![5, 6, 7], vec![9]],
    ]
}

#[test]
fn every_objective_has_the_gradient_of_the_whole_batch() {
    let tiny = with_equal_texts();
    let mut cases = Vec::new();
    for objective in OBJECTIVES {
        for (name, plan) in passes(&plan(&tiny, objective)) {
            for batches in updates_of_ten() {
                let name = format!("{objective:?}, {name}, {batches:?}");
                cases.push(Case { name, plan: plan.clone(), batches });
            }
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn smoothed_and_summed_losses_have_the_gradient_of_the_whole_batch() {
    let tiny = with_equal_texts();
    let mut cases = Vec::new();
    for objective in OBJECTIVES {
        for batches in updates_of_ten() {
            let plan =
                TrainPlan { label_smoothing: 0.2, reduction: Reduction::Sum, ..plan(&tiny, objective) };
            cases.push(Case { name: format!("{objective:?}, {batches:?}"), plan, batches });
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn whatever_moves_has_the_gradient_of_the_whole_batch() {
    let tiny = with_equal_texts();
    let mut cases = Vec::new();
    for tune in [
        Tune::LockedImage { unlocked_layers: 0 },
        Tune::LockedImage { unlocked_layers: 1 },
        Tune::LockedText { unlocked_layers: 0 },
        Tune::LockedText { unlocked_layers: 1 },
        Tune::Projections,
        lora(),
    ] {
        for objective in [Objective::Choice, Objective::Contrastive] {
            for augment in [None, Some(flips())] {
                let plan = TrainPlan { tune, augment, ..plan(&tiny, objective) };
                for (name, plan) in passes(&plan) {
                    let name = format!("{tune:?}, {objective:?}, augmented {}, {name}", augment.is_some());
                    cases.push(Case { name, plan, batches: vec![(0..8).collect(), vec![8, 9]] });
                }
            }
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn classes_that_several_batches_share_have_the_gradient_of_all() {
    let tiny = with_classes();
    let mut cases = Vec::new();
    for (name, plan) in passes(&plan(&tiny, Objective::Choice)) {
        for batches in [vec![(0..6).collect()], vec![vec![0, 1, 2], vec![3, 4], vec![5]]] {
            cases.push(Case { name: format!("{name}, {batches:?}"), plan: plan.clone(), batches });
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn only_what_moves_is_sent() {
    let _generator = generator();
    let tiny = Tiny::load();
    let sent = |tune: Tune| {
        let plan = TrainPlan { tune, ..plan(&tiny, Objective::Choice) };
        let case = Case { name: String::new(), plan, batches: vec![(0..10).collect()] };
        together(2, |group| {
            update(&tiny, &case, group);
            group.bytes()
        })
    };
    let [full, locked, adapters] = [Tune::Full, Tune::LockedText { unlocked_layers: 0 }, lora()].map(sent);
    assert_eq!(full[0], full[1]);
    assert!(locked[0] < full[0], "{locked:?} {full:?}");
    assert!(adapters[0] < full[0], "{adapters:?} {full:?}");
}
