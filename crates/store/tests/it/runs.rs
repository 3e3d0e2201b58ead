//! Runs: who writes, how they end, and what damage does.

use std::collections::BTreeSet;
use std::sync::Barrier;

use cliptune_experiment::Seed;
use cliptune_store::{
    Base, Clock, Event, EventLog, Outcome, Run, RunRecord, RunStatus, StoreError, SystemLog, Usage, run_name,
};
use fs_err as fs;

use crate::support::{World, create, record};

#[test]
fn names_say_when_what_and_which_seed() {
    assert_eq!(run_name("2026-01-05T10:11:12.345Z", "abcdef0123", Seed(7)), "20260105T101112Z-abcdef-s7");
    assert_eq!(run_name("2026-01-05T10:11:12Z", "abcdef0123", Seed(0)), "20260105T101112Z-abcdef-s0");
}

#[test]
fn a_run_goes_from_running_to_done() {
    let world = World::new();
    let mut run = create(&world, "key");
    let seen = || world.store().runs().unwrap().runs.remove(0);
    assert_eq!((run.status(), seen().status()), (RunStatus::Running, RunStatus::Running));
    run.finish(Outcome::Done { best_epoch: 3 }, Some(1 << 30)).unwrap();
    assert_eq!((run.status(), seen().status()), (RunStatus::Done, RunStatus::Done));
    assert_eq!(seen().record(), run.record());
    assert_eq!(seen().id(), run.id());
}

#[test]
fn a_run_that_ends_while_somebody_looks_has_not_crashed() {
    let world = World::new();
    let mut run = create(&world, "key");
    let seen = world.store().runs().unwrap().runs.remove(0);
    run.finish(Outcome::Done { best_epoch: 3 }, None).unwrap();
    drop(run);
    assert_eq!((seen.record().end.as_ref(), seen.status()), (None, RunStatus::Done));
}

#[test]
fn a_writer_that_is_gone_has_crashed_and_can_be_continued() {
    let world = World::new();
    let run = create(&world, "key");
    let experiment = run.record().experiment.clone();
    // The lock goes with the process, whatever ends it.
    drop(run);
    let mut run = world.store().find_unfinished(&experiment, "key").unwrap().unwrap();
    assert_eq!(run.status(), RunStatus::Crashed);
    let mut rival = run.clone();
    run.resume().unwrap();
    assert_eq!(run.status(), RunStatus::Running);
    assert!(world.store().find_unfinished(&experiment, "key").unwrap().is_none());
    assert!(matches!(rival.resume(), Err(StoreError::InUse { .. })));
    run.finish(Outcome::Done { best_epoch: 1 }, None).unwrap();
    // What was finished meanwhile must not be opened again.
    assert!(matches!(rival.resume(), Err(StoreError::Finished { .. })));
    assert_eq!(world.store().runs().unwrap().runs.remove(0).status(), RunStatus::Done);
}

#[test]
fn the_time_of_a_run_is_what_its_processes_have_spent_and_no_pause() {
    let world = World::new();
    let hour = 3600.0;
    // It has begun years ago; nobody has worked on it since.
    let plan = world.plan("tuned");
    let began = RunRecord {
        started: "2020-01-01T00:00:00.000Z".to_owned(),
        ..record(&plan, "dataset", Base::Scratch, "key")
    };
    let mut run = world.store().create_run(began).unwrap();
    let seconds = |run: &Run| run.record().end.as_ref().unwrap().seconds;
    run.finish(Outcome::Interrupted, None).unwrap();
    assert!(seconds(&run) < hour, "{}", seconds(&run));
    // What earlier processes have spent is added to.
    let mut earlier = run.record().clone();
    earlier.end.as_mut().unwrap().seconds = 5.0 * hour;
    drop(world.store().create_run(earlier).unwrap());
    let mut run = world.store().find_unfinished(&plan.experiment, "key").unwrap().unwrap();
    run.resume().unwrap();
    run.finish(Outcome::Done { best_epoch: 1 }, None).unwrap();
    assert!((5.0 * hour..6.0 * hour).contains(&seconds(&run)), "{}", seconds(&run));
}

#[test]
fn a_killed_process_has_spent_what_its_last_line_says_whatever_the_clock_was_set_to() {
    let world = World::new();
    let mut run = create(&world, "key");
    let log = EventLog::create(&run.events_file()).unwrap();
    log.timed_by(Clock::start(400.0)).append(&Event::Resumed { step: 0, processes: None }).unwrap();
    let mut system = SystemLog::open_append(&run.system_file(), Clock::start(500.0)).unwrap();
    let usage = Usage { memory_peak: Some(7 << 30), joules: Some(2.5), ..Usage::default() };
    system.append(2.0, 1, usage.clone()).1.unwrap();
    let experiment = run.record().experiment.clone();
    drop(run);
    run = world.store().find_unfinished(&experiment, "key").unwrap().unwrap();
    assert_eq!(run.usage(), Some(usage.clone()), "of a crashed run, what it used is known too");
    run.resume().unwrap();
    run.finish(Outcome::Done { best_epoch: 1 }, Some(1 << 30)).unwrap();
    let end = run.record().end.as_ref().unwrap();
    assert!((500.0..600.0).contains(&end.seconds), "{}", end.seconds);
    assert_eq!((end.usage.as_ref(), end.peak_memory), (Some(&usage), Some(7 << 30)));
}

#[test]
fn a_trained_run_that_kept_epoch_0_has_kept_its_starting_weights() {
    let world = World::new();
    for (epoch, trains, kept) in [(0, true, true), (2, true, false), (0, false, false)] {
        let mut plan = world.plan("tuned");
        plan.train = plan.train.filter(|_| trains);
        let mut run = world.store().create_run(record(&plan, "dataset", Base::Scratch, "key")).unwrap();
        assert!(!run.record().kept_start());
        run.finish(Outcome::Done { best_epoch: epoch }, None).unwrap();
        assert_eq!(run.record().kept_start(), kept, "{epoch} {trains}");
    }
}

#[test]
fn only_the_writer_ends_a_run() {
    let world = World::new();
    let _writer = create(&world, "key");
    let mut reader = world.store().runs().unwrap().runs.remove(0);
    assert!(matches!(reader.finish(Outcome::Interrupted, None), Err(StoreError::InUse { .. })));
}

#[test]
fn sixteen_writers_in_the_same_second_get_sixteen_runs() {
    let world = World::new();
    let start = Barrier::new(16);
    let write = |_| {
        start.wait();
        let mut run = create(&world, "the same key");
        run.finish(Outcome::Done { best_epoch: 0 }, None).unwrap();
        run.id()
    };
    let ids: BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || write(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let listing = world.store().runs().unwrap();
    assert_eq!((ids.len(), listing.runs.len(), listing.damaged.len()), (16, 16, 0));
    assert!(listing.runs.iter().all(|run| run.folder().ends_with(&run.record().run)));
}

#[test]
fn a_damaged_run_hides_no_other() {
    let world = World::new();
    for key in ["first", "second", "third"] {
        create(&world, key).finish(Outcome::Done { best_epoch: 0 }, None).unwrap();
    }
    let runs = world.store().runs().unwrap().runs;
    fs::write(runs[0].folder().join("run.json"), "{\"half\":").unwrap();
    fs::remove_file(runs[1].folder().join("run.json")).unwrap();
    // What a killed process leaves beside them.
    fs::create_dir(runs[2].folder().parent().unwrap().join(".unfinished-x")).unwrap();
    fs::write(world.path("runs/README"), "a file among experiments").unwrap();
    let listing = world.store().runs().unwrap();
    assert_eq!((listing.runs.len(), listing.damaged.len()), (1, 2));
    assert!(
        listing.damaged.iter().all(|(path, why)| why.to_string().contains(path.to_str().unwrap())),
        "{:?}",
        listing.damaged
    );
}

#[test]
fn an_empty_store_has_no_runs() {
    let world = World::new();
    assert!(world.store().runs().unwrap().runs.is_empty());
    assert!(!world.path("runs").exists());
}

#[test]
fn a_folder_that_was_removed_or_replaced_never_becomes_a_finished_run() {
    for replaced in [false, true] {
        let world = World::new();
        let mut run = create(&world, "key");
        run.still_there().unwrap();
        fs::remove_dir_all(run.folder()).unwrap();
        if replaced {
            fs::create_dir_all(run.folder()).unwrap();
            fs::write(run.folder().join("lock"), "").unwrap();
        }
        assert!(matches!(run.still_there(), Err(StoreError::Gone { .. })));
        let error = run.finish(Outcome::Done { best_epoch: 1 }, None).unwrap_err();
        assert!(error.to_string().contains(run.folder().to_str().unwrap()), "{error}");
        assert!(!run.folder().join("run.json").exists());
        assert!(world.store().runs().unwrap().runs.is_empty());
    }
}

#[test]
fn a_run_that_is_written_says_by_whom() {
    let world = World::new();
    let mut run = create(&world, "key");
    let seen = || world.store().runs().unwrap().runs.remove(0).worker().map(|worker| worker.to_string());
    assert!(seen().unwrap().contains(&format!("process {}", std::process::id())));
    run.finish(Outcome::Interrupted, None).unwrap();
    assert_eq!(seen(), None);
    run.resume().unwrap();
    assert!(seen().is_some());
}
