//! `cliptune train --dry-run`.

use crate::support::{TestContext, assert_output};

#[test]
fn a_dry_run_says_what_would_be_trained_and_writes_nothing() {
    let context = TestContext::new();
    context.cliptune("ingest experiments").succeeded();
    let before = context.files("");
    let shown = context.cliptune("train --dry-run experiments").succeeded();
    assert_output!(context, shown, @"");
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
    assert_eq!(steps.map(|number| number.as_u64()), [Some(2), Some(2), Some(32)], "{told:#}");
    let memory = &forecast["memory"];
    assert_eq!(memory["moments"].as_u64(), memory["weights"].as_u64().map(|weights| 2 * weights), "{told:#}");
    assert!(forecast["seconds"]["step"].as_f64().is_some_and(|seconds| seconds > 0.0), "{told:#}");
}

#[test]
fn a_dry_run_without_a_dataset_says_so() {
    let context = TestContext::new();
    let shown = context.cliptune("train --dry-run experiments/base.yaml").succeeded();
    assert_output!(context, shown, @"");
}

#[test]
fn a_dry_run_of_what_is_there_says_that_there_is_nothing_to_train() {
    let context = TestContext::new();
    context.cliptune("run experiments/base.yaml").succeeded();
    let shown = context.cliptune("train --dry-run experiments/base.yaml").succeeded();
    assert_output!(context, shown, @"");
}
