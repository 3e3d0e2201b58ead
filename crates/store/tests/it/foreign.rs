//! Runs that were imported.

use std::collections::BTreeMap;

use cliptune_store::{
    AnyRun, Base, FOREIGN_FORMAT, ForeignRecord, ForeignRun, Listed, Published, Severity, StoreError, Told,
    ToldPoint, Tool, foreign_name, fsck, utc_now,
};
use fs_err as fs;

use crate::named::{DONE, make, named};
use crate::support::{self, World};

fn record(name: &str, content: &str) -> ForeignRecord {
    let imported = utc_now();
    let loss = vec![
        ToldPoint { step: Some(0), time: None, value: f64::INFINITY },
        ToldPoint { step: Some(1), time: Some(imported.clone()), value: 0.25 },
    ];
    ForeignRecord {
        format_version: FOREIGN_FORMAT,
        run: foreign_name(&imported, content),
        name: name.parse().unwrap(),
        tool: Tool::Mlflow,
        tool_version: Some("3.4.0".to_owned()),
        content: content.to_owned(),
        files: BTreeMap::new(),
        source: "mlruns/0/a\u{202e}".to_owned(),
        experiment: Some("tuned".parse().unwrap()),
        dataset: Some("da".repeat(32)),
        told: Told { metrics: BTreeMap::from([("loss".to_owned(), loss)]), ..Told::default() },
        imported,
        cliptune: "0.1.0".to_owned(),
        host: "here".to_owned(),
    }
}

fn import(world: &World, name: &str, content: &str) -> Result<Published, StoreError> {
    world.store().stage_foreign(record(name, content))?.publish(&world.store())
}

fn imported(world: &World, name: &str, content: &str) -> ForeignRun {
    match import(world, name, content).unwrap() {
        Published::New(run) => run,
        Published::There(run) => panic!("{} is there already", run.id()),
    }
}

#[test]
fn an_imported_run_is_listed_beside_ours_and_is_no_run_of_ours() {
    let world = World::new();
    let own = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let run = imported(&world, "rival", "bbbbbbbb");
    let listing = world.store().runs().unwrap();
    assert_eq!((listing.runs.len(), listing.foreign.len(), listing.damaged.len()), (1, 1, 0));
    assert_eq!(listing.foreign[0].record(), run.record());
    assert_eq!((run.origin(), listing.runs[0].id()), ("mlflow 3.4.0".to_owned(), own.id()));
    let refused = world.store().run_in(run.folder()).unwrap_err();
    assert!(matches!(&refused, StoreError::Foreign { run: id } if *id == run.id()), "{refused}");
    assert!(!refused.is_damage());
    assert_eq!(run.record().told.last_metrics().collect::<Vec<_>>(), [("loss", 0.25)]);
}

#[test]
fn it_is_named_as_runs_are_and_never_where_one_of_ours_is_wanted() {
    let world = World::new();
    make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let run = imported(&world, "rival", "bbbbbbbb");
    let folder = run.folder().to_str().unwrap().to_owned();
    let beginning = run.id()[..run.id().len() - 8].to_owned();
    for name in ["rival", "riv", &run.id(), &run.record().run, &folder, &beginning] {
        let found = world.store().any_named(name).unwrap();
        assert!(
            matches!(&found[..], [AnyRun::Foreign(found)] if found.id() == run.id()),
            "{name}: {found:?}"
        );
        assert!(named(&world, name).is_empty(), "{name}");
    }
    world.store().rename(&run, Some("theirs".parse().unwrap())).unwrap();
    assert_eq!(world.store().any_named("theirs").unwrap().len(), 1);
    assert_eq!(world.store().any_named("tuned").unwrap().len(), 1);
}

#[test]
fn the_same_is_imported_once_and_a_name_that_means_something_is_refused() {
    let world = World::new();
    let own = make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let run = imported(&world, "rival", "bbbbbbbb");
    let again = import(&world, "other", "bbbbbbbb").unwrap();
    assert!(matches!(&again, Published::There(there) if there.id() == run.id()), "{again:?}");
    world.store().rename(&own, Some("best".parse().unwrap())).unwrap();
    for taken in ["rival", "tuned", "best"] {
        let refused = import(&world, taken, "cccccccc").unwrap_err();
        assert!(matches!(refused, StoreError::NameTaken { .. }), "{taken}: {refused}");
    }
    let refused = world.store().rename(&own, Some("rival".parse().unwrap())).unwrap_err();
    assert!(matches!(refused, StoreError::NameTaken { .. }), "{refused}");
    for left in ["other", "best"] {
        assert!(!world.store().root().join(left).exists(), "{left}");
    }
}

#[test]
fn no_experiment_takes_the_name_of_an_imported_run() {
    let world = World::new();
    let run = imported(&world, "rival", "bbbbbbbb");
    let of_experiment = support::record(&world.plan("rival"), "dataset", Base::Scratch, "aaaaaaaa");
    let refused = world.store().create_run(of_experiment).unwrap_err();
    assert!(matches!(&refused, StoreError::NameTaken { by, .. } if *by == run.id()), "{refused}");
    let listing = world.store().runs().unwrap();
    assert_eq!((listing.runs.len(), listing.foreign.len()), (0, 1));
}

#[test]
fn one_that_has_lost_its_record_is_told_by_its_folder() {
    let world = World::new();
    let run = imported(&world, "rival", "bbbbbbbb");
    let record = run.folder().join("foreign.json");
    fs::remove_file(&record).unwrap();
    let damaged = world.store().runs().unwrap().damaged;
    assert!(matches!(&damaged[..], [(_, error)] if error.is_damage()), "{damaged:?}");
    imported(&world, "other", "cccccccc");
    let found = fsck(&world.store(), &|_, _| {}).unwrap().findings;
    assert!(found.iter().any(|finding| finding.path == record), "{found:?}");
}

#[test]
fn what_is_damaged_or_newer_is_named_and_hides_nothing() {
    let world = World::new();
    make(&world, "tuned", 0, "aaaaaaaa", DONE);
    let run = imported(&world, "rival", "bbbbbbbb");
    let path = run.folder().join("foreign.json");
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(3).any(|window| window == "\u{202e}".as_bytes()), "it is looked at in terminals");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&path, &changed).unwrap();
        let listing = world.store().runs().unwrap();
        assert_eq!(
            (listing.runs.len(), listing.foreign.len(), listing.damaged.len()),
            (1, 0, 1),
            "byte {at}"
        );
    }
    let found = fsck(&world.store(), &|_, _| {}).unwrap().findings;
    assert!(
        found.iter().any(|finding| finding.path == path && finding.severity == Severity::Lost),
        "{found:?}"
    );
    fs::remove_dir_all(run.folder()).unwrap();
    let newer = ForeignRecord { format_version: FOREIGN_FORMAT + 1, ..record("rival", "bbbbbbbb") };
    world.store().stage_foreign(newer).unwrap().publish(&world.store()).unwrap();
    let damaged = world.store().runs().unwrap().damaged;
    assert!(
        matches!(&damaged[..], [(_, error @ StoreError::Version { .. })] if !error.is_damage()),
        "{damaged:?}"
    );
    // It is in nobody's way.
    imported(&world, "other", "cccccccc");
    let taken = import(&world, "rival", "dddddddd").unwrap_err();
    assert!(matches!(taken, StoreError::NameTaken { .. }), "{taken}");
}

#[test]
fn it_goes_to_the_trash_and_comes_back() {
    let world = World::new();
    let run = imported(&world, "rival", "bbbbbbbb");
    let store = world.store();
    let lock = store.lock().unwrap();
    store.trash_run(&lock, &run).unwrap();
    assert!(store.runs().unwrap().foreign.is_empty());
    let trash = store.trash().unwrap();
    assert_eq!(trash.named("rival").len(), 1);
    assert!(fsck(&store, &|_, _| {}).unwrap().findings.is_empty());
    // What is in the trash says by itself what it is.
    fs::write(trash.entries[0].folder().join("trashed.json"), "{").unwrap();
    let found = fsck(&store, &|_, _| {}).unwrap().findings;
    assert!(found[0].can_be_mended && found[0].mend(&store, &lock).unwrap(), "{found:?}");
    store.restore(&lock, &store.trash().unwrap().entries[0]).unwrap();
    assert_eq!(store.runs().unwrap().foreign[0].record(), run.record());
    assert!(Listed::labels(&run).unwrap().is_empty());
}
