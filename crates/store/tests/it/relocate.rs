//! Records whose data has moved.

use std::path::PathBuf;

use cliptune_experiment::{Location, ModelSource};
use cliptune_store::{Base, RunStatus, StoreError};
use fs_err as fs;

use crate::named::DONE;
use crate::support::{World, create, record};

/// Makes a dataset and a run on it that starts from the base folder.
fn made() -> World {
    let world = World::new();
    let plan = world.plan("tuned");
    let dataset = world.make_dataset(&plan.data, &[], &[]).record().hash.clone();
    let base = Base::Folder { hash: world.store().model_hash(&world.path("base")).unwrap() };
    let mut run = world.store().create_run(record(&plan, &dataset, base, "key")).unwrap();
    run.finish(DONE, None).unwrap();
    world
}

/// Relocates a path of the world, and returns the records that have changed.
fn relocate(world: &World, from: &str, to: &str) -> Result<Vec<String>, StoreError> {
    let store = world.store();
    let root = fs::canonicalize(world.path("")).unwrap();
    let relocation = store.relocation(&root.join(from), &root.join(to))?;
    relocation.verify(&store, &|_, _| {})?;
    let records = relocation.records().into_iter().map(|changed| changed.record.clone()).collect();
    relocation.apply(&store, &store.lock()?)?;
    Ok(records)
}

/// The images, the table and the base that the only run names.
fn named(world: &World) -> [PathBuf; 3] {
    let run = world.store().runs().unwrap().runs.remove(0);
    let plan = &run.record().plan;
    let (Location::Local(images), Location::Local(table), ModelSource::Folder(base)) =
        (&plan.data.images[0], &plan.data.metadata.locations[0], &plan.model.from)
    else {
        panic!("{plan:?}");
    };
    [images.clone(), table.clone(), base.clone()]
}

#[test]
fn what_has_not_moved_need_not_be_there() {
    let world = made();
    fs::rename(world.path("images"), world.path("pictures")).unwrap();
    fs::remove_file(world.path("table.parquet")).unwrap();
    fs::remove_dir_all(world.path("base")).unwrap();
    let changed = relocate(&world, "images", "pictures").unwrap();
    assert!(changed.len() == 2 && changed[0].ends_with("dataset.json"), "{changed:?}");
    let paths = ["pictures", "table.parquet", "base"].map(|name| world.path(name));
    assert_eq!(named(&world), paths);
    let dataset = world.store().datasets().unwrap().remove(0);
    assert_eq!(dataset.record().sources.images_folders, [paths[0].display().to_string()]);
    assert_eq!(relocate(&world, "images", "pictures").unwrap(), [""; 0], "there is nothing left to do");
}

#[test]
fn what_is_missing_or_another_is_refused_and_nothing_changes() {
    let world = made();
    let before = named(&world);
    let refused = |from: &str, to: &str| relocate(&world, from, to).unwrap_err();
    assert!(matches!(refused("table.parquet", "there.parquet"), StoreError::NoTable { .. }));
    world.write("there.parquet", "other rows");
    fs::create_dir(world.path("pictures")).unwrap();
    world.write("pictures/1.png", "one");
    fs::create_dir(world.path("other")).unwrap();
    world.write("other/config.json", "{}");
    world.write("other/model.safetensors", "other weights");
    for (from, to, expected) in [
        ("table.parquet", "there.parquet", "the table"),
        ("images", "pictures", "the images"),
        ("base", "other", "the model"),
    ] {
        let error = refused(from, to);
        assert!(matches!(error, StoreError::OtherContent { what, .. } if what == expected), "{error}");
    }
    assert_eq!(named(&world), before);
}

#[test]
fn the_model_that_a_run_started_from_may_move() {
    let world = made();
    fs::create_dir(world.path("models")).unwrap();
    fs::rename(world.path("base"), world.path("models/base")).unwrap();
    assert_eq!(relocate(&world, "base", "models/base").unwrap().len(), 1);
    assert_eq!(named(&world)[2], world.path("models/base"));
}

#[test]
fn a_run_that_is_being_written_is_left_alone() {
    let world = World::new();
    let plan = world.plan("tuned");
    world.make_dataset(&plan.data, &[], &[]);
    let run = create(&world, "key");
    fs::rename(world.path("base"), world.path("elsewhere")).unwrap();
    let error = relocate(&world, "base", "elsewhere").unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(run);
    assert_eq!(relocate(&world, "base", "elsewhere").unwrap().len(), 1);
    assert_eq!(world.store().runs().unwrap().runs[0].status(), RunStatus::Crashed);
}
