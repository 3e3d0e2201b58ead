//! Looks at the test split: each is counted, and stays counted.

use std::collections::BTreeMap;

use cliptune_experiment::{Split, TaskKind};
use cliptune_store::{
    Base, Items, Metrics, Parity, Run, SCORES_FORMAT, Scores, TestLookCounts, fsck, write_scores,
};
use fs_err as fs;

use crate::support::{World, create, record};

fn score(run: &Run, split: Split) {
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split,
        task: TaskKind::Pairs,
        n_items: 0,
        n_groups: 0,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 0.2,
        majority: 0.2,
        logit_scale: 1.0,
        is_scale_constant: false,
        metrics: Metrics::default(),
        chances: BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 0, max_logit_difference: 0.0, answers_agree: 0, tolerance: 0.0 }),
    };
    write_scores(run, &scores, &[], Items::default().all()).unwrap();
}

fn counts(world: &World) -> TestLookCounts {
    world.store().test_looks(["dataset"]).unwrap().counts()
}

#[test]
fn scores_of_the_test_split_are_a_look_and_those_of_others_are_none() {
    let world = World::new();
    let run = create(&world, "key");
    score(&run, Split::Validation);
    assert_eq!(counts(&world).count, 0);
    score(&run, Split::Test);
    score(&create(&world, "other"), Split::Test);
    let found = counts(&world);
    assert_eq!((found.count, found.runs, found.experiments), (2, 2, 1));
    assert!(found.first.is_some() && found.first <= found.last, "{found:?}");
    assert_eq!(world.store().test_looks(["another dataset"]).unwrap().counts().count, 0);
}

#[test]
fn what_is_scored_later_is_no_part_of_the_looks_until_then() {
    let world = World::new();
    let (run, other) = (create(&world, "key"), create(&world, "other"));
    score(&other, Split::Test);
    score(&run, Split::Test);
    let until = |run: &Run| {
        let looks = world.store().test_looks(["dataset"]).unwrap();
        looks.until_last_of(&[run.id()].into()).counts().count
    };
    let before = [until(&other), until(&run)];
    assert_eq!(before, [1, 2]);
    score(&create(&world, "third"), Split::Test);
    assert_eq!([until(&other), until(&run)], before);
    score(&other, Split::Test);
    assert_eq!(until(&other), 4);
}

#[test]
fn removing_what_was_scored_hides_no_look_at_it() {
    let world = World::new();
    let run = create(&world, "key");
    score(&run, Split::Test);
    fs::remove_dir_all(run.scores_folder(Split::Test)).unwrap();
    score(&run, Split::Test);
    assert_eq!((counts(&world).count, counts(&world).runs), (2, 1));
    fs::remove_dir_all(run.folder()).unwrap();
    assert_eq!(counts(&world).count, 2);
    let said = world.store().test_looks(["dataset"]).unwrap().described();
    assert!(said.starts_with("2 times by 1 run of 1 experiment, "), "{said}");
}

#[test]
fn scores_that_nobody_counted_are_a_look() {
    let world = World::new();
    let run = create(&world, "key");
    score(&run, Split::Test);
    fs::remove_dir_all(world.store().root().join(".looks")).unwrap();
    let found = counts(&world);
    assert_eq!((found.count, found.runs, found.first), (1, 1, None));
    score(&create(&world, "other"), Split::Test);
    assert_eq!(counts(&world).count, 2);
    // They are still a look when others take their place.
    score(&run, Split::Test);
    assert_eq!((counts(&world).count, counts(&world).runs), (3, 2));
}

#[test]
fn processes_that_look_at_once_lose_nothing_of_each_other() {
    let world = World::new();
    let runs: Vec<Run> = (0..12).map(|number| create(&world, &format!("key{number}"))).collect();
    std::thread::scope(|scope| {
        for run in &runs {
            scope.spawn(|| {
                score(run, Split::Test);
                score(run, Split::Test);
            });
        }
    });
    assert_eq!((counts(&world).count, counts(&world).runs), (24, 12));
}

#[test]
fn a_damaged_record_was_a_look() {
    let world = World::new();
    score(&create(&world, "key"), Split::Test);
    let folder = world.store().root().join(".looks/dataset");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    fs::write(file, "{\n  \"checksum\": \"torn").unwrap();
    assert_eq!((counts(&world).count, counts(&world).runs), (1, 0));
    let findings = fsck(&world.store(), &|_, _| {}).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.kind == "look"), "{findings:?}");
}

#[test]
fn the_name_of_a_dataset_leads_nowhere_else() {
    let world = World::new();
    let outside = record(&world.plan("tuned"), "../../elsewhere", Base::Scratch, "key");
    score(&world.store().create_run(outside).unwrap(), Split::Test);
    assert_eq!(world.store().test_looks(["../../elsewhere"]).unwrap().counts().count, 1);
    let names = fs::read_dir(world.store().root()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, [".looks", "tuned"]);
}
