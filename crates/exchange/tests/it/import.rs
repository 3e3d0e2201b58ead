//! Runs that were written for other tools, and are imported as runs of these tools.

use std::path::Path;

use cliptune_exchange::export::Format;
use cliptune_exchange::import::{ImportError, Imported, Request, import};
use cliptune_experiment::{ExperimentName, Split};
use cliptune_store::{AnyRun, StoreError, Told, Tool};
use fs_err as fs;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::World;

fn imported(world: &World, source: &str, name: &str, run: Option<&str>) -> Result<Imported, ImportError> {
    let name: ExperimentName = name.parse().unwrap();
    let source = world.path(source);
    let request = Request {
        source: &source,
        name: &name,
        from: None,
        run,
        experiment: None,
        dataset: None,
        split: Split::Test,
    };
    import(&world.store, &request)
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_run_comes_back_from_mlflow_as_it_was_told() {
    let world = World::new();
    world.export(&world.runs[..1], Format::Mlflow, "out").unwrap();
    let first = imported(&world, "out", "theirs", None).unwrap();
    assert!(first.is_new && first.scores.is_none(), "{first:?}");
    let record = first.run.record();
    let told = &record.told;
    assert_eq!((record.tool, told.status.as_deref()), (Tool::Mlflow, Some("FINISHED")));
    assert_eq!(told.started.as_deref(), Some("2026-01-01T00:01:00.000Z"));
    assert_eq!(told.settings["train.optimizer.lr"], json!(1e-5));
    let last = |name: &str| told.last_metrics().find(|(own, _)| *own == name).map(|(_, value)| value);
    assert_eq!(last("test.accuracy"), Some(0.1 + 0.2));
    assert_eq!(told.metrics["train/loss"].len(), 4);
    // The same is found by its content, under whatever name.
    let again = imported(&world, "out/mlflow.db", "other", None).unwrap();
    assert!(!again.is_new && again.run.id() == first.run.id(), "{again:?}");
    let listing = world.store.runs().unwrap();
    assert_eq!((listing.runs.len(), listing.foreign.len()), (world.runs.len(), 1));
}

#[test]
fn a_run_comes_back_from_dvc_with_its_curves() {
    let world = World::new();
    world.export(&world.runs[..1], Format::Dvc, "out").unwrap();
    let found = imported(&world, "out", "theirs", None).unwrap();
    let told = &found.run.record().told;
    assert_eq!(told.settings["train.optimizer.lr"], json!(1e-5));
    assert_eq!(told.metrics["test.accuracy"].last().unwrap().value, 0.1 + 0.2);
    let steps: Vec<Option<i64>> = told.metrics["train/loss"].iter().map(|point| point.step).collect();
    assert_eq!(steps, [Some(1), Some(2), Some(3), Some(4)]);
    assert!(found.run.record().files.contains_key("plots/train.tsv"));
}

#[test]
fn an_imported_run_is_in_tables_beside_ours_and_in_nothing_that_needs_its_plan_or_model() {
    let world = World::new();
    world.export(&world.runs[..1], Format::Mlflow, "theirs").unwrap();
    let foreign = imported(&world, "theirs", "theirs", None).unwrap().run;
    let id = foreign.id();
    let runs = [AnyRun::from(foreign), AnyRun::from(world.runs[1].clone())];
    let exported = world.export_any(&runs, Format::Json, "tables").unwrap();
    assert!(exported.without_scores.is_empty(), "another tool has told its metrics: {exported:?}");
    let rows = |table: &str| -> Vec<Value> { serde_json::from_str(&world.read(table)).unwrap() };
    let names: Vec<Value> = rows("tables/runs.json").iter().map(|row| row["run"].clone()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&json!(id)), "{names:?}");
    let told = |row: &Value| row["run"] == json!(id) && row["metric"] == "test.accuracy";
    let metrics = rows("tables/metrics.json");
    let accuracy = metrics.iter().find(|row| told(row)).unwrap();
    assert_eq!((&accuracy["value"], &accuracy["method"]), (&json!(0.1 + 0.2), &json!("told by mlflow")));
    for format in [Format::Dvc, Format::Tensorboard, Format::ModelCard] {
        let error = world.export_any(&runs, format, "refused").unwrap_err();
        assert!(error.to_string().starts_with(&format!("{id} was imported")), "{error}");
        assert!(!world.path("refused").exists());
    }
}

#[test]
fn an_imported_run_goes_to_mlflow_as_it_was_told() {
    let world = World::new();
    world.export(&world.runs[..1], Format::Mlflow, "theirs").unwrap();
    let foreign = imported(&world, "theirs", "theirs", None).unwrap().run;
    let exported = world.export_any(&[AnyRun::from(foreign.clone())], Format::Mlflow, "out").unwrap();
    assert!(exported.without_scores.is_empty(), "another tool has told its metrics: {exported:?}");
    assert!(exported.files.iter().any(|file| file.ends_with("artifacts/foreign.json")), "{exported:?}");
    let again = imported(&world, "out", "again", None).unwrap().run;
    let [first, second] = [&foreign, &again].map(|run| &run.record().told);
    assert_eq!(first.settings, second.settings);
    // What is no number equals nothing, itself included.
    let spelled = |told: &Told| format!("{:?}", told.metrics);
    assert_eq!(spelled(first), spelled(second));
    assert_eq!(
        (&first.started, &first.ended, &first.status),
        (&second.started, &second.ended, &second.status)
    );
    assert_eq!(second.name.as_deref(), Some("theirs"), "the name that it has here");
    assert_eq!(second.tags["mlflow.source.name"], "cliptune", "as it was told");
}

#[test]
fn a_value_that_was_told_twice_is_in_mlflow_once() {
    let world = World::new();
    for (file, text) in [
        ("run/meta.yaml", "run_id: '0a'\nstatus: 4\nlifecycle_stage: active\nstart_time: 1700000000000\n"),
        ("run/metrics/acc@1", "1700000000500 0.5 0\n1700000000500 0.5 0\n1700000001000 0.625 1\n"),
        ("run/tags/mlflow.source.name", "train.py"),
    ] {
        let path = world.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let foreign = imported(&world, "run", "theirs", None).unwrap().run;
    let runs = [AnyRun::from(foreign), AnyRun::from(world.runs[0].clone())];
    world.export_any(&runs, Format::Mlflow, "out").unwrap();
    let database = Connection::open(world.path("out/mlflow.db")).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(
        one("SELECT group_concat(name) FROM (SELECT name FROM experiments ORDER BY 1)"),
        "Default,first,theirs"
    );
    assert_eq!(one("SELECT status FROM runs WHERE name = 'theirs'"), "FAILED");
    assert_eq!(one("SELECT group_concat(value) FROM metrics WHERE key = 'acc_at_1'"), "0.5,0.625");
    assert_eq!(
        one("SELECT value FROM tags WHERE key = 'mlflow.source.name' AND value <> 'cliptune'"),
        "train.py"
    );
}

#[test]
fn what_is_refused_leaves_the_store_as_it_was() {
    let world = World::new();
    world.export(&world.runs, Format::Mlflow, "several").unwrap();
    fs::write(world.path("theirs.jsonl"), "{\"id\": 1, \"predicted\": 0}\n").unwrap();
    fs::create_dir(world.path("nothing")).unwrap();
    let before = names_in(world.store.root());
    let refused = |source: &str, name: &str, run| imported(&world, source, name, run).unwrap_err();
    assert!(matches!(refused("several", "theirs", None), ImportError::SeveralRuns { .. }));
    assert!(matches!(refused("several", "theirs", Some("none")), ImportError::NoRun { .. }));
    assert!(matches!(refused("theirs.jsonl", "theirs", None), ImportError::NoItems { .. }));
    assert!(matches!(refused("nothing", "theirs", None), ImportError::Unknown { .. }));
    assert!(matches!(refused("missing", "theirs", None), ImportError::Nothing { .. }));
    world.export(&world.runs[..1], Format::Mlflow, "one").unwrap();
    let taken = refused("one", "first", None);
    assert!(matches!(taken, ImportError::Store(StoreError::NameTaken { .. })), "{taken}");
    assert_eq!(names_in(world.store.root()), before);
}
