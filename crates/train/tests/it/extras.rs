//! What is laid over plain training: patience, averages, adapters, augmentation, precision.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use cliptune_experiment::{
    Augment, ColorJitter, Compute, EmaDecay, Fraction, Lora, LoraTarget, Objective, RandomErasing,
    RandomResizedCrop, Seed, Select, TrainPlan, Tune,
};
use cliptune_store::Event;
use cliptune_train::evaluate::Evaluation;
use cliptune_train::fit::Fitted;
use cliptune_train::merit::Merit;
use cliptune_train::tuning::{Tuned, interpolate};
use cliptune_train::{TrainError, tuning};

use crate::support::{Tiny, World, assert_close, difference, generator, go_on, tensors};

/// Ways to train of which each has state of its own, or draws at random.
pub(crate) fn extras() -> Vec<(&'static str, TrainPlan)> {
    let plan = World::new(Objective::Choice).plan;
    let sgd = plan_of(
        r#"{"name": "sgd", "lr": 0.02, "weight_decay": 0, "layer_decay": 0.5, "momentum": 0.9, "nesterov": true}"#,
    );
    vec![
        ("momentum", TrainPlan { optimizer: sgd, ..plan.clone() }),
        ("average", TrainPlan { ema: Some(EmaDecay::try_from(0.6).unwrap()), ..plan.clone() }),
        (
            "adapters",
            TrainPlan { tune: lora(0.5), ema: Some(EmaDecay::try_from(0.6).unwrap()), ..plan.clone() },
        ),
        ("augmented", TrainPlan { augment: Some(augment()), ..plan.clone() }),
        (
            "locked and augmented",
            TrainPlan {
                augment: Some(augment()),
                tune: Tune::LockedImage { unlocked_layers: 0 },
                ..plan.clone()
            },
        ),
        ("accumulated", TrainPlan { accumulate: NonZeroUsize::new(2).unwrap(), ..plan.clone() }),
        (
            "in two passes",
            TrainPlan {
                tune: lora(0.5),
                gradient_cache: Some(2.try_into().unwrap()),
                gradient_checkpointing: true,
                ..plan.clone()
            },
        ),
        (
            "all at once",
            TrainPlan {
                tune: lora(0.5),
                ema: Some(EmaDecay::try_from(0.6).unwrap()),
                augment: Some(augment()),
                accumulate: NonZeroUsize::new(2).unwrap(),
                gradient_cache: Some(2.try_into().unwrap()),
                clip_grad_norm: Some(0.5),
                ..plan.clone()
            },
        ),
        ("bf16", TrainPlan { precision: Compute::Bf16, ..plan }),
    ]
}

fn plan_of(optimizer: &str) -> cliptune_experiment::OptimizerPlan {
    serde_json::from_str(optimizer).unwrap()
}

fn lora(dropout: f64) -> Tune {
    let targets = vec![LoraTarget::Query, LoraTarget::Mlp].into();
    Tune::Lora { lora: Lora { rank: NonZeroUsize::new(2).unwrap(), alpha: 4.0, dropout, targets } }
}

fn augment() -> Augment {
    let half = Fraction::try_from(0.5).unwrap();
    Augment {
        random_resized_crop: Some(RandomResizedCrop { scale: (0.4, 1.0), ratio: (0.75, 1.33) }),
        horizontal_flip: half,
        color_jitter: Some(ColorJitter { brightness: 0.2, contrast: 0.2, saturation: 0.2 }),
        random_erasing: Some(RandomErasing { probability: half, scale: (0.1, 0.3), ratio: (0.5, 2.0) }),
    }
}

fn losses(world: &World) -> Vec<u64> {
    let loss = |event: &Event| match event {
        Event::Step { loss, .. } => Some(loss.to_bits()),
        _ => None,
    };
    world.events().iter().filter_map(loss).collect()
}

#[test]
fn the_same_run_gives_the_same_losses_to_the_last_bit() {
    let mut plans = extras();
    let plain = World::new(Objective::Choice).plan;
    plans.push(("unshuffled", TrainPlan { shuffle: false, ..plain }));
    for (name, plan) in plans {
        let [first, second] = [(); 2].map(|()| {
            let world = World::with(plan.clone());
            world.run(&go_on).unwrap();
            losses(&world)
        });
        assert_eq!(first, second, "{name}");
    }
}

/// A learning rate at which nothing gets better.
fn standing_still(patience: Option<usize>) -> World {
    let mut plan = World::new(Objective::Choice).plan;
    plan.optimizer.lr = 1e-12.try_into().unwrap();
    plan.select = Select::ValidationAccuracy;
    plan.epochs = 6;
    plan.patience = patience.and_then(NonZeroUsize::new);
    World::with(plan)
}

fn epochs(world: &World) -> usize {
    world.events().iter().filter(|event| matches!(event, Event::Epoch { .. })).count()
}

#[test]
fn patience_ends_a_training_that_does_not_get_better() {
    let world = standing_still(Some(2));
    let fitted = world.run(&go_on).unwrap();
    assert!(matches!(fitted, Fitted::Done { best_epoch: 0 }), "{fitted:?}");
    // The model before training, and two epochs.
    assert_eq!(epochs(&world), 3);
    // Continued, it has nothing to do.
    world.run(&go_on).unwrap();
    assert_eq!(epochs(&world), 3);
    let world = standing_still(None);
    world.run(&go_on).unwrap();
    assert_eq!(epochs(&world), 7);
}

#[test]
fn only_adapters_are_in_the_optimiser_and_in_checkpoints() {
    let mut world = World::new(Objective::Choice).tuning(lora(0.0));
    world.plan.ema = Some(EmaDecay::try_from(0.5).unwrap());
    let parameters = world.tiny.parameters();
    world.run_with(&parameters, &go_on).unwrap();
    let mut saved: BTreeSet<String> = tensors(&world.checkpoints().last_file()).into_keys().collect();
    assert!(saved.remove("~crc32c"), "the checksum");
    // Three blocks, three modules each, two matrices each; the matrix, its average and its two moments.
    assert_eq!(saved.len(), 3 * 3 * 2 * 4, "{saved:?}");
    assert!(saved.iter().all(|name| name.contains(".lora_")), "{saved:?}");
    for ((name, before), (_, after)) in world.tiny.parameters().named().zip(parameters.named()) {
        assert_eq!(difference(before, after), 0.0, "{name} moved under its adapters");
        assert!(!after.requires_grad(), "{name}");
    }
}

#[test]
fn adapters_start_as_nothing_and_merged_they_compute_the_same() {
    let tiny = Tiny::load();
    let plan = TrainPlan { tune: lora(0.0), ..tiny.case(Objective::Choice).plan.clone() };
    let parameters = tiny.parameters();
    let tuned = Tuned::new(&parameters, &plan, Seed(0)).unwrap();
    let plain = tiny.encoder(&parameters);
    let adapted = tiny.encoder(&parameters).with_adapters(tuned.adapters());
    let (images, texts) = ([0, 1, 2], [3, 4, 5]);
    // Of an adapted MLP, each operation is one to autograd: the same but for rounding.
    assert_close(&adapted.images(&images).unwrap(), &plain.images(&images).unwrap(), 1e-6, "untrained");
    let generator = generator();
    // Whatever other tests have drawn.
    tch::manual_seed(0);
    for one in tuned.moving() {
        let _guard = tch::no_grad_guard();
        let _ = one.tensor.shallow_clone().uniform_(-0.3, 0.3);
    }
    drop(generator);
    let merged = tuned.evaluated().unwrap();
    let merged = plain.with_weights(&merged);
    for (adapted, merged, before) in [
        (adapted.images(&images), merged.images(&images), plain.images(&images)),
        (adapted.texts(&texts), merged.texts(&texts), plain.texts(&texts)),
    ] {
        let (adapted, merged) = (adapted.unwrap(), merged.unwrap());
        assert_close(&adapted, &merged, 1e-5, "merged");
        assert!(difference(&adapted, &before.unwrap()) > 0.05, "the adapters change nothing");
    }
}

#[test]
fn more_layers_than_there_are_cannot_be_unlocked() {
    let world = World::new(Objective::Choice).tuning(Tune::LockedText { unlocked_layers: 3 });
    let error = world.run(&go_on).unwrap_err();
    assert!(matches!(error, TrainError::UnlockedLayers { unlocked: 3, layers: 2 }), "{error:?}");
    assert_eq!(error.to_string(), "`unlocked_layers: 3`, but the locked tower has 2 blocks");
}

#[test]
fn augmented_images_are_trained_on_and_not_evaluated() {
    let [plain, augmented] = [None, Some(augment())].map(|augment| {
        let world = World::with(TrainPlan { augment, ..World::new(Objective::Choice).plan });
        world.run(&go_on).unwrap();
        world
    });
    let before = |world: &World| match world.events()[0] {
        Event::Epoch { epoch: 0, validation_loss, .. } => validation_loss,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(before(&plain), before(&augmented));
    assert_ne!(losses(&plain)[0], losses(&augmented)[0]);
}

#[test]
fn sixteen_bits_are_close_and_the_weights_keep_thirty_two() {
    let [full, half] = [Compute::Fp32, Compute::Bf16].map(|precision| {
        let world = World::with(TrainPlan { precision, ..World::new(Objective::Choice).plan });
        let parameters = world.tiny.parameters();
        world.run_with(&parameters, &go_on).unwrap();
        assert!(parameters.iter().all(|one| one.tensor.kind() == tch::Kind::Float));
        losses(&world).into_iter().map(f64::from_bits).collect::<Vec<_>>()
    });
    assert_ne!(full, half);
    // bf16 has 8 bits of mantissa, and the logits here reach 7.
    assert!(full.iter().zip(&half).all(|(a, b)| (a - b).abs() < 0.15), "{full:?} {half:?}");
}

#[test]
fn a_point_between_two_models_is_their_mean_and_the_best_one_is_kept() {
    let tiny = Tiny::load();
    let (start, tuned) = (tiny.parameters(), tiny.parameters());
    for (_, tensor) in tuned.named() {
        let _ = tensor.shallow_clone().g_add_scalar_(1.0);
    }
    let alphas = [0.0, 0.25, 0.75, 1.0].map(|alpha| Fraction::try_from(alpha).unwrap());
    let mut told = Vec::new();
    // The best is where logit_scale is nearest to a third of the way, earlier points first at a tie.
    let target = start.tensor("logit_scale").unwrap().double_value(&[]) + 0.5;
    let best = interpolate(
        &start,
        &tuned,
        &alphas,
        |parameters| {
            let loss = (parameters.tensor("logit_scale").unwrap().double_value(&[]) - target).abs();
            Ok(Evaluation { loss: (loss * 100.0).round() / 100.0, accuracy: 0.0 })
        },
        |evaluation| Merit::of(Select::ValidationLoss, evaluation),
        |alpha, evaluation| {
            told.push((alpha.get(), evaluation.loss));
            Ok(())
        },
    )
    .unwrap()
    .unwrap();
    assert_eq!(told, [(0.0, 0.5), (0.25, 0.25), (0.75, 0.25), (1.0, 0.5)]);
    assert_eq!(best.alpha.get(), 0.25);
    for ((name, start), (_, between)) in start.named().zip(best.parameters.named()) {
        assert_close(between, &(start + 0.25), 1e-6, &name);
    }
}

#[test]
fn an_average_starts_at_the_start_and_is_what_is_kept() {
    let mut world = World::new(Objective::Choice);
    world.plan.ema = Some(EmaDecay::try_from(0.999_999).unwrap());
    let parameters = world.tiny.parameters();
    let tuned = tuning::Tuned::new(&parameters, &world.plan, Seed(0)).unwrap();
    world.run_tuned(&tuned, &go_on).unwrap();
    for ((name, start), (_, kept)) in world.tiny.parameters().named().zip(tuned.evaluated().unwrap().named())
    {
        assert_close(start, kept, 1e-6, &name);
    }
    let moved = world.tiny.parameters();
    let moved = moved.named().zip(parameters.named()).any(|((_, a), (_, b))| difference(a, b) > 1e-3);
    assert!(moved, "the weights themselves move");
}
