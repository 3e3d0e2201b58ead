//! `cliptune export --as`: a trained run, written for other tools.

use fs_err as fs;
use serde_json::Value;

use crate::outputs::finished;
use crate::support::{TestContext, assert_output};

/// The command line that exports runs of the finished store.
fn export(what: &str) -> String {
    format!("export {what} --store {}", finished().path("runs").display())
}

#[test]
fn a_run_goes_into_every_format() {
    let context = TestContext::empty();
    let files = [
        ("mlflow", "mlflow.db"),
        ("dvc", "plots/validation.tsv"),
        ("tensorboard", ""),
        ("model-card", "README.md"),
        ("csv", "metrics.csv"),
        ("parquet", "events.parquet"),
        ("json", "runs.json"),
    ];
    for (format, file) in files {
        let exported = context.cliptune(&export(&format!("tuned@0 --as {format} --to {format} --json")));
        let exported = exported.succeeded().json();
        let listed: Vec<&str> =
            exported["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
        assert!(listed.contains(&file) || listed[0].contains("events.out.tfevents"), "{format}: {listed:?}");
        assert!(listed.iter().all(|file| context.path(format).join(file).is_file()), "{format}");
    }
    let card = fs::read_to_string(context.path("model-card/README.md")).unwrap();
    assert!(card.contains("from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel"), "{card}");
    assert!(card.contains("### test:") && card.contains("model-index:"), "{card}");
    let left = fs::read_dir(context.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".unfinished"));
    assert_eq!(left.count(), 0, "nothing unfinished is left");
}

#[test]
fn the_files_are_listed() {
    let context = TestContext::empty();
    assert_output!(context, context.cliptune(&export("tuned@0 --as csv --to tables --json")), @r#"
    exit code: 0
    ----- stdout -----
    {
      "runs": [
        "tuned/[RUN]-s0"
      ],
      "folder": "tables",
      "files": [
        "events.csv",
        "metrics.csv",
        "runs.csv",
        "settings.csv"
      ]
    }
    "#);
    assert_output!(context, context.cliptune(&export("base tuned --as dvc --to pipelines")), @r"
    exit code: 0
    ----- stdout -----
    pipelines
    ");
    assert_eq!(fs::read_dir(context.path("pipelines")).unwrap().count(), 2, "a folder for each experiment");
}

#[test]
fn an_experiment_file_stands_for_its_run_and_the_weights_come_along_for_mlflow() {
    let context = TestContext::empty();
    let to = context.path("out");
    let command = format!("export experiments/tuned.yaml --as mlflow --weights --to {} --json", to.display());
    let exported: Value = finished().cliptune(&command).succeeded().json();
    let files = exported["files"].as_array().unwrap();
    for end in ["artifacts/model/model.safetensors", "artifacts/onnx/text_model.onnx"] {
        assert!(files.iter().any(|file| file.as_str().unwrap().ends_with(end)), "{end}: {files:?}");
    }
    assert_eq!(exported["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn the_parameters_for_dvc_are_an_experiment_that_stands_for_the_same_run() {
    let context = TestContext::empty();
    let export = |what: &str, format: &str, to: &str| {
        let to = context.path(to);
        let command = format!("export {what} --as {format} --to {} --json", to.display());
        finished().cliptune(&command).succeeded().json()["runs"].clone()
    };
    let run = export("tuned@0", "dvc", "pipeline");
    let params = context.path("pipeline/params.yaml").display().to_string();
    assert_eq!(export(&params, "csv", "tables"), run);
    assert!(context.path("pipeline/from-base.yaml").is_file(), "the run has started from one of base");
    let pipeline = fs::read_to_string(context.path("pipeline/dvc.yaml")).unwrap();
    let store = fs::canonicalize(finished().path("runs")).unwrap().display().to_string();
    assert!(pipeline.contains(&format!("cliptune train params.yaml --store {store}")), "{pipeline}");
}

#[test]
fn settings_say_which_run_an_experiment_file_stands_for_and_nothing_else() {
    let context = TestContext::empty();
    let export = |what: &str| {
        let to = context.path("out");
        finished().cliptune(&format!("export {what} --as csv --to {} --set train.epochs=999", to.display()))
    };
    let other = export("experiments/base.yaml").ended(2);
    assert!(other.stderr.contains("no run stands for what experiments/base.yaml says now"), "{other}");
    let none = export("tuned@0").ended(2);
    assert!(none.stderr.contains("--set is about experiment files"), "{none}");
    assert!(!context.path("out").exists());
}

#[test]
fn what_cannot_be_exported_is_named_and_leaves_nothing() {
    let context = TestContext::empty();
    context.write("mine/notes.txt", "mine");
    assert_output!(context, context.cliptune(&export("tuned@0 --as csv --to mine")), @r"
    exit code: 2
    ----- stderr -----
    error: mine is there already

    hint: nothing is ever overwritten: choose another place
    ");
    assert_output!(context, context.cliptune(&export("tuned@0 --as csv --weights --to out")), @r"
    exit code: 2
    ----- stderr -----
    error: --weights is for --as mlflow alone
    ");
    assert_output!(context, context.cliptune(&export("tuned@0 base@0 --layout open_clip --to out")), @r"
    exit code: 2
    ----- stderr -----
    error: a layout is of one model, and 2 are named

    hint: name one run, or export several with --as
    ");
    let inside = finished().path("runs/exported");
    let refused = context.cliptune(&export(&format!("tuned@0 --as csv --to {}", inside.display()))).ended(2);
    assert!(refused.stderr.contains("is in the store") && refused.stderr.contains("beside it"), "{refused}");
    assert!(!inside.exists());
    let lost = context.cliptune(&export("tuned@7 --as csv --to out")).ended(2);
    assert!(lost.stderr.contains("there is no run tuned@7 in"), "{lost}");
    context.cliptune(&export("tuned@0 --as csv --layout open_clip --to out")).ended(2);
    context.cliptune(&export("tuned@0 --to out")).ended(2);
    assert_eq!(fs::read_dir(context.path("mine")).unwrap().count(), 1);
    assert!(!context.path("out").exists());
}
