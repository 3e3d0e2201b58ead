//! Runs as tables.

use cliptune_exchange::export::Format;
use cliptune_query::{Query, Runs, View};
use cliptune_store::foreign_rows;
use fs_err as fs;
use serde_json::Value;

use crate::support::{World, texts};

/// Returns what a query says about a run, as rows of JSON.
fn asked(world: &World, view: View, run: &str) -> Vec<Value> {
    let runs = Runs::open(&world.store).unwrap();
    let sql = format!("SELECT * FROM {} WHERE run = '{run}'", view.name());
    let rows = Query::open(&world.store, &runs, &sql, None).unwrap().json().unwrap();
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}

#[test]
fn the_rows_are_those_of_a_query_and_of_no_other_run() {
    let world = World::new();
    let exported = world.export(&world.runs[..1], Format::Json, "out").unwrap();
    assert_eq!(texts(&exported.files), ["events.json", "metrics.json", "runs.json", "settings.json"]);
    for view in [View::Runs, View::Settings, View::Metrics, View::Events] {
        let rows: Vec<Value> =
            serde_json::from_str(&world.read(&format!("out/{}.json", view.name()))).unwrap();
        assert!(!rows.is_empty());
        assert_eq!(sorted(rows), sorted(asked(&world, view, &world.runs[0].id())), "{}", view.name());
    }
}

#[test]
fn every_table_has_its_columns_in_every_form() {
    let world = World::new();
    world.export(&world.runs, Format::Csv, "csv").unwrap();
    world.export(&world.runs, Format::Parquet, "parquet").unwrap();
    for view in [View::Runs, View::Settings, View::Metrics, View::Events] {
        let columns: Vec<&str> = view.columns().iter().map(|column| column.name).collect();
        let csv = world.read(&format!("csv/{}.csv", view.name()));
        assert_eq!(csv.lines().next().unwrap(), columns.join(","));
        let parquet = foreign_rows(&world.path("parquet").join(format!("{}.parquet", view.name()))).unwrap();
        assert_eq!(parquet.len(), csv.lines().count() - 1, "{}", view.name());
        let row: serde_json::Map<String, Value> = serde_json::from_str(&parquet[0]).unwrap();
        assert_eq!(row.keys().map(String::as_str).collect::<Vec<_>>(), columns);
    }
}

#[test]
fn a_number_keeps_its_bits_and_a_text_gives_no_orders() {
    let world = World::new();
    world.export(&world.runs[..3], Format::Csv, "csv").unwrap();
    let metrics = world.read("csv/metrics.csv");
    assert!(metrics.contains("accuracy,0.30000000000000004,"), "{metrics}");
    let runs = world.read("csv/runs.csv");
    assert!(runs.contains(r"'=the loss|\u{1b}[31m is NaN"), "{runs}");
}

#[test]
fn a_run_without_scores_is_named_and_one_with_a_damaged_log_is_told() {
    let world = World::new();
    let exported = world.export(&world.runs, Format::Csv, "out").unwrap();
    assert_eq!(exported.without_scores, [world.runs[2].id(), world.runs[3].id()]);
    assert!(exported.damage.is_empty());
    let log = world.runs[0].events_file();
    let whole = fs::read_to_string(&log).unwrap();
    fs::write(&log, whole.replacen("loss", "lass", 1)).unwrap();
    let exported = world.export(&world.runs[..1], Format::Csv, "damaged").unwrap();
    assert_eq!(exported.damage.len(), 1, "{:?}", exported.damage);
    assert_eq!(world.read("damaged/events.csv").lines().count(), 1 + 3);
    let other = world.export(&world.runs[1..2], Format::Csv, "other").unwrap();
    assert!(other.damage.is_empty(), "the damage of another run is not told: {:?}", other.damage);
}

#[test]
fn what_is_there_stays_and_nothing_is_left_behind() {
    let world = World::new();
    fs::create_dir(world.path("mine")).unwrap();
    fs::write(world.path("mine/notes.txt"), "mine").unwrap();
    let error = world.export(&world.runs, Format::Csv, "mine").unwrap_err();
    assert!(error.to_string().ends_with("is there already"), "{error}");
    assert_eq!(fs::read_dir(world.path("mine")).unwrap().count(), 1);
    fs::create_dir(world.path("empty")).unwrap();
    world.export(&world.runs, Format::Csv, "empty").unwrap();
    assert_eq!(fs::read_dir(world.path("empty")).unwrap().count(), 4);
}

#[test]
fn nothing_is_exported_into_the_store() {
    let world = World::new();
    let before = fs::read_dir(world.store.root()).unwrap().count();
    for place in ["runs/out", "runs", "runs/first/out", "runs/new/out"] {
        let error = world.export(&world.runs, Format::Mlflow, place).unwrap_err();
        assert!(error.to_string().ends_with("is in the store"), "{place}: {error}");
    }
    let own = world.runs[0].folder().strip_prefix(world.path("")).unwrap().to_str().unwrap();
    assert!(
        world.export(&world.runs, Format::Csv, own).unwrap_err().to_string().ends_with("is in the store")
    );
    assert_eq!(fs::read_dir(world.store.root()).unwrap().count(), before);
}
