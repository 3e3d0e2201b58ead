//! Whole trainings by several processes.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_experiment::{EmaDecay, Objective, TrainPlan, Tune};
use cliptune_store::Event;
use cliptune_train::TrainError;
use cliptune_train::data::ImageBank;
use cliptune_train::fit::Fitted;
use cliptune_train::group::{ALONE, Group};
use cliptune_train::model::{Parameter, Parameters};
use cliptune_train::tuning::Tuned;
use tch::Tensor;

use super::{OBJECTIVES, WORLDS, flips, lora, passes, together};
use crate::support::{World, generator, go_on, item_image, tensors};

/// Of losses after some steps, of those above 1 relative to them. Rounding in the first step moves the weights of the
/// next.
const LOSS_TOLERANCE: f64 = 1e-4;

/// What a process has seen of a training.
#[derive(Debug, PartialEq)]
struct Curve {
    /// The bits of each step's loss.
    losses: Vec<u64>,
    /// The bits of each epoch's validation loss and accuracy.
    validation: Vec<[u64; 2]>,
}

fn curve(world: &World) -> Curve {
    let mut curve = Curve { losses: Vec::new(), validation: Vec::new() };
    for event in world.events() {
        match event {
            Event::Step { loss, .. } => curve.losses.push(loss.to_bits()),
            Event::Epoch { validation_loss, validation_accuracy, .. } => {
                curve.validation.push([validation_loss.to_bits(), validation_accuracy.to_bits()]);
            }
            _ => {}
        }
    }
    curve
}

fn assert_close_curves(found: &Curve, expected: &Curve, what: &str) {
    assert_eq!(found.losses.len(), expected.losses.len(), "{what}");
    assert_eq!(found.validation.len(), expected.validation.len(), "{what}");
    let numbers = |curve: &Curve| -> Vec<f64> {
        let validation = curve.validation.iter().map(|[loss, _]| loss);
        curve.losses.iter().chain(validation).map(|&bits| f64::from_bits(bits)).collect()
    };
    for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
        let tolerance = LOSS_TOLERANCE * expected.abs().max(1.0);
        assert!((found - expected).abs() < tolerance, "{what}: {found} instead of {expected}");
    }
}

/// The bits of everything that a run would continue from.
fn state(world: &World) -> BTreeMap<String, Vec<u32>> {
    let bits = |tensor: Tensor| -> Vec<u32> {
        let values: Vec<f32> = Vec::try_from(tensor.flatten(0, -1)).unwrap();
        values.into_iter().map(f32::to_bits).collect()
    };
    let mut saved = tensors(&world.checkpoints().last_file());
    assert!(saved.remove("~crc32c").is_some(), "the checksum");
    saved.into_iter().map(|(name, tensor)| (name, bits(tensor))).collect()
}

/// Takes part in a training from whatever is in the world's folder.
fn take_part(
    world: &World,
    group: &Group,
    after_step: &dyn Fn(&Event) -> ControlFlow<()>,
) -> Result<Fitted, TrainError> {
    let tiny = &world.tiny;
    let parameters = tiny.parameters().with_token_rows(world.plan.tune, &tiny.texts.ids())?;
    let tuned = Tuned::new(&parameters, &world.plan, tiny.cases.seed)?;
    world.run_in(group, &tuned, after_step)
}

/// Trains to the end on so many processes, and returns what each of them has seen and would continue from.
fn trained(plan: &TrainPlan, world: usize) -> Vec<(Curve, BTreeMap<String, Vec<u32>>)> {
    together(world, |group| {
        let world = World::with(plan.clone());
        take_part(&world, group, &go_on).unwrap();
        (curve(&world), state(&world))
    })
}

/// Trainings that keep something of their own between steps, or compute steps in another way.
fn trainings() -> Vec<(&'static str, TrainPlan)> {
    let plain = World::new(Objective::Choice).plan;
    let two = NonZeroUsize::new(2).unwrap();
    vec![
        ("choice", plain.clone()),
        ("contrastive", World::new(Objective::Contrastive).plan),
        ("both", TrainPlan { objective: OBJECTIVES[2], ..plain.clone() }),
        ("sigmoid", TrainPlan { objective: Objective::Sigmoid, ..World::new(Objective::Contrastive).plan }),
        ("accumulated", TrainPlan { accumulate: two, ..plain.clone() }),
        (
            "in two passes",
            TrainPlan {
                gradient_cache: Some(2.try_into().unwrap()),
                gradient_checkpointing: true,
                ..plain.clone()
            },
        ),
        ("average", TrainPlan { ema: Some(EmaDecay::try_from(0.6).unwrap()), ..plain.clone() }),
        ("adapters", TrainPlan { tune: lora(), ..plain.clone() }),
        ("locked image", TrainPlan { tune: Tune::LockedImage { unlocked_layers: 0 }, ..plain.clone() }),
        ("locked text", TrainPlan { tune: Tune::LockedText { unlocked_layers: 1 }, ..plain.clone() }),
        ("augmented", TrainPlan { augment: Some(flips()), ..plain }),
    ]
}

#[test]
fn a_training_has_the_same_losses_on_any_number_of_processes() {
    let _generator = generator();
    for (name, plan) in trainings() {
        let alone = trained(&plan, 1);
        for world in WORLDS {
            let all = trained(&plan, world);
            assert_close_curves(&all[0].0, &alone[0].0, &format!("{name} on {world}"));
            for (rank, one) in all.iter().enumerate() {
                assert!(*one == all[0], "{name}: process {rank} of {world} has other bits than the first");
            }
        }
    }
}

#[test]
fn the_same_number_of_processes_has_the_same_bits_again() {
    let _generator = generator();
    for (name, plan) in trainings() {
        assert!(trained(&plan, 3) == trained(&plan, 3), "{name}");
    }
}

#[test]
fn one_process_that_joined_a_group_of_its_own_is_alone() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    let world = World::with(plan.clone());
    take_part(&world, &ALONE, &go_on).unwrap();
    assert!(trained(&plan, 1) == [(curve(&world), state(&world))]);
    assert!(together(1, Group::is_alone)[0]);
}

#[test]
fn all_processes_begin_with_the_weights_of_the_first() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    let all = together(2, |group| {
        let world = World::with(plan.clone());
        let parameters = world.tiny.parameters();
        if !group.is_leader() {
            parameters.iter().for_each(spoil);
        }
        let tuned = Tuned::new(&parameters, &plan, world.tiny.cases.seed).unwrap();
        world.run_in(group, &tuned, &go_on).unwrap();
        state(&world)
    });
    assert!(all[0] == all[1]);
}

fn spoil(one: &Parameter) {
    let _guard = tch::no_grad_guard();
    let _ = one.tensor.shallow_clone().g_mul_scalar_(0.5);
}

/// Stops after some steps of this process, or never.
fn stop_after(steps: Option<usize>) -> impl Fn(&Event) -> ControlFlow<()> {
    let seen = Cell::new(0);
    move |_| {
        seen.set(seen.get() + 1);
        if Some(seen.get()) == steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn an_interrupt_of_one_process_stops_all_in_the_same_step() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    // Two epochs of three steps: the others hear of it with the next step, or at the end of the epoch.
    for (interrupted, expected) in [(1, 2), (2, 3), (3, 3), (4, 5), (5, 6), (6, 6)] {
        let ends = together(3, |group| {
            let world = World::with(plan.clone());
            let stop = stop_after((group.rank() == 1).then_some(interrupted));
            let fitted = take_part(&world, group, &stop).unwrap();
            (fitted, world.events().pop())
        });
        for end in ends {
            assert_eq!(end, (Fitted::Interrupted, Some(Event::Interrupted { step: expected })));
        }
    }
}

#[test]
fn a_run_that_is_interrupted_on_four_processes_goes_on_with_two_and_with_one() {
    let _generator = generator();
    let plan = World::new(Objective::Contrastive).plan;
    let alone = trained(&plan, 1);
    for rest in [1, 2] {
        let worlds: Vec<World> = (0..4).map(|_| World::with(plan.clone())).collect();
        let go = |processes: usize, stop: Option<usize>| {
            together(processes, |group| take_part(&worlds[group.rank()], group, &stop_after(stop)).unwrap())
        };
        assert_eq!(go(4, Some(1)), [Fitted::Interrupted; 4]);
        assert!(go(rest, None).iter().all(|fitted| matches!(fitted, Fitted::Done { .. })));
        assert_close_curves(&curve(&worlds[0]), &alone[0].0, &format!("on {rest}"));
    }
}

/// Weights of which those of one process compute NaN. The tower is locked, so that no process takes them over.
fn locked_to_nan(world: &World, spoilt: bool) -> Parameters {
    let parameters = world.tiny.parameters();
    if spoilt {
        let _ = parameters.tensor("visual_projection.weight").unwrap().shallow_clone().fill_(f64::NAN);
    }
    parameters
}

#[test]
fn a_loss_that_is_not_a_number_on_one_process_ends_all_in_the_same_step() {
    let _generator = generator();
    let plain = World::new(Objective::Choice).plan;
    // Images that are changed at random are encoded anew in each step.
    let tune = Tune::LockedImage { unlocked_layers: 0 };
    let plan = TrainPlan { tune, augment: Some(flips()), ..plain };
    for (_, plan) in passes(&plan) {
        let ends = together(3, |group| {
            let world = World::with(plan.clone());
            let parameters = locked_to_nan(&world, group.rank() == 2);
            let tuned = Tuned::new(&parameters, &plan, world.tiny.cases.seed).unwrap();
            world.run_in(group, &tuned, &go_on).map_err(|error| error.to_string())
        });
        let expected = "the loss became NaN at step 1 (epoch 1) because of what rank 2 computed".to_owned();
        assert!(ends.iter().all(|end| *end == Err(expected.clone())), "{ends:?}");
    }
}

#[test]
fn a_loss_that_is_not_a_number_on_every_process_is_no_fault_of_one() {
    let _generator = generator();
    let plain = World::new(Objective::Choice).plan;
    let tune = Tune::LockedImage { unlocked_layers: 0 };
    let plan = TrainPlan { tune, augment: Some(flips()), ..plain };
    let ends = together(2, |group| {
        let world = World::with(plan.clone());
        let parameters = locked_to_nan(&world, true);
        let tuned = Tuned::new(&parameters, &plan, world.tiny.cases.seed).unwrap();
        world.run_in(group, &tuned, &go_on).map_err(|error| error.to_string())
    });
    let expected = "the loss became NaN at step 1 (epoch 1)".to_owned();
    assert!(ends.iter().all(|end| *end == Err(expected.clone())), "{ends:?}");
}

/// Images in the folder of a world that are none.
fn no_images(world: &World) -> ImageBank {
    let no_image = |number: usize| {
        let file = world.path().join(format!("{number}.png"));
        fs_err::write(&file, "no image").unwrap();
        item_image(file)
    };
    let preprocessor = Preprocessor::openai(world.tiny.config.vision.image_size as u32, Fit::Crop);
    ImageBank::new(preprocessor, (0..world.tiny.images.len()).map(no_image).collect(), None)
}

#[test]
fn images_that_one_process_cannot_read_end_the_training_of_all() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    let ends = together(3, |group| {
        let mut world = World::with(plan.clone());
        if group.rank() == 1 {
            world.tiny.images = no_images(&world);
        }
        take_part(&world, group, &go_on).unwrap_err()
    });
    for (rank, end) in ends.iter().enumerate() {
        match rank {
            1 => assert!(matches!(end, TrainError::Image(_)), "{end:?}"),
            _ => assert!(matches!(end, TrainError::Lost(_)), "{end:?}"),
        }
    }
}

#[test]
fn a_process_that_would_never_have_anything_to_do_is_refused() {
    let plan = TrainPlan { batch_size: 3.try_into().unwrap(), ..World::new(Objective::Choice).plan };
    let ends = together(4, |group| take_part(&World::with(plan.clone()), group, &go_on));
    for end in ends {
        let error = end.unwrap_err();
        assert!(matches!(error, TrainError::WorldTooLarge { world: 4, batch: 3 }), "{error:?}");
        assert_eq!(error.to_string(), "4 processes cannot share batches of 3 items");
    }
}
