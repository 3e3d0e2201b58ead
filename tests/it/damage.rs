//! What is damaged in the store: it is named, it hides nothing else, and `run` makes it again.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};

use crate::signals::training;
use crate::support::TestContext;

/// A base that is complete, and one that starts from it.
fn complete() -> TestContext {
    let context = TestContext::new();
    context.cliptune("run experiments").succeeded();
    context
}

fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("onnx/model.safetensors")).unwrap()
}

fn truncate(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

/// A FIFO: whoever opens it waits for ever.
fn replace_by_fifo(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn replace_by_folder(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

/// Makes sure that every command goes on, names the file, and that `run` brings everything back from the same weights.
fn assert_comes_back(context: &TestContext, path: &Path) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (run, before) = (context.only_run("base"), weights(&context.only_run("base")));
    let status = context.cliptune("status experiments --why").succeeded();
    assert_eq!(status.stderr.matches(name).count(), 1, "named once\n{status}");
    assert_eq!(status.stdout.lines().count(), 4, "{status}");
    context.cliptune("report experiments").succeeded();
    assert_eq!(context.statuses("base"), ["done"]);
    let again = context.cliptune("run experiments").succeeded();
    assert!(!again.stderr.contains(" move "), "{again}");
    let fresh = context.cliptune("run experiments").succeeded();
    assert!(fresh.stderr.starts_with("everything is fresh"), "{fresh}");
    assert_eq!(context.only_run("base"), run, "it was not trained again");
    assert!(weights(&run) == before, "the weights are untouched");
}

#[test]
fn what_is_derived_comes_back_and_the_weights_stay() {
    let context = complete();
    let base = context.only_run("base");
    let files: [PathBuf; 5] = [
        base.join("scores/test/scores.json"),
        base.join("scores/test/predictions.parquet"),
        base.join("onnx/parity.json"),
        base.join("onnx/text_model.onnx"),
        dataset(&context).join("dataset.json"),
    ];
    for path in files {
        for damage in [truncate, replace_by_fifo, replace_by_folder] {
            damage(&path);
            assert_comes_back(&context, &path);
        }
    }
}

#[test]
fn a_damaged_checkpoint_is_named_once_and_the_same_command_finishes() {
    let context = TestContext::new();
    let (child, run) = training(&context, "cliptune-train", "");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap();
    truncate(&run.join("checkpoint/last.safetensors"));
    let finished = context.cliptune("run experiments/base.yaml --set train.epochs=150").succeeded();
    let told = "is trained again from its beginning";
    assert_eq!(finished.stderr.matches(told).count(), 1, "{finished}");
    assert!(
        finished.stderr.contains(run.join("checkpoint/last.safetensors").to_str().unwrap()),
        "{finished}"
    );
    assert_eq!((context.only_run("base"), context.statuses("base")), (run, vec!["done".to_owned()]));
}

/// The dataset that the base was trained on.
fn dataset(context: &TestContext) -> PathBuf {
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(context.only_run("base").join("run.json")).unwrap()).unwrap();
    context.path("runs/datasets").join(&record["dataset"].as_str().unwrap()[..16])
}

#[test]
fn ls_and_show_go_on_without_what_is_damaged() {
    let context = complete();
    let base = context.only_run("base");
    truncate(&base.join("scores/test/scores.json"));
    fs::write(base.join("onnx/precisions.json"), "no record").unwrap();
    for command in ["ls", "show base@0"] {
        let shown = context.cliptune(command).succeeded();
        for name in ["scores.json is damaged", "precisions.json is damaged"] {
            assert_eq!(shown.stderr.matches(name).count(), 1, "{shown}");
        }
        assert!(shown.stdout.contains("validation"), "{shown}");
    }
    assert_eq!(context.cliptune("ls --json").succeeded().json().as_array().unwrap().len(), 3);
    truncate(&base.join("run.json"));
    let listed = context.cliptune("ls").succeeded();
    assert!(listed.stderr.contains("is no readable run"), "{listed}");
    assert_eq!(context.statuses("tuned"), ["done", "done"]);
}

#[test]
fn the_runs_of_an_experiment_are_exported_without_the_one_that_is_damaged() {
    let context = complete();
    truncate(&context.runs("tuned")[0].join("run.json"));
    let exported = context.cliptune("export tuned --as json --to tables --json").succeeded();
    assert!(exported.stderr.contains("is no readable run: "), "{exported}");
    assert_eq!(exported.json()["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_changed_bit_of_weights_stops_whatever_would_use_them() {
    let context = complete();
    let base = context.only_run("base");
    let file = base.join("onnx/model.safetensors");
    let mut bytes = weights(&base);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).unwrap();
    fs::remove_dir_all(base.join("scores")).unwrap();
    for command in ["export base --layout hugging-face --to exported", "score experiments/base.yaml"] {
        let failed = context.cliptune(command).ended(1);
        assert!(failed.stderr.contains("model.safetensors is damaged"), "{failed}");
        assert!(failed.stderr.contains("put an intact copy of the file there"), "{failed}");
    }
    assert!(!context.path("exported").exists());
    context.replace("experiments/tuned.yaml", "epochs: 1", "epochs: 2");
    let failed = context.cliptune("train experiments/tuned.yaml experiments/base.yaml").ended(1);
    assert!(failed.stderr.contains("model.safetensors is damaged"), "{failed}");
    assert_eq!(context.statuses("tuned"), ["done", "done"], "nothing was trained on it");
}

#[test]
fn everything_is_checked_and_what_can_be_is_mended() {
    let context = complete();
    let whole = context.cliptune("fsck").succeeded();
    assert!(
        whole.stdout.is_empty() && whole.stderr.contains("checked 3 runs, 2 datasets, 1 report"),
        "{whole}"
    );
    let base = context.only_run("base");
    truncate(&base.join("scores/test/predictions.parquet"));
    let found = context.cliptune("fsck").ended(1);
    assert_eq!(found.stdout.matches("predictions.parquet is damaged").count(), 1, "{found}");
    context.cliptune("fsck --repair").succeeded();
    let report = context.cliptune("fsck --json").succeeded().json();
    assert_eq!((&report["damaged"], &report["findings"]), (&0.into(), &serde_json::json!([])));
    context.cliptune("run experiments").succeeded();
    assert!(base.join("scores/test/predictions.parquet").is_file());
    // What cannot be derived is left as it is.
    truncate(&base.join("onnx/model.safetensors"));
    let before = weights(&base);
    let mended = context.cliptune("fsck --repair --json").ended(1).json();
    assert_eq!((&mended["damaged"], &mended["mended"]), (&1.into(), &0.into()), "{mended:#}");
    assert!(weights(&base) == before);
}

#[test]
fn a_run_with_a_damaged_record_can_be_removed() {
    let context = complete();
    let base = context.only_run("base");
    let id = format!("base/{}", base.file_name().unwrap().to_str().unwrap());
    truncate(&base.join("run.json"));
    let shown = context.cliptune(&format!("show {id}")).ended(1);
    assert!(
        shown.stderr.contains("run.json is damaged") && !shown.stderr.contains("did you mean"),
        "{shown}"
    );
    let needed = context.cliptune(&format!("rm {id}")).ended(2);
    assert!(needed.stderr.contains("was made from it"), "{needed}");
    let removed = context.cliptune(&format!("rm {id} --force")).succeeded();
    assert!(
        removed.stdout.contains("damaged run") && removed.stderr.contains("run.json is damaged"),
        "{removed}"
    );
    assert!(!base.exists());
    context.cliptune(&format!("restore {id}")).succeeded();
    assert!(base.join("onnx/model.safetensors").is_file());
}

#[test]
fn a_log_that_is_no_file_stops_nothing_and_is_named() {
    let context = complete();
    let log = context.only_run("base").join("events.jsonl");
    for damage in [replace_by_fifo, |path: &Path| fs::write(path, "").unwrap()] {
        fs::remove_file(&log).unwrap();
        fs::write(&log, "").unwrap();
        damage(&log);
        let is_file = log.is_file();
        for command in ["status experiments", "report experiments", "run experiments"] {
            let output = context.cliptune(command).succeeded();
            assert_eq!(
                output.stderr.matches("events.jsonl is damaged").count(),
                usize::from(!is_file),
                "{output}"
            );
        }
    }
}

#[test]
fn a_dataset_without_its_record_is_made_again_whatever_has_its_name() {
    let context = complete();
    let folder = dataset(&context);
    let obstacles: [&dyn Fn(); 4] = [
        &|| fs::create_dir(&folder).unwrap(),
        &|| fs::write(&folder, "a file").unwrap(),
        &|| std::os::unix::fs::symlink("/nowhere", &folder).unwrap(),
        &|| {
            fs::create_dir(&folder).unwrap();
            std::os::unix::fs::symlink("dataset.json", folder.join("dataset.json")).unwrap();
        },
    ];
    for obstacle in obstacles {
        fs::remove_dir_all(&folder).unwrap();
        obstacle();
        context.cliptune("run experiments").succeeded();
        assert!(folder.join("items.parquet").is_file());
        assert!(context.cliptune("run experiments").succeeded().stderr.starts_with("everything is fresh"));
    }
}

#[test]
fn one_missing_table_leaves_the_rest_to_be_made() {
    let context = TestContext::new();
    let other = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    let other = other.replace("name: base", "name: lost").replace("contest.parquet", "nowhere.parquet");
    context.write("experiments/lost.yaml", &other);
    let run = context.cliptune("run experiments").ended(2);
    assert!(run.stderr.contains("warning: lost is left out: there is no table"), "{run}");
    assert_eq!(context.statuses("base"), ["done"]);
    assert_eq!(context.statuses("tuned"), ["done", "done"]);
    let status = context.cliptune("status experiments --json").succeeded().json();
    let lost = status.as_array().unwrap().iter().find(|line| line["experiment"] == "lost").unwrap();
    assert_eq!(lost["training"], "unknown");
    context.cliptune("report experiments").succeeded();
}

#[test]
fn a_base_that_cannot_be_scored_is_still_started_from() {
    let context = TestContext::new();
    // Without graphs there is nothing to score.
    let base = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    context.write("experiments/base.yaml", &format!("{base}export: {{ onnx: [] }}\n"));
    let run = context.cliptune("run experiments").ended(1);
    assert!(run.stderr.contains("base is incomplete: score failed"), "{run}");
    assert!(!run.stderr.contains("tuned is skipped"), "{run}");
    assert_eq!(context.statuses("tuned"), ["done", "done"], "{run}");
    let scored = context.cliptune("ls --json").succeeded().json();
    let tuned = scored.as_array().unwrap().iter().filter(|run| run["experiment"] == "tuned");
    assert!(tuned.clone().all(|run| run["scores"]["test"].is_object()), "{scored:#}");
}

#[test]
fn a_run_is_named_by_experiment_and_seed_wherever_one_is_named() {
    let context = complete();
    // Both seeds may have begun within the same second, which is what their names begin with.
    let tuned = context.runs("tuned").into_iter().find(|run| run.to_str().unwrap().ends_with("-s1")).unwrap();
    let id = format!("tuned/{}", tuned.file_name().unwrap().to_str().unwrap());
    for name in ["tuned@1", &id, tuned.to_str().unwrap()] {
        let shown = context.cliptune(&format!("show {name} --json")).succeeded().json();
        assert_eq!(shown["id"], *id);
    }
    context.cliptune("export tuned@1 --layout hugging-face --to exported").succeeded();
    let soup = context.cliptune("soup tuned@0 tuned@1 --to soup --json").succeeded().json();
    assert_eq!(soup["runs"].as_array().unwrap().len(), 2);
    let several = context.cliptune("show tuned").ended(2);
    assert!(several.stderr.contains("stands for 2 runs: tuned/"), "{several}");
}

#[test]
fn a_setting_reaches_the_experiments_that_have_a_place_for_it() {
    let context = TestContext::new();
    context.replace(
        "experiments/tuned.yaml",
        "  objective: choice",
        "  tune: lora\n  lora: { rank: 4 }\n  objective: choice",
    );
    context.cliptune("run experiments --set train.lora.rank=2").succeeded();
    let shown = context.cliptune("show tuned@0 --json").succeeded().json();
    assert!(shown["record"]["plan"]["train"].to_string().contains("\"rank\":2"), "{shown:#}");
}
