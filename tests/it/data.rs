//! Data that is not as it should be.

use fs_err as fs;
use serde_json::Value;

use crate::support::TestContext;

#[test]
fn a_broken_image_is_left_out_and_said_so() {
    let context = TestContext::new();
    let image = first_image(&context);
    let bytes = fs::read(context.path(&image)).unwrap();
    fs::write(context.path(&image), &bytes[..bytes.len() / 3]).unwrap();
    context.write("contest/images/nobody.jpeg", "no image at all");
    context.cliptune("ingest experiments/base.yaml").succeeded();

    let record = dataset(&context);
    let rejects = record["rejects"].as_object().unwrap();
    assert!(!rejects.is_empty(), "{record:#}");
    assert_eq!(record["join"]["images"], 61);
    assert_eq!(record["items"]["groups"], 59, "the broken one is gone, the others are there");
    context.cliptune("train experiments/base.yaml").succeeded();
}

#[test]
fn an_image_that_breaks_after_ingest_is_named() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    let image = first_image(&context);
    fs::remove_file(context.path(&image)).unwrap();
    // The sources are others now, so the dataset is stale; nobody trains on half of one by accident.
    let failed = context.cliptune("train experiments/base.yaml");
    assert_ne!(failed.code, Some(0), "{failed}");
    assert!(failed.stderr.contains("ingest"), "{failed}");
    context.cliptune("run experiments/base.yaml").succeeded();
}

#[test]
fn the_same_data_elsewhere_is_the_same_dataset() {
    let context = TestContext::new();
    context.cliptune("ingest experiments").succeeded();
    let datasets = context.files("runs/datasets").len();
    fs::rename(context.path("contest"), context.path("moved")).unwrap();
    for experiment in ["base", "tuned"] {
        context.replace(&format!("experiments/{experiment}.yaml"), "../contest/", "../moved/");
    }
    let status = context.cliptune("status --json").succeeded().json();
    assert!(status.as_array().unwrap().iter().all(|line| line["dataset"] == "fresh"), "{status:#}");
    context.cliptune("run experiments").succeeded();
    assert_eq!(context.files("runs/datasets").len(), datasets);
}

#[test]
fn a_test_set_alone_is_scored_by_itself() {
    let context = TestContext::new();
    context.cliptune("run experiments/base.yaml").succeeded();
    context.cliptune("demo-data external --cartoons 50 --seed 9").succeeded();
    let tuned = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    let data = tuned.split("train:\n").next().unwrap().replace("../contest/", "../external/");
    let alone = data.replace("train: 0.6, validation: 0.2, test: 0.2", "train: 0, validation: 0, test: 1");
    context.write("experiments/external.yaml", &alone.replace("name: tuned", "name: external"));
    context.cliptune("run experiments/external.yaml").succeeded();
    assert_eq!(context.statuses("external"), ["done"]);
    let scores = context.only_run("external").join("scores");
    assert!(scores.join("test/scores.json").is_file() && !scores.join("validation").exists());
    context.cliptune("status experiments/external.yaml --exit-code").succeeded();
    context.cliptune("report experiments/external.yaml").succeeded();
}

#[test]
fn an_image_more_moves_no_cartoon_and_ingest_says_what_changed() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    let image = first_image(&context);
    fs::remove_file(context.path(&image)).unwrap();
    let again = context.cliptune("ingest experiments/base.yaml").succeeded();
    assert!(again.stderr.contains("images: 1 removed; rows: "), "{again}");
    assert!(again.stderr.contains("  moved      no item\n"), "{again}");
}

fn first_image(context: &TestContext) -> String {
    context.files("contest/images").into_iter().next().expect("there are images").0
}

/// The record of the only dataset.
fn dataset(context: &TestContext) -> Value {
    let files = context.files("runs/datasets");
    let records: Vec<_> = files.iter().filter(|(name, _)| name.ends_with("dataset.json")).collect();
    assert_eq!(records.len(), 1);
    serde_json::from_slice(&fs::read(context.path(&records[0].0)).unwrap()).unwrap()
}
