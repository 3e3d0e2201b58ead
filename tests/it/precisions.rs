//! Reduced precisions, from YAML to files, record and report.

use std::path::Path;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, checkout, output};

/// A context with the base experiment alone, exported like this.
fn context(export: &str) -> TestContext {
    let context = TestContext::new();
    fs::remove_file(context.path("experiments/tuned.yaml")).unwrap();
    context.replace("experiments/base.yaml", "seeds: [0]\n", &format!("seeds: [0]\nexport: {export}\n"));
    context
}

fn headings(output: &Output) -> Vec<&str> {
    output.stderr.lines().filter(|line| line.starts_with('[')).collect()
}

/// The record, and what it says about a precision.
fn recorded(run: &Path, precision: &str) -> Value {
    let record: Value = serde_json::from_slice(&fs::read(run.join("onnx/precisions.json")).unwrap()).unwrap();
    let reduced = record["reduced"].as_array().unwrap().iter();
    reduced.into_iter().find(|one| one["precision"] == precision).unwrap().clone()
}

fn graphs(run: &Path, precision: &str) -> usize {
    let towers = ["text_model", "vision_model"].map(|tower| format!("onnx/{tower}_{precision}.onnx"));
    towers.iter().filter(|file| run.join(file).is_file()).count()
}

#[test]
fn every_precision_is_made_judged_and_reported() {
    let context = context("{ onnx: [fp32, fp16, int8], int8_margin: 0.5 }");
    let said = context.cliptune("run experiments").succeeded();
    let run = context.only_run("base");
    assert_eq!((graphs(&run, "fp16"), graphs(&run, "int8")), (2, 2), "{said}");
    let (fp16, int8) = (recorded(&run, "fp16"), recorded(&run, "int8"));
    assert!(fp16["max_logit_difference"].as_f64().unwrap() < 0.5, "{fp16:#}");
    assert!(int8["max_logit_difference"].as_f64().unwrap() < 5.0, "{int8:#}");
    assert!(int8["difference"]["value"].as_f64().unwrap() > -0.5, "{int8:#}");
    assert_eq!((&int8["kept"], &int8["margin"]), (&Value::Bool(true), &Value::from(0.5)));
    output(Command::new(checkout().join("scripts/check-onnx")).arg(run.join("onnx"))).succeeded();

    let report = context.path("runs/reports/experiments");
    let markdown = fs::read_to_string(report.join("report.md")).unwrap();
    assert!(markdown.contains("\n## Precisions\n"), "{markdown}");
    assert!(fs::read_to_string(report.join("index.html")).unwrap().contains(">Precisions</h2>"));
    let json: Value = serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    assert_eq!(json["experiments"][0]["runs"][0]["precisions"]["reduced"][1], int8);
    let shown = context.cliptune("show base/").succeeded().stdout;
    assert!(shown.contains("  int8  kept; recall@1 "), "{shown}");

    let before = context.files("runs");
    context.cliptune("run experiments").succeeded();
    assert_eq!(context.files("runs"), before, "nothing is measured again");
}

#[test]
fn int8_that_loses_too_much_is_not_kept() {
    let context = context("{ onnx: [fp32, int8], int8_margin: 0 }");
    context.cliptune("run experiments").succeeded();
    let run = context.only_run("base");
    let strict = recorded(&run, "int8");
    assert_eq!((&strict["kept"], graphs(&run, "int8")), (&Value::Bool(false), 0), "{strict:#}");
    context.cliptune("status --exit-code").succeeded();

    // Another margin decides again: without training, and by what was measured.
    context.replace("experiments/base.yaml", "int8_margin: 0 ", "int8_margin: 0.5 ");
    let status = context.cliptune("status --why").succeeded().stdout;
    assert!(status.contains("export.int8_margin: 0 → 0.5"), "{status}");
    let again = context.cliptune("run experiments").succeeded();
    assert_eq!(headings(&again), ["[1/1] base s0: score"]);
    let wide = recorded(&run, "int8");
    assert_eq!((&wide["kept"], graphs(&run, "int8")), (&Value::Bool(true), 2), "{wide:#}");
    assert_eq!(
        (&wide["difference"], &wide["text_milliseconds"]),
        (&strict["difference"], &strict["text_milliseconds"])
    );
}

#[test]
fn a_plan_that_cannot_be_judged_is_refused_before_anything_runs() {
    let context = context("{ onnx: [int8] }");
    context.replace("experiments/base.yaml", "train: 0.6, validation: 0.2", "train: 0.8, validation: 0");
    let refused = context.cliptune("run experiments").ended(2);
    for problem in ["`export.onnx` has int8 without fp32", "int8 cannot be judged without validation items"] {
        assert!(refused.stderr.contains(problem), "{refused}");
    }
    assert!(!context.path("runs").exists());
}
