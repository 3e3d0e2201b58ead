//! `cliptune train --dry-run`.

use crate::support::{TestContext, assert_output};

#[test]
fn a_dry_run_says_what_would_be_trained_and_writes_nothing() {
    let context = TestContext::new();
    context.cliptune("ingest experiments").succeeded();
    let before = context.files("");
    let shown = context.cliptune("train --dry-run experiments").succeeded();
    assert_output!(context, shown, @r"
    exit code: 0
    ----- stdout -----
    base: 1 run, seed 0
      part               weights                    parameters      lr  weight decay
      logit scale        norms, biases, embeddings           1    1e-3             0
      text tower         norms, biases, embeddings       4,832    1e-3             0
      text tower         matrices                       12,288    1e-3           0.1
      text tower         tokens that no text has        15,872  locked        locked
      text projection    matrices                        1,024    1e-3           0.1
      vision tower       norms, biases, embeddings         736    1e-3             0
      vision tower       matrices                       36,864    1e-3           0.1
      visual projection  matrices                        1,024    1e-3           0.1
      trained  56,769 of 72,641 parameters
      steps    8: 2 epochs of 4 steps, 32 items a step, 108 items to train on
      memory   about [SIZE] of [SIZE]: weights [SIZE], gradients [SIZE], moments [SIZE], activations [SIZE], pixels [SIZE], libraries [SIZE]; [SIZE] more while a checkpoint is written
      time     about [TIME] on cpu: a step [TIME], an evaluation [TIME], decoding [TIME]

    tuned: 2 runs, seeds 0, 1
      cannot be told yet: tuned starts from base, which has not been trained
    ----- stderr -----
    warning: base: 112 texts are longer than 32 tokens and are cut, the first of them that of item [HASH]
    base: measuring some steps
    ");
    assert_eq!(context.files(""), before);
}

#[test]
fn a_dry_run_is_told_to_machines_in_full() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    let told = context.cliptune("train --dry-run --json experiments/base.yaml").succeeded().json();
    let forecast = &told[0]["forecast"];
    assert_eq!((&told[0]["experiment"], &told[0]["seeds"]), (&"base".into(), &serde_json::json!([0])));
    let steps = [&forecast["epochs"], &forecast["steps_per_epoch"], &forecast["batch_size"]];
    assert_eq!(steps.map(serde_json::Value::as_u64), [Some(2), Some(4), Some(32)], "{told:#}");
    let memory = &forecast["memory"];
    let gradients = memory["gradients"].as_u64();
    assert_eq!(memory["moments"].as_u64(), gradients.map(|gradients| 2 * gradients), "{told:#}");
    assert!(gradients < memory["weights"].as_u64(), "{told:#}");
    assert!(forecast["seconds"]["step"].as_f64().is_some_and(|seconds| seconds > 0.0), "{told:#}");
}

#[test]
fn a_dry_run_without_a_dataset_says_so() {
    let context = TestContext::new();
    let shown = context.cliptune("train --dry-run experiments/base.yaml").succeeded();
    assert_output!(context, shown, @r"
    exit code: 0
    ----- stdout -----
    base: 1 run, seed 0
      cannot be told yet: base has no dataset yet
    ");
}

#[test]
fn a_dry_run_of_what_is_there_says_that_there_is_nothing_to_train() {
    let context = TestContext::new();
    context.cliptune("run experiments/base.yaml").succeeded();
    let shown = context.cliptune("train --dry-run experiments/base.yaml").succeeded();
    assert_output!(context, shown, @r"
    exit code: 0
    ----- stderr -----
    every run is fresh: nothing to train
    ");
}
