//! Interrupted and killed runs end with the weights of undisturbed ones.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use cliptune_experiment::{Objective, Seed, Tune};
use cliptune_store::Event;
use cliptune_train::checkpoint::{Position, State};
use cliptune_train::fit::Fitted;
use cliptune_train::optimizer::Optimizer;
use cliptune_train::tuning::Tuned;
use safetensors::SafeTensors;

use crate::extras::extras;
use crate::support::{OBJECTIVES, World, go_on};

/// Steps of the references' plan: two epochs of three.
const STEPS: usize = 6;

/// Stops after some steps of this process.
fn stop_after(steps: usize) -> impl Fn(&Event) -> ControlFlow<()> {
    let left = Cell::new(steps);
    move |_| {
        left.set(left.get() - 1);
        if left.get() == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// All tensors of a file as bytes.
fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let data = fs_err::read(path).unwrap();
    let file = SafeTensors::deserialize(&data).unwrap();
    file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect()
}

/// What a run ended with: the epoch to keep, its weights, and the last weights and moments.
#[derive(PartialEq)]
struct Ended {
    best_epoch: usize,
    best: BTreeMap<String, Vec<u8>>,
    last: BTreeMap<String, Vec<u8>>,
}

fn ended(world: &World, fitted: Fitted) -> Ended {
    let Fitted::Done { best, .. } = fitted else { panic!("{fitted:?}") };
    let checkpoints = world.checkpoints();
    Ended {
        best_epoch: best.epoch,
        best: contents(&checkpoints.best_file(best.epoch)),
        last: contents(&checkpoints.last_file()),
    }
}

fn undisturbed(world: &World) -> (Ended, Curve) {
    let fitted = world.run(&go_on).unwrap();
    (ended(world, fitted), curve(world))
}

/// Losses by step and validation losses by epoch; the bits, because equal runs are equal to the last one.
#[derive(Debug, PartialEq)]
struct Curve {
    steps: BTreeMap<usize, u64>,
    epochs: BTreeMap<usize, u64>,
}

/// As the report reads a log: what was logged again counts the last time.
fn curve(world: &World) -> Curve {
    let mut curve = Curve { steps: BTreeMap::new(), epochs: BTreeMap::new() };
    for event in world.events() {
        match event {
            Event::Step { step, loss, .. } => {
                curve.steps.insert(step, loss.to_bits());
            }
            Event::Epoch { epoch, validation_loss, .. } => {
                curve.epochs.insert(epoch, validation_loss.to_bits());
            }
            _ => {}
        }
    }
    curve
}

#[test]
fn a_run_interrupted_after_any_step_ends_as_an_undisturbed_one() {
    for (objective, name) in OBJECTIVES {
        for tune in [Tune::Full, Tune::LockedImage { unlocked_layers: 0 }] {
            let (expected, expected_curve) = undisturbed(&World::new(objective).tuning(tune));
            for step in 1..=STEPS {
                let world = World::new(objective).tuning(tune);
                let first = world.run(&stop_after(step)).unwrap();
                assert_eq!(first, Fitted::Interrupted);
                assert_eq!(world.events().last(), Some(&Event::Interrupted { step }));
                let fitted = world.run(&go_on).unwrap();
                assert!(ended(&world, fitted) == expected, "{name} {tune:?} interrupted after step {step}");
                assert_eq!(curve(&world), expected_curve, "{name} {tune:?} interrupted after step {step}");
            }
        }
    }
}

#[test]
fn whatever_is_laid_over_training_survives_an_interruption() {
    for (name, plan) in extras() {
        let (expected, expected_curve) = undisturbed(&World::with(plan.clone()));
        for step in expected_curve.steps.keys() {
            let world = World::with(plan.clone());
            assert_eq!(world.run(&stop_after(*step)).unwrap(), Fitted::Interrupted);
            let fitted = world.run(&go_on).unwrap();
            assert!(ended(&world, fitted) == expected, "{name} interrupted after step {step}");
            assert_eq!(curve(&world), expected_curve, "{name} interrupted after step {step}");
        }
    }
}

#[test]
fn a_run_interrupted_after_every_step_ends_as_an_undisturbed_one() {
    let (expected, _) = undisturbed(&World::new(Objective::Choice));
    let world = World::new(Objective::Choice);
    for _ in 0..STEPS {
        assert_eq!(world.run(&stop_after(1)).unwrap(), Fitted::Interrupted);
    }
    let fitted = world.run(&go_on).unwrap();
    assert!(ended(&world, fitted) == expected);
    // No step was taken twice.
    let steps = world.events().iter().filter(|event| matches!(event, Event::Step { .. })).count();
    assert_eq!(steps, STEPS);
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs_err::copy(&path, &target).unwrap();
        }
    }
}

/// What SIGKILL after each step leaves behind: one folder for each step, made while an undisturbed run goes on.
fn killed_after_each_step(world: &World) -> Vec<World> {
    let images: Vec<World> = (0..STEPS).map(|_| World::new(world.plan.objective)).collect();
    let after_step = |event: &Event| {
        let Event::Step { step, .. } = event else { panic!("{event:?}") };
        copy(world.path(), images[step - 1].path());
        ControlFlow::Continue(())
    };
    world.run(&after_step).unwrap();
    images
}

#[test]
fn a_run_killed_after_any_step_ends_as_an_undisturbed_one() {
    for (objective, name) in OBJECTIVES {
        let (expected, expected_curve) = undisturbed(&World::new(objective));
        for (index, world) in killed_after_each_step(&World::new(objective)).iter().enumerate() {
            // The log is ahead of the checkpoint: those steps are taken again.
            let logged = curve(world).steps.len();
            assert_eq!(logged, index + 1);
            let fitted = world.run(&go_on).unwrap();
            assert!(ended(world, fitted) == expected, "{name} killed after step {logged}");
            assert_eq!(curve(world), expected_curve, "{name} killed after step {logged}");
        }
    }
}

#[test]
fn a_run_killed_between_evaluating_an_epoch_and_saving_its_position_ends_as_an_undisturbed_one() {
    for (objective, name) in OBJECTIVES {
        let (expected, expected_curve) = undisturbed(&World::new(objective));
        let images = killed_after_each_step(&World::new(objective));
        // All of the first epoch's end (its event, its weights if they were the best) but the position, which is
        // still the one before: none, or step 2 of an interrupted run.
        for interrupted in [false, true] {
            let world = World::new(objective);
            if interrupted {
                assert_eq!(world.run(&stop_after(2)).unwrap(), Fitted::Interrupted);
            }
            let position = world.checkpoints().last_file();
            let before = interrupted.then(|| fs_err::read(&position).unwrap());
            copy(images[3].path(), world.path());
            match before {
                Some(before) => fs_err::write(&position, before).unwrap(),
                None => fs_err::remove_file(&position).unwrap(),
            }
            let fitted = world.run(&go_on).unwrap();
            assert!(ended(&world, fitted) == expected, "{name}");
            assert_eq!(curve(&world), expected_curve, "{name}");
        }
    }
}

#[test]
fn the_weights_of_a_better_epoch_do_not_replace_those_that_the_position_names() {
    let world = World::new(Objective::Choice);
    let (parameters, checkpoints) = (world.tiny.parameters(), world.checkpoints());
    let tuned = Tuned::new(&parameters, &world.plan, Seed(0)).unwrap();
    let optimizer = Optimizer::new(&[], world.plan.optimizer).unwrap();
    let state = State::new(&tuned, &optimizer);
    let best = |epoch| Some(cliptune_train::checkpoint::Best { epoch, merit: 0.5 });
    let files = || [0, 4].map(|epoch| checkpoints.best_file(epoch).exists());
    checkpoints.save_best(&tuned, 0).unwrap();
    checkpoints.save_last(&state, &Position { best: best(0), ..Position::default() }).unwrap();
    // A crash here continues from a position whose best epoch is 0.
    checkpoints.save_best(&tuned, 4).unwrap();
    assert_eq!(files(), [true, true]);
    checkpoints.save_last(&state, &Position { best: best(4), ..Position::default() }).unwrap();
    assert_eq!(files(), [false, true]);
}
