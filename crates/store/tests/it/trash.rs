//! What is removed is whole in the trash, and comes back exactly where it was.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_experiment::{ModelSource, Split};
use cliptune_store::{Base, Dependents, Family, Kind, Origin, Run, RunRecord, StoreError, Trashed, ranked};
use fs_err as fs;

use crate::named::DONE;
use crate::standing::{score, scored_in_vain};
use crate::support::{World, create, record};

/// The hash of a dataset.
const DATASET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A completed run with weights, graphs and a link between them.
pub(crate) fn finished(world: &World, record: RunRecord) -> Run {
    let mut run = world.store().create_run(record).unwrap();
    for folder in [run.onnx_folder(), run.model_folder()] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(run.weights_file(), vec![7; 20_000]).unwrap();
    fs::write(run.onnx_folder().join("text_model.onnx"), "a graph").unwrap();
    fs::write(run.model_folder().join("config.json"), "{}").unwrap();
    run.link_weights().unwrap();
    run.finish(DONE, None).unwrap();
    run
}

fn trained(world: &World, experiment: &str, key: &str, base: Base) -> Run {
    finished(world, record(&world.plan(experiment), DATASET, base, key))
}

/// All files below a folder, with their contents; links are not followed.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let about = fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path);
            } else if about.is_symlink() {
                files.insert(name, fs::read_link(&path).unwrap().display().to_string().into_bytes());
            } else {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn ids(world: &World) -> Vec<String> {
    world.store().runs().unwrap().runs.iter().map(Run::id).collect()
}

fn remove(world: &World, run: &Run) -> Result<Trashed, StoreError> {
    world.store().trash_run(&world.store().lock().unwrap(), run)
}

fn remove_weights(world: &World, run: &Run) -> Result<Trashed, StoreError> {
    world.store().trash_weights(&world.store().lock().unwrap(), run)
}

/// Restores everything in the trash, runs before weights.
fn restore(world: &World) -> Result<(), StoreError> {
    let lock = world.store().lock().unwrap();
    let mut entries = world.store().trash().unwrap().entries;
    entries.sort_by_key(|entry| entry.kind() == Kind::Weights);
    entries.iter().try_for_each(|entry| world.store().restore(&lock, entry).map(drop))
}

fn dependents(world: &World, run: &Run) -> Dependents {
    let runs = world.store().runs().unwrap().runs;
    Family::of(&world.store(), &runs).dependents(run).unwrap()
}

#[test]
fn a_removed_run_is_whole_in_the_trash_and_comes_back_exactly_where_it_was() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let other = trained(&world, "tuned", "bbbbbbbb", Base::Scratch);
    score(&run, Split::Test);
    world.store().rename(&run, Some("best".parse().unwrap())).unwrap();
    let before = tree(run.folder());
    let entry = remove(&world, &run).unwrap();
    assert_eq!(ids(&world), [other.id()]);
    assert_eq!((entry.kind(), entry.id()), (Kind::Run, run.id()));
    assert_eq!(tree(&entry.folder().join("content")), before);
    let trash = world.store().trash().unwrap();
    for name in [&run.id(), &run.record().run, "best", "be", "tuned@0", &run.id()[..run.id().len() - 2]] {
        assert_eq!(trash.named(name).len(), 1, "{name}");
    }
    restore(&world).unwrap();
    assert_eq!(tree(run.folder()), before);
    assert_eq!(ids(&world), [run.id(), other.id()]);
    assert!(world.store().trash().unwrap().entries.is_empty());
    run.verify_model().unwrap();
}

#[test]
fn the_last_run_of_an_experiment_comes_back_where_nothing_is_left() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    remove(&world, &run).unwrap();
    fs::remove_dir(run.folder().parent().unwrap()).unwrap();
    restore(&world).unwrap();
    assert_eq!(ids(&world), [run.id()]);
}

#[test]
fn nothing_is_restored_onto_what_stands_there_now() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let entry = remove(&world, &run).unwrap();
    fs::create_dir(run.folder()).unwrap();
    fs::write(run.folder().join("mine"), "kept").unwrap();
    let error = restore(&world).unwrap_err();
    assert!(matches!(error, StoreError::Occupied { .. }), "{error}");
    assert_eq!(fs::read(run.folder().join("mine")).unwrap(), b"kept");
    assert!(entry.folder().join("content/run.json").is_file());
    fs::remove_dir_all(run.folder()).unwrap();
    restore(&world).unwrap();
    assert_eq!(ids(&world), [run.id()]);
}

#[test]
fn what_a_process_works_on_is_never_removed() {
    let world = World::new();
    let running = create(&world, "aaaaaaaa");
    for refused in [remove(&world, &running), remove_weights(&world, &running)] {
        assert!(matches!(refused, Err(StoreError::InUse { .. })));
    }
    let scored = trained(&world, "scored", "bbbbbbbb", Base::Scratch);
    let staged = cliptune_durable::StagedFolder::beside(&scored.scores_folder(Split::Test)).unwrap();
    assert!(matches!(remove(&world, &scored), Err(StoreError::InUse { .. })));
    drop(staged);
    remove(&world, &scored).unwrap();
    assert_eq!(ids(&world), [running.id()]);
    assert!(running.folder().join("run.json").is_file());
}

#[test]
fn what_a_process_holds_is_never_removed_and_several_can_hold_it() {
    let world = World::new();
    let run = trained(&world, "held", "aaaaaaaa", Base::Scratch);
    score(&run, Split::Test);
    let held = [run.hold().unwrap(), run.hold().unwrap()];
    assert_eq!(run.status(), cliptune_store::RunStatus::Done, "whoever holds a run does not write it");
    let lock = world.store().lock().unwrap();
    let refused = [
        world.store().trash_run(&lock, &run),
        world.store().trash_weights(&lock, &run),
        world.store().trash_damaged_run(&lock, run.folder()),
    ];
    for error in refused.map(Result::unwrap_err) {
        let who = format!("process {}", std::process::id());
        assert!(matches!(error, StoreError::InUse { .. }) && error.to_string().contains(&who), "{error}");
    }
    drop(held);
    world.store().trash_run(&lock, &run).unwrap();
    assert!(run.hold().is_err(), "what is gone cannot be held");
    assert!(!run.folder().exists());
}

#[test]
fn a_run_that_is_gone_does_not_come_back_as_a_folder_with_nothing_but_scores() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    score(&run, Split::Test);
    let error = scored_in_vain(&run, Split::Test);
    assert!(matches!(error, StoreError::Gone { .. }), "{error}");
    assert!(!run.folder().exists());
}

#[test]
fn an_entry_that_nothing_was_moved_to_means_nothing() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let entry = remove(&world, &run).unwrap();
    // A process that is killed before the move leaves this.
    fs::rename(entry.folder().join("content"), run.folder()).unwrap();
    let trash = world.store().trash().unwrap();
    assert!(trash.entries.is_empty() && trash.damaged.is_empty());
    assert_eq!(ids(&world), [run.id()]);
    assert_eq!(world.store().leftovers().unwrap(), [entry.folder()]);
}

#[test]
fn where_no_trash_can_be_made_everything_stays() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let before = tree(run.folder());
    world.write("runs/.trash", "in the way");
    assert!(remove(&world, &run).is_err());
    assert!(remove_weights(&world, &run).is_err());
    assert_eq!(tree(run.folder()), before);
    run.verify_model().unwrap();
}

#[test]
fn a_run_that_is_a_link_is_not_moved() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let elsewhere = world.path("elsewhere");
    fs::rename(run.folder(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, run.folder()).unwrap();
    let error = remove(&world, &run).unwrap_err();
    assert!(matches!(error, StoreError::Immovable { .. }), "{error}");
    assert_eq!(ids(&world), [run.id()]);
}

#[test]
fn weights_go_and_come_back_while_records_and_scores_stay() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    score(&run, Split::Test);
    fs::create_dir(run.checkpoint_folder()).unwrap();
    fs::write(run.checkpoint_folder().join("last"), "weights").unwrap();
    let before = tree(run.folder());
    remove_weights(&world, &run).unwrap();
    let left: Vec<String> = tree(run.folder()).into_keys().collect();
    let kept = ["lock", "run.json", "scores/test/choices.json", "scores/test/predictions.parquet"];
    assert_eq!(left[..4], kept);
    assert!(
        run.lacks_weights()
            && left.iter().all(|name| name.starts_with("scores/") || kept.contains(&name.as_str()))
    );
    for needing in [run.verify_model(), run.verify_export(&world.store()).map(drop)] {
        assert!(matches!(needing, Err(StoreError::NoWeights { .. })));
    }
    assert!(matches!(remove_weights(&world, &run), Err(StoreError::NoWeights { .. })));
    restore(&world).unwrap();
    assert_eq!(tree(run.folder()), before);
    run.verify_export(&world.store()).unwrap();
}

#[test]
fn a_kill_between_the_parts_of_the_weights_loses_none_of_them() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let before = tree(run.folder());
    let entry = remove_weights(&world, &run).unwrap();
    // As after a kill behind the first move.
    fs::rename(entry.folder().join("content/model"), run.model_folder()).unwrap();
    assert!(run.lacks_weights(), "the graphs decide");
    remove_weights(&world, &run).unwrap();
    assert!(!run.model_folder().exists());
    remove(&world, &run).unwrap();
    restore(&world).unwrap();
    assert_eq!(tree(run.folder()), before);
}

#[test]
fn weights_are_not_restored_without_their_run() {
    let world = World::new();
    let run = trained(&world, "tuned", "aaaaaaaa", Base::Scratch);
    let weights = remove_weights(&world, &run).unwrap();
    remove(&world, &run).unwrap();
    let error = world.store().restore(&world.store().lock().unwrap(), &weights).unwrap_err();
    assert!(matches!(error, StoreError::NothingToRestoreTo { .. }), "{error}");
    assert!(weights.folder().join("content/onnx/model.safetensors").is_file());
}

#[test]
fn damaged_and_hostile_entries_are_named_and_hide_no_others() {
    let world = World::new();
    let [one, other] = ["aaaaaaaa", "bbbbbbbb"].map(|key| trained(&world, "tuned", key, Base::Scratch));
    let entry = remove(&world, &one).unwrap();
    remove(&world, &other).unwrap();
    let path = entry.folder().join("trashed.json");
    let intact = fs::read(&path).unwrap();
    for cut in [0, 10, intact.len() - 1] {
        fs::write(&path, &intact[..cut]).unwrap();
        let trash = world.store().trash().unwrap();
        assert_eq!((trash.entries.len(), trash.damaged.len()), (1, 1));
        assert!(trash.damaged[0].1.is_damage());
    }
    for hostile in ["../../etc", "/etc/passwd", "tuned/../../x", "tuned/.hidden", "a/b/c", "\u{1b}/x"] {
        let body = serde_json::json!({
            "format_version": 1, "kind": "run", "from": hostile, "removed": "2026-01-01T00:00:00.000Z"
        });
        let body = serde_json::to_string_pretty(&body).unwrap();
        let body = format!("{}\n", body.strip_prefix("{\n").unwrap());
        let checksum = blake3::hash(body.as_bytes()).to_hex();
        fs::write(&path, format!("{{\n  \"checksum\": \"{checksum}\",\n{body}")).unwrap();
        let trash = world.store().trash().unwrap();
        assert_eq!((trash.entries.len(), trash.damaged.len()), (1, 1), "{hostile}");
    }
    fs::write(&path, &intact).unwrap();
    restore(&world).unwrap();
    assert_eq!(ids(&world).len(), 2);
}

#[test]
fn what_was_made_from_a_run_depends_on_it() {
    let world = World::new();
    let base = trained(&world, "base", "aaaaaaaa", Base::Scratch);
    let from = |base: &Run| Base::Run { run: base.id(), key: base.record().key.clone() };
    let child = trained(&world, "child", "bbbbbbbb", from(&base));
    let mut plan = world.plan("by-path");
    plan.model.from = ModelSource::Folder(base.model_folder());
    let by_path =
        finished(&world, record(&plan, "dataset", Base::Folder { hash: "00".to_owned() }, "cccccccc"));
    let soup = world.path("soup");
    fs::create_dir(&soup).unwrap();
    Origin::of(&[base.clone(), child.clone()]).write(&soup).unwrap();
    let mut plan = world.plan("of-soup");
    plan.model.from = ModelSource::Folder(soup.clone());
    let of_soup =
        finished(&world, record(&plan, "dataset", Base::Folder { hash: "11".to_owned() }, "dddddddd"));
    fs::create_dir_all(world.path("runs/reports/demo")).unwrap();
    let run = &base.record().run;
    let report = format!(r#"{{"experiments": [{{"experiment": "base", "runs": [{{"run": "{run}"}}]}}]}}"#);
    world.write("runs/reports/demo/report.json", &report);
    for (name, text) in [("damaged", "{"), ("other", "[1]")] {
        fs::create_dir_all(world.path(&format!("runs/reports/{name}"))).unwrap();
        world.write(&format!("runs/reports/{name}/report.json"), text);
    }

    let found = dependents(&world, &base);
    assert_eq!(found.runs, [by_path.id(), child.id()]);
    assert_eq!(found.soups.iter().map(|soup| &soup.run).collect::<Vec<_>>(), [&of_soup.id()]);
    assert_eq!(found.reports, ["demo"]);
    assert_eq!(dependents(&world, &of_soup), Dependents::default());
    let runs = world.store().runs().unwrap().runs;
    let family = Family::of(&world.store(), &runs).with_ancestors([of_soup.id()]);
    assert_eq!(family.len(), 3, "a soup, its runs, and what these were made from: {family:?}");
}

#[test]
fn a_run_that_was_trained_again_is_what_its_children_depend_on() {
    let world = World::new();
    let again = trained(&world, "base", "aaaaaaaa", Base::Scratch);
    let gone = Base::Run { run: "base/20200101T000000Z-aaaaaa-s0".to_owned(), key: "aaaaaaaa".to_owned() };
    let child = trained(&world, "child", "bbbbbbbb", gone);
    assert_eq!(dependents(&world, &again).runs, [child.id()]);
}

#[test]
fn a_dataset_that_a_run_has_seen_depends_on_nothing_less() {
    let world = World::new();
    let plan = world.plan("tuned");
    let dataset = world.make_dataset(&plan.data, &[], &[]);
    let hash = dataset.record().hash.clone();
    let mut grandchild = record(&plan, "another dataset", Base::Scratch, "aaaaaaaa");
    grandchild.lineage = vec![hash.clone()];
    let run = finished(&world, grandchild);
    let runs = world.store().runs().unwrap().runs;
    let (store, of) = (world.store(), |runs: &[Run]| {
        Family::of(&world.store(), runs).dependents_of_dataset(&world.store(), &hash).unwrap()
    });
    assert_eq!(of(&runs).runs, [run.id()]);
    assert!(of(&[]).runs.is_empty());
    let before = tree(dataset.folder());
    let lock = store.lock().unwrap();
    let entry = store.trash_dataset(&lock, &dataset).unwrap();
    assert!(store.dataset(&hash).unwrap().is_none());
    store.restore(&lock, &entry).unwrap();
    assert_eq!(tree(dataset.folder()), before);
}

#[test]
fn the_best_come_first_and_what_has_no_score_is_not_judged() {
    let world = World::new();
    let runs: Vec<Run> =
        ["aaaaaaaa", "bbbbbbbb", "cccccccc"].map(|key| trained(&world, "tuned", key, Base::Scratch)).into();
    for (run, accuracy, nll) in [(&runs[0], 0.4, 0.2), (&runs[1], 0.6, 0.9)] {
        crate::standing::score_with(run, Split::Validation, &[("accuracy", accuracy), ("nll", nll)]);
    }
    let of = |by: Option<&str>| {
        let metric = by.map(|by| by.parse().unwrap());
        let found = ranked(&runs.iter().collect::<Vec<_>>(), metric.as_ref()).unwrap();
        found.into_iter().map(Run::id).collect::<Vec<_>>()
    };
    let [first, second] = [runs[0].id(), runs[1].id()];
    assert_eq!(of(None), [second.clone(), first.clone()]);
    assert_eq!(of(Some("validation.nll")), [first, second]);
    assert!(of(Some("test.accuracy")).is_empty());
}

#[test]
fn a_run_with_a_damaged_record_is_removed_and_restored_as_it_is() {
    let world = World::new();
    let run = trained(&world, "tuned", "key", Base::Scratch);
    let (id, folder) = (run.id(), run.folder().to_path_buf());
    let heir = trained(&world, "heir", "other", Base::Run { run: id.clone(), key: "key".to_owned() });
    fs::write(folder.join("run.json"), "no record").unwrap();
    let (before, store) = (tree(&folder), world.store());
    for name in [id.as_str(), folder.to_str().unwrap(), &id["tuned/".len()..], &id[..id.len() - 3]] {
        assert_eq!(store.damaged_named(name).unwrap().len(), 1, "{name}");
    }
    assert!(store.damaged_named(&heir.id()).unwrap().is_empty());
    let runs = store.runs().unwrap().runs;
    assert_eq!(Family::of(&store, &runs).dependents_of(&id).unwrap().runs, [heir.id()]);
    store.trash_damaged_run(&store.lock().unwrap(), &folder).unwrap();
    assert!(!folder.exists() && store.runs().unwrap().damaged.is_empty());
    restore(&world).unwrap();
    assert_eq!(tree(&folder), before);
}
