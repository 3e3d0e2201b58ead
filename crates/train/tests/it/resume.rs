//! Interrupted and killed runs end with the weights of undisturbed ones.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cliptune_experiment::{Objective, Tune};
use cliptune_store::Event;
use cliptune_train::fit::Fitted;
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

/// All tensors of a file as bytes. Its checksum is over its position, too, which says where the log is.
fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let data = fs_err::read(path).unwrap();
    let file = SafeTensors::deserialize(&data).unwrap();
    let tensors = file.iter().filter(|(name, _)| *name != "~crc32c");
    tensors.map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect()
}

/// What a run ended with: the epoch to keep, its weights, and the last weights and moments.
#[derive(PartialEq)]
struct Ended {
    best_epoch: usize,
    best: BTreeMap<String, Vec<u8>>,
    last: BTreeMap<String, Vec<u8>>,
}

fn ended(world: &World, fitted: Fitted) -> Ended {
    let Fitted::Done { best_epoch } = fitted else { panic!("{fitted:?}") };
    let checkpoints = world.checkpoints();
    // Epoch 0 is the model that the run has started from.
    let weights = (best_epoch > 0).then(|| contents(&checkpoints.best_file(best_epoch)));
    Ended { best_epoch, best: weights.unwrap_or_default(), last: contents(&checkpoints.last_file()) }
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

/// The files of a folder, each with what tells it from one that has been put in its place.
fn listing(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut files = BTreeMap::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            files.extend(listing(&entry.path()));
        // What is being written is gone or has another name the next moment.
        } else if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.extend(entry.metadata().map(|about| (entry.path(), about.ino())));
        }
    }
    files
}

/// Copies a folder as it is at one moment, whatever another thread writes into it meanwhile.
fn copy(from: &Path, to: &Path) {
    loop {
        let before = listing(from);
        let copied: Result<BTreeMap<PathBuf, Vec<u8>>, _> =
            before.keys().map(|path| fs_err::read(path).map(|data| (path.clone(), data))).collect();
        if let Ok(files) = copied
            && listing(from) == before
        {
            for (path, data) in files {
                let target = to.join(path.strip_prefix(from).unwrap());
                fs_err::create_dir_all(target.parent().unwrap()).unwrap();
                fs_err::write(target, data).unwrap();
            }
            return;
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
        // The more often it is saved, the more places there are to go on from; 100 is never.
        for every in [1, 2, 4, 100] {
            let images = killed_after_each_step(&World::new(objective).saving_every(every));
            for (index, world) in images.iter().enumerate() {
                // The log is ahead of the checkpoint: those steps are taken again.
                let logged = curve(world).steps.len();
                assert_eq!(logged, index + 1);
                let fitted = world.run(&go_on).unwrap();
                let what = format!("{name}, saved every {every} steps, killed after step {logged}");
                assert!(ended(world, fitted) == expected, "{what}");
                assert_eq!(curve(world), expected_curve, "{what}");
            }
        }
    }
}

#[test]
fn a_run_killed_between_the_two_files_of_a_checkpoint_ends_as_an_undisturbed_one() {
    for (objective, name) in OBJECTIVES {
        let (expected, expected_curve) = undisturbed(&World::new(objective));
        let later = World::new(objective);
        assert_eq!(later.run(&stop_after(4)).unwrap(), Fitted::Interrupted);
        // All of the first epoch's end (its event, its weights if they were the best) but the position, which is
        // still the one before: none, or step 2 of an interrupted run.
        for interrupted in [false, true] {
            let world = World::new(objective);
            if interrupted {
                assert_eq!(world.run(&stop_after(2)).unwrap(), Fitted::Interrupted);
            }
            let position = world.checkpoints().last_file();
            let before = interrupted.then(|| fs_err::read(&position).unwrap());
            copy(later.path(), world.path());
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
