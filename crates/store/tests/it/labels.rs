//! What people say about a run.

use std::collections::BTreeSet;

use cliptune_store::{Labels, Note, OwnName, Run, StoreError, Tag};
use fs_err as fs;

use crate::named::{DONE, make, named};
use crate::support::{World, create};

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn name(text: &str) -> OwnName {
    text.parse().unwrap()
}

#[test]
fn labels_lie_beside_the_record_which_stays_as_it_is() {
    let world = World::new();
    let run = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let before = fs::read(run.folder().join("run.json")).unwrap();
    assert!(run.labels().unwrap().is_empty());
    let note: Note = "the best so far\n\u{1b}[2J".parse().unwrap();
    world
        .store()
        .label(&run, |labels| {
            labels.tags.insert(tag("good"));
            labels.note = Some(note.clone());
            labels.pinned = true;
        })
        .unwrap();
    let said = run.labels().unwrap();
    assert_eq!((said.tags, said.note, said.pinned), (BTreeSet::from([tag("good")]), Some(note), true));
    assert_eq!(fs::read(run.folder().join("run.json")).unwrap(), before);
    world.store().label(&run, |labels| *labels = Labels::default()).unwrap();
    assert!(run.labels().unwrap().is_empty());
}

#[test]
fn writers_at_once_lose_nothing_of_each_other() {
    let world = World::new();
    let run = create(&world, "aaaaaaaa");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (store, run) = (world.store(), &run);
            scope.spawn(move || {
                for at in 0..8 {
                    let new = tag(&format!("{writer} {at}"));
                    store.label(run, |labels| labels.tags.extend([new])).unwrap();
                }
            });
        }
    });
    assert_eq!(run.labels().unwrap().tags.len(), 64);
}

#[test]
fn of_runs_that_get_one_name_at_once_a_single_one_has_it() {
    let world = World::new();
    let runs: Vec<Run> = (0..4).map(|seed| make(&world, "tuned", seed, "aaaaaaaa", DONE)).collect();
    let renamed = std::thread::scope(|scope| {
        let threads: Vec<_> = runs
            .iter()
            .map(|run| (world.store(), run))
            .map(|(store, run)| scope.spawn(move || store.rename(run, Some(name("best"))).is_ok()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|ok| *ok).count()
    });
    assert_eq!(renamed, 1);
    assert_eq!(named(&world, "best").len(), 1);
}

#[test]
fn a_run_is_found_by_its_own_name_until_that_is_taken_away() {
    let world = World::new();
    let run = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let other = make(&world, "base", 0, "bbbbbbbb", DONE);
    world.store().rename(&run, Some(name("champion"))).unwrap();
    assert_eq!(named(&world, "champion"), [run.id()]);
    assert_eq!(named(&world, "cham"), [run.id()], "the beginning is enough where it is unambiguous");
    assert_eq!(named(&world, &run.id()), [run.id()], "the folder keeps its name");
    world.store().rename(&run, Some(name("winner"))).unwrap();
    assert!(named(&world, "champion").is_empty());
    world.store().rename(&run, None).unwrap();
    assert!(named(&world, "winner").is_empty());
    world.store().rename(&other, Some(name("winner"))).unwrap();
    assert_eq!(named(&world, "winner"), [other.id()]);
}

#[test]
fn a_name_that_means_something_already_is_refused() {
    let world = World::new();
    let [run, other] = ["tuned", "base"].map(|experiment| make(&world, experiment, 0, "aaaaaaaa", DONE));
    world.store().rename(&other, Some(name("best"))).unwrap();
    for taken in ["tuned", "base", "best", &run.record().run, &other.record().run] {
        let error = world.store().rename(&run, Some(name(taken))).unwrap_err();
        assert!(matches!(error, StoreError::NameTaken { .. }), "{taken}: {error}");
    }
    world.store().rename(&other, Some(name("best"))).unwrap();
    // An experiment whose only run cannot be read has its name all the same.
    fs::create_dir_all(world.store().root().join("lost/20260101T000000Z-000000-s0")).unwrap();
    assert!(matches!(world.store().rename(&run, Some(name("lost"))), Err(StoreError::NameTaken { .. })));
    for impossible in ["", "a/b", "a@0", "../up", ".hidden", "cache", "a b", "\u{1b}[2J"] {
        assert!(impossible.parse::<OwnName>().is_err(), "{impossible}");
    }
}

#[test]
fn an_experiment_that_was_made_later_leaves_in_doubt_which_is_meant() {
    let world = World::new();
    let run = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    world.store().rename(&run, Some(name("best"))).unwrap();
    let later = make(&world, "best", 0, "bbbbbbbb", DONE);
    assert_eq!(named(&world, "best"), [later.id(), run.id()]);
}

#[test]
fn damaged_labels_are_named_and_hide_nothing_else() {
    let world = World::new();
    let run = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    world.store().rename(&run, Some(name("best"))).unwrap();
    let bytes = fs::read(run.labels_file()).unwrap();
    let damages = [&bytes[..bytes.len() - 2], b"", b"{}", b"\xff\0", b"[1, 2]"];
    for damage in damages {
        fs::write(run.labels_file(), damage).unwrap();
        let error = run.labels().unwrap_err();
        assert!(error.is_damage() && error.to_string().contains("labels.json"), "{error}");
        let refused = world.store().label(&run, |labels| labels.pinned = true).unwrap_err();
        assert!(refused.is_damage(), "{refused}");
        assert_eq!(fs::read(run.labels_file()).unwrap(), damage, "nothing is overwritten");
        assert_eq!(world.store().runs().unwrap().runs.len(), 1);
        assert_eq!(named(&world, "tuned"), [run.id()]);
    }
    fs::remove_file(run.labels_file()).unwrap();
    fs::create_dir(run.labels_file()).unwrap();
    assert!(run.labels().unwrap_err().is_damage());
    assert_eq!(named(&world, "tuned"), [run.id()]);
}

#[test]
fn tags_and_notes_have_bounds() {
    for impossible in ["", "  ", "a,b", "line\nbreak", "\u{1b}[31m", &"x".repeat(101)] {
        assert!(impossible.parse::<Tag>().is_err(), "{impossible:?}");
    }
    assert_eq!(tag(" 漫画 2 ").as_str(), "漫画 2");
    assert!("".parse::<Note>().is_err() && "x".repeat(10_001).parse::<Note>().is_err());
    assert!("two\nlines".parse::<Note>().is_ok());
}

#[test]
fn a_store_that_does_not_exist_has_nothing_to_label() {
    let world = World::new();
    let run = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    fs::remove_dir_all(world.path("runs")).unwrap();
    let error = world.store().label(&run, |labels| labels.pinned = true).unwrap_err();
    assert!(error.to_string().contains("runs/.lock"), "{error}");
    assert!(!world.path("runs").exists());
}
