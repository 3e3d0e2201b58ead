//! Runs for DVC, read back as DVC reads them.

use cliptune_exchange::export::Format;
use cliptune_experiment::Location;
use serde_json::Value;

use crate::drawn;
use crate::support::{World, texts};

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn a_run_has_its_parameters_metrics_and_curves() {
    let world = World::new();
    let exported = world.export(&world.runs[..1], Format::Dvc, "out").unwrap();
    assert_eq!(texts(&exported.files), ["dvc.yaml", "metrics.json", "params.yaml", "plots/train.tsv"]);
    let params = yaml(&world.read("out/params.yaml"));
    assert_eq!(params["train"]["optimizer"]["lr"], 1e-5);
    assert_eq!(params["name"], "first");
    let metrics: Value = serde_json::from_str(&world.read("out/metrics.json")).unwrap();
    assert_eq!(metrics["test"]["accuracy"], 0.1 + 0.2);
    assert_eq!(metrics["test"]["accuracy.low"], 0.1 + 0.2 - 0.1);
    assert_eq!(metrics["validation"]["n_items"], 3.0);
    assert!(metrics["test"].get("mrr").is_none(), "JSON has no NaN: {metrics}");
    let curves = world.read("out/plots/train.tsv");
    assert_eq!(
        curves.lines().next().unwrap(),
        "step\tgradient_norm\titems_per_second\tlearning_rate\tlogit_scale\tloss"
    );
    assert_eq!(curves.lines().count(), 5);
}

#[test]
fn the_pipeline_calls_each_tool_on_the_parameters() {
    let world = World::new();
    world.export(&world.runs[..1], Format::Dvc, "out").unwrap();
    let pipeline = yaml(&world.read("out/dvc.yaml"));
    let stages = &pipeline["stages"];
    assert_eq!(stages["ingest"]["cmd"], "cliptune ingest params.yaml --store ../runs --json > dataset.json");
    assert_eq!(stages["ingest"]["deps"], serde_json::json!(["../images", "../table.parquet"]));
    assert_eq!(stages["train"]["params"], serde_json::json!(["model", "train", "export", "seeds"]));
    assert_eq!(stages["score"]["metrics"][0]["metrics.json"]["cache"], false);
    let again = &stages["score"]["cmd"][2];
    assert_eq!(again, "cliptune export params.yaml --store ../runs --as dvc --to exported");
    let plots = pipeline["plots"].as_array().unwrap();
    assert!(plots.iter().any(|plot| plot["train/loss"]["y"]["plots/train.tsv"] == "loss"), "{plots:?}");
}

#[test]
fn what_the_data_is_made_of_is_named_once() {
    let world = World::new();
    let mut plan = drawn::plans(&world.path(""), "several").swap_remove(0);
    plan.data.images =
        ["images/*.png", "more", "images/*.jpg"].map(|path| Location::from(world.path(path))).to_vec();
    let run = drawn::run(&world.store, &plan, 7, None);
    world.export(&[run], Format::Dvc, "out").unwrap();
    let pipeline = yaml(&world.read("out/dvc.yaml"));
    let expected = serde_json::json!(["../images", "../more", "../table.parquet"]);
    assert_eq!(pipeline["stages"]["ingest"]["deps"], expected);
}

#[test]
fn several_runs_have_a_folder_each() {
    let world = World::new();
    let exported = world.export(&world.runs, Format::Dvc, "out").unwrap();
    for run in &world.runs {
        let metrics: Value =
            serde_json::from_str(&world.read(&format!("out/{}/metrics.json", run.id()))).unwrap();
        assert!(metrics.is_object());
    }
    assert_eq!(exported.without_scores.len(), 2);
    let pipeline = yaml(&world.read(&format!("out/{}/dvc.yaml", world.runs[3].id())));
    let command = pipeline["stages"]["train"]["cmd"].as_str().unwrap();
    assert!(command.contains("--store ../../../runs"), "{command}");
}
