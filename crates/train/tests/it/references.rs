//! Every way to tune against PyTorch: the cases of `scripts/references/tuning.py`.

use std::collections::BTreeMap;

use cliptune_experiment::TrainPlan;
use cliptune_store::Event;
use cliptune_train::model::Parameters;
use cliptune_train::tuning::Tuned;
use serde::Deserialize;
use tch::Tensor;

use crate::support::{World, go_on, reference};

/// Of losses, which lie between 0 and 9.
const LOSS_TOLERANCE: f64 = 1e-5;
/// Of gradient norms, relative to them.
const NORM_TOLERANCE: f64 = 1e-4;
/// Of the mean and the root mean square of how far a weight moved, relative to the latter.
const MOVED_TOLERANCE: f64 = 2e-3;
/// Below this a weight has not moved: what an Adam makes of a gradient that is only rounding.
const NOTHING: f64 = 1e-7;

/// What PyTorch computed for one plan.
#[derive(Deserialize)]
struct Case {
    plan: TrainPlan,
    steps: Vec<Step>,
    validation_loss: f64,
    /// The mean and the root mean square of how far each weight moved.
    moved: BTreeMap<String, (f64, f64)>,
}

#[derive(Deserialize)]
struct Step {
    loss: f64,
    learning_rate: f64,
    grad_norm: f64,
}

fn cases() -> BTreeMap<String, Case> {
    serde_json::from_slice(&fs_err::read(reference("train", "tuning.json")).unwrap()).unwrap()
}

fn assert_steps(name: &str, events: &[Event], case: &Case) {
    let steps: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::Step { .. })).collect();
    assert_eq!(steps.len(), case.steps.len(), "{name}");
    for (event, expected) in steps.into_iter().zip(&case.steps) {
        let Event::Step { loss, learning_rate, grad_norm, .. } = event else { panic!("{event:?}") };
        assert!((loss - expected.loss).abs() < LOSS_TOLERANCE, "{name}: {event:?} {}", expected.loss);
        assert!((learning_rate / expected.learning_rate - 1.0).abs() < 1e-8, "{name}: {event:?}");
        // A batch without negatives has no gradient at all.
        let off = (grad_norm - expected.grad_norm).abs();
        assert!(off <= NORM_TOLERANCE * expected.grad_norm, "{name}: {event:?} {}", expected.grad_norm);
    }
}

fn assert_moved(name: &str, before: &Parameters, after: &Parameters, case: &Case) {
    for ((weight, before), (_, after)) in before.named().zip(after.named()) {
        // Keys' biases have no gradient but rounding, which the Adams scale up; it changes no loss.
        if weight.ends_with("k_proj.bias") {
            continue;
        }
        let by = (after - before).to_kind(tch::Kind::Double);
        let (mean, size) = (by.mean(tch::Kind::Double), by.square().mean(tch::Kind::Double).sqrt());
        let (expected_mean, expected_size) = case.moved[&weight];
        let tolerance = MOVED_TOLERANCE * expected_size + NOTHING;
        let off = (mean.double_value(&[]) - expected_mean)
            .abs()
            .max((size.double_value(&[]) - expected_size).abs());
        assert!(off <= tolerance, "{name}: {weight} moved by {size}, not {expected_size} ({off:e})");
        assert_eq!(expected_size == 0.0, size.double_value(&[]) == 0.0, "{name}: {weight}");
    }
}

/// Adapters and their averages as the references have them: other numbers than those that are drawn, and the same in
/// both languages.
fn set_adapters(tuned: &Tuned<'_>) {
    let _guard = tch::no_grad_guard();
    let moving = tuned.moving().into_iter().map(|one| (one.spec.name.clone(), &one.tensor));
    for (_, tensor) in moving.chain(tuned.kept()).filter(|(name, _)| name.contains("lora_A")) {
        let values: Vec<f32> = (0..tensor.numel()).map(|n| 0.3 * ((7 * n + 1) as f32).sin()).collect();
        tensor.shallow_clone().copy_(&Tensor::from_slice(&values).view_as(tensor));
    }
}

#[test]
fn every_way_to_tune_takes_the_steps_of_pytorch() {
    for (name, case) in cases() {
        let world = World::with(case.plan.clone());
        let parameters = world.tiny.parameters();
        let tuned = Tuned::new(&parameters, &case.plan, world.tiny.cases.seed).unwrap();
        set_adapters(&tuned);
        world.run_tuned(&tuned, &go_on).unwrap();
        let events = world.events();
        assert_steps(&name, &events, &case);
        let last = events.iter().rev().find_map(|event| match event {
            Event::Epoch { validation_loss, .. } => Some(*validation_loss),
            _ => None,
        });
        assert!((last.unwrap() - case.validation_loss).abs() < LOSS_TOLERANCE, "{name}: {last:?}");
        assert_moved(&name, &world.tiny.parameters(), &tuned.evaluated().unwrap(), &case);
    }
}
