//! Whole trainings against a loop in PyTorch: `torch.optim.AdamW`, `clip_grad_norm_` and open_clip's schedule.

use cliptune_clip::names;
use cliptune_experiment::Objective;
use cliptune_store::Event;
use cliptune_train::TrainError;
use cliptune_train::data::{Arrangement, epoch_batches, evaluation_batches};

use crate::support::{
    OBJECTIVES, ObjectiveCase, StepCase, Tiny, World, assert_close, go_on, reference, tensors,
};

/// Of losses, which lie between 0 and 4.
const LOSS_TOLERANCE: f64 = 1e-5;
/// Of weights, which lie around 1 and were moved by up to 2e-3 a step.
const WEIGHT_TOLERANCE: f64 = 1e-5;
/// Of keys' biases. Their gradient is nothing but rounding (a constant added to all keys of a query leaves its softmax
/// as it is), and AdamW scales it up; whatever comes out changes no loss.
const KEY_BIAS_TOLERANCE: f64 = 1e-3;
/// Of gradient norms, relative to them.
const NORM_TOLERANCE: f64 = 1e-4;

#[test]
fn the_order_of_the_data_is_the_one_that_the_references_were_made_with() {
    let tiny = Tiny::load();
    for (objective, name) in OBJECTIVES {
        let case = tiny.case(objective);
        let (arrangement, size) = (Arrangement::of(objective), case.plan.batch_size);
        let epoch = |number| epoch_batches(&tiny.train, arrangement, size, tiny.cases.seed, number);
        let expected: Vec<_> = case.steps.iter().map(|step| step.batch.clone()).collect();
        assert_eq!([epoch(1), epoch(2)].concat(), expected, "{name}");
        let evaluated = evaluation_batches(&tiny.validation, arrangement, size);
        assert!(case.validation.iter().all(|epoch| epoch.batches == evaluated), "{name}: {evaluated:?}");
    }
}

fn assert_step(event: &Event, number: usize, expected: &StepCase, name: &str) {
    let Event::Step { step, loss, learning_rate, grad_norm, logit_scale, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(*step, number, "{name}");
    assert!((loss - expected.loss).abs() < LOSS_TOLERANCE, "{name}: {event:?}");
    assert!((learning_rate / expected.learning_rate - 1.0).abs() < 1e-12, "{name}: {event:?}");
    // A batch without negatives has no gradient at all.
    let off = (grad_norm - expected.grad_norm).abs();
    assert!(off <= NORM_TOLERANCE * expected.grad_norm, "{name}: {event:?}");
    assert!((logit_scale / expected.logit_scale - 1.0).abs() < 1e-5, "{name}: {event:?}");
}

fn assert_epochs(events: &[Event], case: &ObjectiveCase, name: &str) {
    let epochs: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Epoch { validation_loss, validation_accuracy, .. } => {
                Some((validation_loss, validation_accuracy))
            }
            _ => None,
        })
        .collect();
    assert_eq!(epochs.len(), case.validation.len(), "{name}");
    for (number, ((loss, accuracy), expected)) in epochs.into_iter().zip(&case.validation).enumerate() {
        assert!((loss - expected.loss).abs() < LOSS_TOLERANCE, "{name} epoch {number}: {loss}");
        assert_eq!(*accuracy, expected.accuracy, "{name} epoch {number}");
    }
}

#[test]
fn two_epochs_of_full_tuning_take_the_steps_of_pytorch() {
    // Clipped and unclipped steps, warm-up, the peak and the cosine after it, batches of four and of two.
    for (objective, name) in OBJECTIVES {
        let world = World::new(objective);
        // All rows of the token embedding, as PyTorch has them.
        world.run_with(&world.tiny.parameters(), &go_on).unwrap();
        let (events, case) = (world.events(), world.tiny.case(objective));
        let steps: Vec<_> = events.iter().filter(|event| matches!(event, Event::Step { .. })).collect();
        assert_eq!(steps.len(), case.steps.len(), "{name}");
        for (number, (event, expected)) in steps.into_iter().zip(&case.steps).enumerate() {
            assert_step(event, number + 1, expected, name);
        }
        assert_epochs(&events, case, name);
        let expected = tensors(&reference("train", &format!("{name}-trained.safetensors")));
        let trained = tensors(&world.checkpoints().last_file());
        for (weight, expected) in &expected {
            let tolerance =
                if weight.ends_with("k_proj.bias") { KEY_BIAS_TOLERANCE } else { WEIGHT_TOLERANCE };
            assert_close(&trained[weight], expected, tolerance, &format!("{name} {weight}"));
        }
    }
}

#[test]
fn logit_scale_never_exceeds_the_logarithm_of_one_hundred() {
    let world = World::new(Objective::Choice);
    let parameters = world.tiny.parameters();
    let _ = parameters.tensor(names::LOGIT_SCALE).unwrap().shallow_clone().fill_(5.0);
    world.run_with(&parameters, &go_on).unwrap();
    let scales: Vec<f64> = world
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Step { logit_scale, .. } => Some(*logit_scale),
            _ => None,
        })
        .collect();
    // It started at e^5 = 148.
    assert!((scales[0] - 100.0).abs() < 1e-3, "{scales:?}");
    assert!(scales.iter().all(|&scale| scale < 100.001), "{scales:?}");
}

#[test]
fn a_loss_that_is_not_a_number_ends_the_run_and_says_when() {
    let world = World::new(Objective::Choice);
    let parameters = world.tiny.parameters();
    let _ = parameters.tensor("visual_projection.weight").unwrap().shallow_clone().fill_(f64::NAN);
    let error = world.run_with(&parameters, &go_on).unwrap_err();
    let TrainError::Diverged(divergence) = &error else { panic!("{error:?}") };
    assert_eq!((divergence.step, divergence.epoch), (1, 1));
    assert_eq!(divergence.batch, world.tiny.case(Objective::Choice).steps[0].batch);
    assert_eq!(error.to_string(), "the loss became NaN at step 1 (epoch 1)");
}
