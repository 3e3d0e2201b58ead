//! What a run can be called.

use cliptune_experiment::Seed;
use cliptune_store::{Base, Outcome, Run};

use crate::support::{World, record};

pub(crate) fn make(world: &World, experiment: &str, seed: u32, key: &str, outcome: Outcome) -> Run {
    let mut plan = world.plan(experiment);
    plan.seed = Seed(seed);
    let mut run = world.store().create_run(record(&plan, "dataset", Base::Scratch, key)).unwrap();
    run.finish(outcome, None).unwrap();
    run
}

pub(crate) fn named(world: &World, name: &str) -> Vec<String> {
    world.store().named(name).unwrap().iter().map(Run::id).collect()
}

pub(crate) const DONE: Outcome = Outcome::Done { best_epoch: 1 };

#[test]
fn a_run_is_named_in_every_way_that_it_is_shown() {
    let world = World::new();
    let [zero, one] = [0, 1].map(|seed| make(&world, "tuned", seed, "aaaaaaaa", DONE));
    let name = &one.record().run;
    let beginning = &one.id()[..one.id().len() - 1];
    let folder = one.folder().to_str().unwrap();
    for reading in [&one.id(), name, "tuned@1", folder, &format!("{folder}/")] {
        assert_eq!(named(&world, reading), [one.id()], "{reading}");
    }
    assert_eq!(named(&world, "tuned"), [zero.id(), one.id()], "one of each seed: the caller asks for more");
    assert_eq!(named(&world, beginning).len(), 2);
    assert!(named(&world, "tuned@2").is_empty() && named(&world, "tune@0").is_empty());
}

#[test]
fn an_experiment_and_a_seed_stand_for_the_newest_complete_run() {
    let world = World::new();
    make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let newest = make(&world, "tuned", 0, "bbbbbbbb", DONE);
    make(&world, "tuned", 0, "cccccccc", Outcome::Interrupted);
    make(&world, "tuned-twice", 0, "dddddddd", DONE);
    assert_eq!(named(&world, "tuned@0"), [newest.id()]);
    assert_eq!(named(&world, "tuned"), [newest.id()]);
}
