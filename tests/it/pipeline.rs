//! `cliptune run`: what runs, what does not run again, and why.

use std::process::Command;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::{Output, TestContext, assert_output, output, program};
use crate::torture::injected;

/// The lines about what a run does, without what it has reached.
fn headings(output: &Output) -> Vec<&str> {
    let lines = output.stderr.lines().filter(|line| line.starts_with('['));
    lines.map(|line| line.split(',').next().unwrap()).collect()
}

/// Runs the experiments with a folder of images that no thread can open any more from a certain time on. Times are counted for
/// each thread, so that whatever lists the folder has to be one: of many, none may come to that time.
fn with_images_until(context: &TestContext, time: usize) -> Output {
    let before = injected("openat", "error=EIO", &format!("{time}+"));
    let mut command = Command::new(&before[0]);
    command.args(&before[1..]).arg("-P").arg(context.path("contest/images"));
    command.arg(program("cliptune")).args(["run", "experiments", "--store"]);
    command.arg(context.path(&format!("store-{time}"))).current_dir(context.path(""));
    output(command.env("NO_COLOR", "1").env("RAYON_NUM_THREADS", "1").env_remove("CLIPTUNE_STORE"))
}

#[test]
fn images_that_cannot_be_read_any_more_are_a_reason_that_is_told_and_nothing_counts_as_done() {
    let context = TestContext::new();
    for time in 1..=6 {
        let failed = with_images_until(&context, time).ended(1);
        assert!(failed.stderr.contains("contest/images`: Input/output error"), "{time}: {failed}");
        assert!(!failed.stderr.contains("everything is fresh"), "{time}: {failed}");
    }
}

#[test]
fn everything_runs_once() {
    let context = TestContext::new();
    let first = context.cliptune("run experiments").succeeded();
    let expected = [
        "[1/1] base: ingest",
        "[1/1] tuned: ingest",
        "[1/3] base s0: train",
        "[1/3] base s0: done",
        "[2/3] tuned s0: train",
        "[2/3] tuned s0: done",
        "[3/3] tuned s1: train",
        "[3/3] tuned s1: done",
    ];
    assert_eq!(headings(&first), expected);
    let table: Vec<&str> = first.stdout.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(table, ["experiment", "base", "tuned"], "{first}");

    let before = context.files("runs");
    let second = context.cliptune("run experiments").succeeded();
    assert_output!(context, second, @r"
    exit code: 0
    ----- stderr -----
    everything is fresh; the report is runs/reports/experiments/index.html
    ");
    assert_eq!(context.files("runs"), before, "a fresh store is left alone");
    context.cliptune("status --exit-code").succeeded();
    assert_output!(context, context.cliptune("status --why"), @r"
    exit code: 0
    ----- stdout -----
    experiment  seed  dataset  training  scores  why
    base           0  fresh    fresh     fresh
    tuned          0  fresh    fresh     fresh
    tuned          1  fresh    fresh     fresh
    ");
}

#[test]
fn a_changed_setting_makes_its_experiment_stale_and_no_other() {
    let context = TestContext::new();
    context.cliptune("run experiments").succeeded();
    context.replace("experiments/tuned.yaml", "lr: 1e-4", "lr: 2e-4");
    assert_output!(context, context.cliptune("status --why"), @r"
    exit code: 0
    ----- stdout -----
    experiment  seed  dataset  training  scores  why
    base           0  fresh    fresh     fresh
    tuned          0  fresh    stale     stale   train.optimizer.lr: 1e-4 → 2e-4
    tuned          1  fresh    stale     stale   train.optimizer.lr: 1e-4 → 2e-4
    ");
    let again = context.cliptune("run experiments").succeeded();
    assert_eq!(
        headings(&again),
        ["[1/2] tuned s0: train", "[1/2] tuned s0: done", "[2/2] tuned s1: train", "[2/2] tuned s1: done",]
    );
    assert_eq!(context.runs("base").len(), 1);
    assert_eq!(context.runs("tuned").len(), 4);
    // The way back costs nothing but the report: the first runs are still there.
    context.replace("experiments/tuned.yaml", "lr: 2e-4", "lr: 1e-4");
    assert!(headings(&context.cliptune("run experiments").succeeded()).is_empty());
}

#[test]
fn a_changed_base_makes_what_starts_from_it_stale() {
    let context = TestContext::new();
    context.cliptune("run experiments --set train.epochs=1").succeeded();
    context.replace("experiments/base.yaml", "lr: 1e-3", "lr: 2e-3");
    let status = context.cliptune("status --why --json --set train.epochs=1").succeeded().json();
    let why: Vec<&Value> = status.as_array().unwrap().iter().map(|line| &line["why"]).collect();
    assert_eq!(why[0][0], "train.optimizer.lr: 1e-3 → 0.002");
    assert_eq!(why[1][0], "the base run:base is stale");
}

#[test]
fn one_experiment_brings_its_base_with_it() {
    let context = TestContext::new();
    let output = context.cliptune("run experiments/tuned.yaml --json").succeeded();
    let summary = output.json();
    assert!(summary["report"].as_str().unwrap().ends_with("runs/reports/tuned/index.html"), "{summary:#}");
    let outcomes: Vec<&Value> =
        summary["results"].as_array().unwrap().iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["done", "done"], "{summary:#}");
    let score = &summary["results"][1]["score"];
    assert!(score["low"].as_f64() <= score["value"].as_f64(), "{summary:#}");
    assert_eq!(context.statuses("base"), ["done"]);
}

#[test]
fn settings_reach_the_experiments_they_concern() {
    let context = TestContext::new();
    // `train` and `model.architecture` have no place in every experiment.
    let text = fs_err::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    let zero_shot = text.split("train:\n").next().unwrap().replace("name: tuned", "name: zero-shot");
    context.write("experiments/zero-shot.yaml", &zero_shot);
    let settings = "--set train.epochs=1 --set model.architecture.image_size=64 --set seeds=[3]";
    context.cliptune(&format!("run experiments {settings}")).succeeded();
    for experiment in ["base", "tuned", "zero-shot"] {
        assert_eq!(context.statuses(experiment), ["done"]);
    }
    context.cliptune(&format!("status --exit-code {settings}")).succeeded();
    context.cliptune("status --exit-code").ended(3);
}

#[test]
fn a_matrix_is_several_runs() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "seeds: [0]", "matrix: { train.optimizer.lr: [1e-3, 2e-3] }");
    let output = context.cliptune("run experiments/base.yaml").succeeded();
    assert_eq!(context.statuses("base"), ["done", "done"]);
    assert_eq!(output.stdout.lines().count(), 3, "a header and two points: {output}");
}

#[test]
fn a_locked_tower_stays_as_it_was() {
    let context = TestContext::new();
    context.replace(
        "experiments/tuned.yaml",
        "  objective: choice\n",
        "  objective: choice\n  tune: locked-image\n",
    );
    // By accuracy, the five steps of this training are no better than none.
    let by_loss = "epochs: 1\n  select: validation.loss\n";
    context.replace("experiments/tuned.yaml", "epochs: 1\n", by_loss);
    context.replace("experiments/tuned.yaml", "seeds: [0, 1]", "seeds: [0]");
    context.cliptune("run experiments").succeeded();
    let [base, tuned] = ["base", "tuned"].map(|experiment| {
        fs_err::read(context.only_run(experiment).join("model/model.safetensors")).unwrap()
    });
    let [base, tuned] = [&base, &tuned].map(|file| SafeTensors::deserialize(file).unwrap());
    let (vision, text): (Vec<_>, Vec<_>) = base.iter().partition(|(name, _)| name.starts_with("vis"));
    assert!(!vision.is_empty());
    assert!(vision.iter().all(|(name, weight)| tuned.tensor(name).unwrap() == *weight));
    assert!(text.iter().any(|(name, weight)| tuned.tensor(name).unwrap() != *weight));
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let context = TestContext::new();
    let output = context.cliptune("run experiments --quiet").succeeded();
    let unexpected: Vec<&str> = output.stderr.lines().filter(|line| !line.starts_with("warning:")).collect();
    assert!(unexpected.is_empty(), "{output}");
    assert!(output.stdout.contains("accuracy"), "{output}");
}
