//! What the commands that only look say.

use crate::support::{TestContext, assert_output, output};

#[test]
fn check_shows_the_plan_and_touches_nothing() {
    let context = TestContext::new();
    assert_output!(context, context.cliptune("check experiments"), @r#"
    exit code: 0
    ----- stdout -----
    base
      file      experiments/base.yaml
      runs      1: seed 0
      images    contest/images
      table     contest/contest.parquet
      join      image name = filename
      items     pairs: text image_description, group contest_number, id instance_id, deduplicated
      split     by component across caption_choices: train 0.6, validation 0.2, test 0.2, seed 0
      model     random weights: image 32, patch 16, vision 1 × 32, text 1 × 32, 32 tokens, 600 words
      train     contrastive, full; 2 epochs of batches of 32; adamw lr 1e-3, weight decay 0.1; 2 warm-up steps, then cosine; best validation.accuracy
      with      data.columns.vocabulary ["caption_choices"]
      export    ONNX fp32
      score     validation, test
      defaults  data: access.metadata_server false, deduplicate true, verify whole, split.near_duplicates report
                model: architecture.activation quick_gelu, architecture.logit_scale 2.6592
                train: label_smoothing 0, reduction mean, tune full, logit_scale learned, accumulate 1, gradient_checkpointing false, shuffle true, optimizer.betas [0.9,0.98], optimizer.eps 1e-6, optimizer.weight_decay 0.1, optimizer.layer_decay 1, precision fp32, deterministic false, select validation.accuracy, interpolate []
                checkpoint: every_minutes 5
                export: onnx ["fp32"]
                score: splits ["validation","test"]

    tuned
      file      experiments/tuned.yaml
      runs      2: seeds 0, 1
      images    contest/images
      table     contest/contest.parquet
      join      image name = filename
      items     choice: choices caption_choices, label label, group contest_number, id instance_id, deduplicated
      split     by component across caption_choices: train 0.6, validation 0.2, test 0.2, seed 0
      model     run:base
      train     choice, full; 1 epoch of batches of 32; adamw lr 1e-4, weight decay 0.1; 10 % warm-up, then cosine; best validation.accuracy
      export    ONNX fp32
      score     validation, test
      defaults  data: access.metadata_server false, columns.vocabulary [], deduplicate true, verify whole, split.near_duplicates report
                train: label_smoothing 0, reduction mean, tune full, logit_scale learned, accumulate 1, gradient_checkpointing false, shuffle true, optimizer.betas [0.9,0.98], optimizer.eps 1e-6, optimizer.weight_decay 0.1, optimizer.layer_decay 1, schedule.warmup 0.1, schedule.decay cosine, precision fp32, deterministic false, select validation.accuracy, interpolate []
                checkpoint: every_minutes 5
                export: onnx ["fp32"]
                score: splits ["validation","test"]
    "#);
    assert!(!context.path("runs").exists());
}

#[test]
fn a_resolved_plan_is_an_experiment_again() {
    let context = TestContext::new();
    let resolved = context.cliptune("check experiments/base.yaml --resolved").succeeded().stdout;
    context.write("elsewhere/base.yaml", &resolved);
    let again = context.cliptune("check elsewhere/base.yaml --resolved").succeeded();
    assert_eq!(again.stdout, resolved);
    // One document for each run.
    let all = context.cliptune("check experiments --resolved").succeeded().stdout;
    assert_eq!(all.split("\n---\n").count(), 3);
}

#[test]
fn check_has_every_run_for_machines() {
    let context = TestContext::new();
    let plan = context.cliptune("check experiments --json --set seeds=[7]").succeeded().json();
    assert_eq!(plan[0]["name"], "base");
    assert_eq!(plan[1]["runs"][0]["seed"], 7);
    assert_eq!(plan[1]["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn status_before_anything_ran() {
    let context = TestContext::new();
    assert_output!(context, context.cliptune("status --why"), @r"
    exit code: 0
    ----- stdout -----
    experiment  seed  dataset  training  scores  why
    base           0  stale    stale     stale   no dataset yet; never trained
    tuned          0  stale    stale     stale   no dataset yet; the base run:base is stale; never trained
    tuned          1  stale    stale     stale   no dataset yet; the base run:base is stale; never trained
    ----- stderr -----
    looking at the data: [SIZE] in [TIME]
    ");
    context.cliptune("status --exit-code").ended(3);
}

#[test]
fn status_without_experiments() {
    let context = TestContext::empty();
    assert_output!(context, context.cliptune("status"), @r"
    exit code: 2
    ----- stderr -----
    error: there are no experiments in experiments

    hint: name an experiment file or a folder of them
    ");
}

#[test]
fn ls_of_an_empty_store() {
    let context = TestContext::empty();
    assert_output!(context, context.cliptune("ls"), @r"
    exit code: 0
    ----- stderr -----
    there are no runs in runs
    ");
    assert_eq!(context.cliptune("ls --json").succeeded().json(), serde_json::json!([]));
}

#[test]
fn the_schema_is_the_one_of_the_experiments() {
    let context = TestContext::empty();
    let schema = context.cliptune("schema").succeeded().json();
    let file = crate::support::checkout().join("experiments/experiment.schema.json");
    let checked_in: serde_json::Value = serde_json::from_slice(&fs_err::read(file).unwrap()).unwrap();
    assert_eq!(schema, checked_in);
}

#[test]
fn the_tutorials_loop_is_declared_to_the_letter() {
    let context = TestContext::empty();
    let file = crate::support::checkout().join("experiments/tutorial/tutorial.yaml");
    let shown = context.cliptune(&format!("check {}", file.display())).succeeded().stdout;
    let told = ["train", "with", "score"]
        .map(|name| shown.lines().map(str::trim).find(|line| line.starts_with(name)).unwrap_or_default());
    insta::assert_snapshot!(told.join("\n"), @r"
    train     choice, full; 5 epochs of batches of 2; adam lr 1e-4, weight decay 0; 0 warm-up steps, then constant; best last
    with      reduction sum, shuffle false
    score     train
    ");
}

#[test]
fn completions_are_for_a_shell() {
    let context = TestContext::empty();
    let script = context.cliptune("completions bash").succeeded().stdout;
    assert!(script.contains("demo-data"));
    let checked = output(std::process::Command::new("bash").args(["-n", "-c", &script]));
    checked.succeeded();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let context = TestContext::empty();
    let script = format!(
        "{} schema | head -n 1; exit ${{PIPESTATUS[0]}}",
        crate::support::program("cliptune").display()
    );
    let first =
        output(std::process::Command::new("bash").args(["-c", &script]).current_dir(context.path("")));
    assert_eq!(first.succeeded().stdout, "{\n");
}

#[test]
fn a_contest_is_drawn_once() {
    let context = TestContext::empty();
    assert_output!(context, context.cliptune("demo-data contest --cartoons 60 -q"), @r"
    exit code: 0
    ");
    let files = context.files("contest");
    let again = context.cliptune("demo-data contest --cartoons 60 --json").succeeded().json();
    assert_eq!(again["drawn"], false);
    assert_eq!(context.files("contest"), files);
    assert_output!(context, context.cliptune("demo-data contest --cartoons 70"), @r"
    exit code: 2
    ----- stderr -----
    error: contest already holds another contest (60 cartoons, seed 0, format 2, not 70 cartoons, seed 0, format 2); remove it or choose another folder
    ");
    assert_output!(context, context.cliptune("demo-data other --cartoons 3"), @r"
    exit code: 2
    ----- stderr -----
    error: 3 cartoons asked for, but a contest has between 50 and 10000
    ");
    assert!(!context.path("other").exists());
}
