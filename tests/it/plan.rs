//! `cliptune plan`: the steps of `run`, for whoever has a scheduler.

use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, output};

fn steps(context: &TestContext, arguments: &str) -> Vec<Value> {
    let plan = context.cliptune(&format!("plan {arguments} --json")).succeeded().json();
    assert_eq!(plan["format_version"], 1);
    assert_eq!(plan["directory"], context.path("").canonicalize().unwrap().to_str().unwrap());
    plan["steps"].as_array().unwrap().clone()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn ids(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step["id"].as_str().unwrap()).collect()
}

/// Takes a step as any scheduler would.
fn take(context: &TestContext, step: &Value) -> Output {
    let words = texts(&step["command"]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(context.path("")).env_remove("CLIPTUNE_STORE");
    for (name, value) in step["environment"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    output(&mut command)
}

#[test]
fn the_steps_taken_one_by_one_make_everything_fresh() {
    let context = TestContext::new();
    let planned = steps(&context, "experiments");
    assert_eq!(
        ids(&planned),
        [
            "ingest:base",
            "ingest:tuned",
            "train:base/0",
            "score:base/0",
            "train:tuned/0",
            "score:tuned/0",
            "train:tuned/1",
            "score:tuned/1",
            "report"
        ]
    );
    assert!(!context.path("runs/datasets").exists(), "a plan makes nothing");
    let mut done = Vec::new();
    for step in &planned {
        let missing: Vec<&str> = texts(&step["needs"]).into_iter().filter(|id| !done.contains(id)).collect();
        assert!(missing.is_empty(), "{} comes before {missing:?}", step["id"]);
        take(&context, step).succeeded();
        done.push(step["id"].as_str().unwrap());
    }
    context.cliptune("status experiments --exit-code").succeeded();
    assert_eq!(context.runs("tuned").len(), 2);
    assert!(steps(&context, "experiments").is_empty(), "nothing is left to do");
    let all = steps(&context, "experiments --all");
    assert_eq!(ids(&all), ids(&planned));
    assert!(all.iter().all(|step| step["state"] == "fresh"), "{all:#?}");
    context.cliptune("run experiments").succeeded();
    assert_eq!(context.runs("tuned").len(), 2, "`run` finds the same runs");
}

#[test]
fn a_plan_has_what_is_stale_and_the_order_of_it() {
    let context = TestContext::new();
    let needs = |steps: &[Value], id: &str| -> Vec<String> {
        let step = steps.iter().find(|step| step["id"] == id).unwrap();
        texts(&step["needs"]).into_iter().map(str::to_owned).collect()
    };
    let planned = steps(&context, "experiments");
    assert_eq!(needs(&planned, "train:tuned/1"), ["ingest:tuned", "train:base/0"]);
    assert_eq!(needs(&planned, "score:tuned/1"), ["train:tuned/1"]);
    context.cliptune("run experiments/base.yaml").succeeded();
    let planned = steps(&context, "experiments --set seeds=[0]");
    assert_eq!(ids(&planned), ["ingest:tuned", "train:tuned/0", "score:tuned/0", "report"]);
    assert_eq!(needs(&planned, "train:tuned/0"), ["ingest:tuned"], "the base is there");
    let report = planned.last().unwrap();
    assert_eq!(report["even_if_failed"], true);
    assert_eq!(texts(&report["needs"]), ["ingest:tuned", "train:tuned/0", "score:tuned/0"]);
}

#[test]
fn a_command_of_a_plan_is_the_one_that_run_starts() {
    let context = TestContext::new();
    let planned = steps(&context, "experiments/tuned.yaml --store other --set train.epochs=2 --offline");
    let step = planned.iter().find(|step| step["id"] == "train:tuned/1").unwrap();
    let words = texts(&step["command"]);
    assert!(words[0].ends_with("/cliptune-train"), "{words:?}");
    assert_eq!(words[1..5], ["--store", "other", "--offline", "--only=tuned/1"]);
    assert!(words[5].ends_with("experiments/base.yaml") && words[6].ends_with("experiments/tuned.yaml"));
    assert_eq!(words[7..], ["--set=train.epochs=2"]);
    assert_eq!(step["run"], "tuned s1");
    assert_eq!(step["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn resources_are_told_and_change_no_result() {
    let context = TestContext::new();
    context.cliptune("run experiments/base.yaml").succeeded();
    let set = ["cpus=2", "memory=4GiB", "gpus=1", "time=90min", "partition=short"];
    let set: String = set.map(|one| format!(" --set resources.{one}")).concat();
    // A report with other settings is another report.
    assert_eq!(ids(&steps(&context, &format!("experiments/base.yaml{set}"))), ["report"], "no run is stale");
    let all = steps(&context, &format!("experiments/base.yaml --all{set}"));
    let train = all.iter().find(|step| step["stage"] == "train").unwrap();
    let expected = serde_json::json!({
        "cpus": 2, "memory_bytes": 4_u64 << 30, "gpus": 1, "time_seconds": 5400, "partition": "short",
    });
    assert_eq!(train["resources"], expected);
    assert_eq!(train["environment"]["OMP_NUM_THREADS"], "2");
    let ingest = all.iter().find(|step| step["stage"] == "ingest").unwrap();
    assert_eq!(ingest["resources"]["gpus"], Value::Null, "only training is given GPUs");
    assert_eq!(ingest["resources"]["cpus"], 2);
}

#[test]
fn what_cannot_be_planned_is_left_out_and_told() {
    let context = TestContext::new();
    let alone = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    context.write("experiments/alone.yaml", &alone.replace("name: base", "name: alone"));
    context.replace("experiments/base.yaml", "contest.parquet", "absent.parquet");
    let output = context.cliptune("plan experiments --json");
    assert_ne!(output.code, Some(0), "{output}");
    let plan = output.json();
    assert_eq!(
        ids(plan["steps"].as_array().unwrap()),
        ["ingest:alone", "train:alone/0", "score:alone/0", "report"]
    );
    for told in ["base is left out: ", "tuned is left out"] {
        assert!(output.stderr.contains(told), "{output}");
    }
}
