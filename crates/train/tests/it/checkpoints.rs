//! When checkpoints are taken, and what a disk that cannot hold them costs.

use std::path::{Path, PathBuf};
use std::process::Command;

use cliptune_experiment::{CheckpointInterval, Objective, Select};
use cliptune_terminal::Printer;
use cliptune_train::checkpoint::{Best, Checkpoints, Position, Saver, Snapshot, State};
use cliptune_train::evaluate::Evaluation;
use cliptune_train::merit::Merit;
use cliptune_train::optimizer::Optimizer;
use cliptune_train::tuning::Tuned;

use crate::support::World;

/// A run that is being saved.
struct Saved {
    world: World,
    tuned: Tuned<'static>,
    optimizer: Optimizer,
    printer: Printer,
    events: PathBuf,
}

impl Saved {
    fn new() -> Self {
        let world = World::new(Objective::Choice);
        // What is tuned borrows its weights, and both have to stand in one struct.
        let parameters = Box::leak(Box::new(world.tiny.parameters()));
        let tuned = Tuned::new(parameters, &world.plan, world.tiny.cases.seed).unwrap();
        let optimizer = Optimizer::new(&tuned.moving(), world.plan.optimizer).unwrap();
        let events = world.events_file();
        fs_err::write(&events, "").unwrap();
        Self { world, tuned, optimizer, printer: Printer::new(true, false), events }
    }

    fn saver(&self, every: usize) -> Saver<'_> {
        let interval = CheckpointInterval::EverySteps(every.try_into().unwrap());
        let checkpoints = self.world.checkpoints();
        Saver::new(checkpoints, interval, &self.events, 0, &self.printer)
    }

    fn state(&self) -> State<'_> {
        State::new(&self.tuned, &self.optimizer)
    }

    /// The step of the newest checkpoint.
    fn saved_step(&self) -> Option<usize> {
        self.world.checkpoints().resume(&self.state(), |_| true).unwrap().map(|position| position.steps)
    }

    fn fill(&self, value: f64) {
        for one in self.tuned.moving() {
            let _ = one.tensor.detach().fill_(value);
        }
    }

    fn filled_with(&self) -> f64 {
        self.tuned.parameters().tensor("logit_scale").unwrap().double_value(&[])
    }
}

fn merit() -> Merit {
    Merit::of(Select::ValidationAccuracy, Evaluation { loss: 1.0, accuracy: 0.5 })
}

fn at(steps: usize) -> Position {
    Position { steps, best: Some(Best { epoch: 0, merit: merit() }), ..Position::default() }
}

#[test]
fn a_checkpoint_is_taken_when_it_is_due() {
    let saved = Saved::new();
    let mut saver = saved.saver(3);
    let mut newest = Vec::new();
    for step in 1..=7 {
        saver.offer(&saved.state(), &at(step));
        // Waits for the writer.
        saver.restore_best(0, &saved.tuned).unwrap_err();
        newest.push(saved.saved_step());
    }
    assert_eq!(newest, [None, None, Some(3), Some(3), Some(3), Some(6), Some(6)]);
}

#[test]
fn a_process_that_helps_another_one_takes_no_checkpoints() {
    let saved = Saved::new();
    let interval = CheckpointInterval::EverySteps(1_usize.try_into().unwrap());
    let mut saver = Saver::without_files(interval, &saved.printer);
    saver.keep_best(&saved.tuned, 1).unwrap();
    saver.offer(&saved.state(), &at(1));
    assert!(saver.save(&saved.state(), &at(2)));
    assert_eq!(saver.save_to_stop(&saved.state(), &at(3)), None);
    drop(saver);
    assert_eq!(saved.saved_step(), None);
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn training_goes_on_while_a_checkpoint_is_being_written() {
    let saved = Saved::new();
    // The writer makes the log durable first. Opening this one waits until somebody writes to it.
    fs_err::remove_file(&saved.events).unwrap();
    make_fifo(&saved.events);
    let mut saver = saved.saver(1);
    for step in 1..=100 {
        // All but the first find the writer busy and are left out: none waits for it.
        saver.offer(&saved.state(), &at(step));
    }
    assert_eq!(saved.saved_step(), None);
    drop(fs_err::OpenOptions::new().write(true).open(&saved.events).unwrap());
    // A pipe cannot be made durable, so that the first one fails. The next one is tried all the same.
    fs_err::remove_file(&saved.events).unwrap();
    fs_err::write(&saved.events, "").unwrap();
    assert!(saver.save(&saved.state(), &at(101)));
    assert_eq!(saved.saved_step(), Some(101));
}

#[test]
fn a_checkpoint_whose_best_epoch_is_damaged_or_missing_is_refused_and_nothing_is_loaded() {
    let saved = Saved::new();
    let checkpoints = saved.world.checkpoints();
    saved.fill(1.0);
    let kept = Snapshot::of(saved.tuned.kept().into_iter()).unwrap();
    checkpoints.save_best(&kept, 2).unwrap();
    let position =
        Position { steps: 7, best: Some(Best { epoch: 2, merit: merit() }), ..Position::default() };
    checkpoints.save_last(&saved.state().snapshot().unwrap(), &position).unwrap();
    assert_eq!(saved.saved_step(), Some(7));
    saved.fill(2.0);
    let best = checkpoints.best_file(2);
    let mut bytes = fs_err::read(&best).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&best, bytes).unwrap();
    let refused = || {
        let error = checkpoints.resume(&saved.state(), |_| true).unwrap_err();
        cliptune_terminal::format::in_one_line(&error)
    };
    assert!(refused().contains("best-2.safetensors: it was changed after it was written"), "{}", refused());
    fs_err::remove_file(&best).unwrap();
    assert!(refused().contains("cannot continue from the checkpoint"), "{}", refused());
    assert_eq!(saved.filled_with(), 2.0);
    checkpoints.clear().unwrap();
    assert_eq!(saved.saved_step(), None);
}

#[test]
fn steps_change_nothing_of_a_checkpoint_that_was_taken_before() {
    let saved = Saved::new();
    saved.fill(1.0);
    let snapshot = saved.state().snapshot().unwrap();
    saved.fill(2.0);
    saved.world.checkpoints().save_last(&snapshot, &at(1)).unwrap();
    assert_eq!(saved.saved_step(), Some(1));
    assert_eq!(saved.filled_with(), 1.0);
}

#[test]
fn the_best_weights_are_kept_until_they_are_in_a_file() {
    let saved = Saved::new();
    let mut saver = saved.saver(1);
    saved.fill(1.0);
    saver.keep_best(&saved.tuned, 0).unwrap();
    // A folder that is gone is as bad as a disk that is full.
    let folder = saved.world.path().join("checkpoint");
    fs_err::remove_dir(&folder).unwrap();
    saved.fill(2.0);
    assert!(!saver.save(&saved.state(), &at(1)));
    saver.restore_best(0, &saved.tuned).unwrap();
    assert_eq!(saved.filled_with(), 1.0);
    fs_err::create_dir(&folder).unwrap();
    saved.fill(3.0);
    assert!(saver.save(&saved.state(), &at(2)));
    saver.restore_best(0, &saved.tuned).unwrap();
    assert_eq!(saved.filled_with(), 1.0);
    let best = saved.world.checkpoints().best_file(0);
    fs_err::remove_file(best).unwrap();
    saver.restore_best(0, &saved.tuned).expect_err("it is in the file alone");
}

#[test]
fn a_stop_that_cannot_be_saved_is_told_though_another_checkpoint_has_failed_before() {
    let saved = Saved::new();
    let mut saver = saved.saver(1);
    // A folder that is gone is as bad as a disk that is full.
    let folder = saved.world.path().join("checkpoint");
    fs_err::remove_dir(&folder).unwrap();
    assert!(!saver.save(&saved.state(), &at(4)));
    let told = saver.save_to_stop(&saved.state(), &at(5)).unwrap();
    assert!(
        told.starts_with("step 5 cannot be saved, so that the run goes on from its beginning: "),
        "{told}"
    );
    fs_err::create_dir(&folder).unwrap();
    assert!(saver.save(&saved.state(), &at(6)));
    fs_err::remove_dir_all(&folder).unwrap();
    let told = saver.save_to_stop(&saved.state(), &at(7)).unwrap();
    assert!(told.contains("goes on from step 6, the last one that was saved: "), "{told}");
    fs_err::create_dir(&folder).unwrap();
    assert_eq!(saver.save_to_stop(&saved.state(), &at(8)), None);
    assert_eq!(saved.saved_step(), Some(8));
}

#[test]
fn the_weights_of_a_better_epoch_do_not_replace_those_that_the_position_names() {
    let saved = Saved::new();
    let checkpoints = saved.world.checkpoints();
    let files = || [0, 4].map(|epoch| checkpoints.best_file(epoch).exists());
    let position = |epoch| Position { best: Some(Best { epoch, merit: merit() }), ..Position::default() };
    let weights = || Snapshot::of(saved.tuned.kept().into_iter()).unwrap();
    checkpoints.save_best(&weights(), 0).unwrap();
    checkpoints.save_last(&saved.state().snapshot().unwrap(), &position(0)).unwrap();
    // A crash here goes on from a position whose best epoch is 0.
    checkpoints.save_best(&weights(), 4).unwrap();
    assert_eq!(files(), [true, true]);
    checkpoints.save_last(&saved.state().snapshot().unwrap(), &position(4)).unwrap();
    assert_eq!(files(), [false, true]);
}

#[test]
fn what_a_killed_writer_left_is_cleaned_up() {
    let saved = Saved::new();
    let half = saved.world.path().join("checkpoint/.unfinished-half");
    saved.world.checkpoints();
    fs_err::write(&half, "x").unwrap();
    Checkpoints::new(half.parent().unwrap().to_owned()).unwrap();
    assert!(!half.exists());
}
