//! The same work, begun more than once: it is done once.

use std::io::{BufRead, BufReader};
use std::process::Child;

use cliptune_store::Store;
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};

use crate::signals::training;
use crate::support::{Output, TestContext, wait_for};

fn ended(child: Child) -> Output {
    child.wait_with_output().expect("it ends").into()
}

/// Starts a command so many times at once, and returns how all of them ended.
fn at_once(context: &TestContext, commands: &[&str]) -> Vec<Output> {
    let children: Vec<Child> = commands.iter().map(|command| context.start("cliptune", command)).collect();
    children.into_iter().map(ended).collect()
}

/// Everything was made once, and nothing is missing or left over.
fn assert_made_once(context: &TestContext, outputs: &[Output]) {
    assert_eq!((context.runs("base").len(), context.runs("tuned").len()), (1, 2), "{outputs:#?}");
    context.cliptune("status --exit-code").succeeded();
    let datasets = fs::read_dir(context.path("runs/datasets")).unwrap().count();
    assert_eq!(datasets, 2, "base and tuned have different datasets");
    let left = |path: &String| path.contains(".unfinished") || path.contains(".work");
    let files = context.files("runs");
    assert!(!files.iter().any(|(path, _)| left(path)), "{files:?}");
}

#[test]
fn whoever_waits_finds_everything_done_however_many_they_are() {
    for number in [2, 8] {
        let context = TestContext::new();
        let outputs = at_once(&context, &vec!["run experiments --wait"; number]);
        assert!(outputs.iter().all(|output| output.code == Some(0)), "{outputs:#?}");
        assert_made_once(&context, &outputs);
    }
}

#[test]
fn whoever_does_not_wait_says_who_is_at_it_and_does_nothing_twice() {
    for number in [2, 8] {
        let context = TestContext::new();
        let outputs = at_once(&context, &vec!["run experiments"; number]);
        for output in outputs.iter().filter(|output| output.code != Some(0)) {
            assert_eq!(output.code, Some(1), "{output}");
            assert!(
                output.stderr.contains("is at work on") && output.stderr.contains("hint: --wait"),
                "{output}"
            );
        }
        assert!(context.runs("base").len() <= 1 && context.runs("tuned").len() <= 2, "{outputs:#?}");
        context.cliptune("run experiments").succeeded();
        assert_made_once(&context, &outputs);
    }
}

#[test]
fn different_experiments_share_what_they_have_in_common() {
    let context = TestContext::new();
    let other = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    context.write(
        "experiments/other.yaml",
        &other.replace("name: tuned", "name: other").replace("1e-4", "2e-4"),
    );
    let commands = ["tuned", "other", "base"].map(|name| format!("run experiments/{name}.yaml --wait"));
    let outputs = at_once(&context, &commands.each_ref().map(String::as_str));
    assert!(outputs.iter().all(|output| output.code == Some(0)), "{outputs:#?}");
    assert_eq!(context.statuses("other"), ["done"; 2]);
    assert_made_once(&context, &outputs);
}

#[test]
fn a_run_that_is_trained_is_left_to_its_process_and_that_is_named() {
    let context = TestContext::new();
    let (child, run) = training(&context, "cliptune-train", "");
    let who = format!("process {}", child.id());
    let long = "experiments/base.yaml --set train.epochs=150";
    for command in ["run", "train"] {
        let refused = context.cliptune(&format!("{command} {long}")).ended(1);
        assert!(refused.stderr.contains("cliptune-train on ") && refused.stderr.contains(&who), "{refused}");
        assert!(refused.stderr.contains("is at work on base s0"), "{refused}");
    }
    let why = context.cliptune(&format!("status {long} --json")).succeeded().json();
    let why = why[0]["why"][0].as_str().unwrap().to_owned();
    assert!(why.contains("is running: cliptune-train on ") && why.contains(&who), "{why}");
    assert_eq!(context.statuses("base"), ["running"]);
    let shown = context.cliptune("show base").succeeded();
    assert!(shown.stdout.contains("running: cliptune-train on ") && shown.stdout.contains(&who), "{shown}");
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    ended(child).ended(-9);
    // A killed process holds up nobody.
    context.cliptune(&format!("run {long}")).succeeded();
    assert_eq!(context.only_run("base"), run);
    assert_eq!(context.statuses("base"), ["done"]);
}

#[test]
fn whoever_waits_goes_on_where_the_other_was_stopped() {
    let context = TestContext::new();
    let (first, run) = training(&context, "cliptune-train", "");
    let command = "run experiments/base.yaml --set train.epochs=150 --wait";
    let mut second = context.start("cliptune", command);
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.find(|line| line.contains("waiting for")).expect("it says what it waits for");
    assert!(
        told.contains("base s0: waiting for cliptune-train on ")
            && told.contains(&format!("process {}", first.id())),
        "{told}"
    );
    kill_process(Pid::from_child(&first), Signal::INT).unwrap();
    ended(first).ended(130);
    let rest: Vec<String> = lines.collect();
    assert_eq!(second.wait().unwrap().code(), Some(0), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("continuing base/")), "{rest:?}");
    assert_eq!(context.only_run("base"), run);
    assert_eq!(context.statuses("base"), ["done"]);
}

#[test]
fn a_wait_can_be_interrupted() {
    let context = TestContext::new();
    let (first, _) = training(&context, "cliptune-train", "");
    let mut second = context.start("cliptune", "run experiments/base.yaml --set train.epochs=150 --wait");
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("waiting for")).expect("it says what it waits for");
    kill_process(Pid::from_child(&second), Signal::TERM).unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(130));
    kill_process(Pid::from_child(&first), Signal::INT).unwrap();
    ended(first).ended(130);
    assert_eq!(context.statuses("base"), ["interrupted"]);
}

/// A scoring of the only run of the base that stands still in its middle.
fn stopped_scoring(context: &TestContext, store: &Store, settings: &str) -> Child {
    loop {
        let run = context.only_run("base");
        let mut child = context.start("cliptune-score", &format!("experiments/base.yaml {settings}"));
        wait_for("scoring", || {
            let is_at_it = fs::read_to_string(run.join("lock")).unwrap().contains("cliptune-score");
            (is_at_it || child.try_wait().unwrap().is_some()).then_some(())
        });
        let _ = kill_process(Pid::from_child(&child), Signal::STOP);
        if store.require_idle([run.as_path()]).is_err() {
            return child;
        }
        // It was too fast to be met.
        let _ = kill_process(Pid::from_child(&child), Signal::KILL);
        ended(child);
        let _ = fs::remove_dir_all(run.join("scores"));
    }
}

#[test]
fn whoever_has_trained_waits_for_another_process_that_scores_meanwhile() {
    let context = TestContext::new();
    let (first, run) = training(&context, "cliptune", "run");
    // The command stands still while its training ends, and another process scores in the meantime.
    kill_process(Pid::from_child(&first), Signal::STOP).unwrap();
    wait_for("end of the training", || {
        let record = fs::read_to_string(run.join("run.json")).unwrap_or_default();
        record.contains("\"end\": {").then_some(())
    });
    let store = Store::open(&context.path("runs")).unwrap();
    wait_for("end of its process", || store.require_idle([run.as_path()]).ok());
    let scoring = stopped_scoring(&context, &store, "--set train.epochs=150");
    kill_process(Pid::from_child(&first), Signal::CONT).unwrap();
    let who = format!("process {}", scoring.id());
    let mut first = first;
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.find(|line| line.contains("waiting for")).expect("it says what it waits for");
    assert!(told.contains("base s0: waiting for cliptune-score on ") && told.contains(&who), "{told}");
    kill_process(Pid::from_child(&scoring), Signal::CONT).unwrap();
    ended(scoring).succeeded();
    let rest: Vec<String> = lines.collect();
    assert_eq!(first.wait().unwrap().code(), Some(0), "{rest:?}");
    assert_eq!(context.only_run("base"), run);
    assert!(run.join("scores/test/scores.json").is_file());
}

#[test]
fn a_run_that_is_being_scored_is_taken_away_by_nobody() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    context.cliptune("train experiments/base.yaml").succeeded();
    let store = Store::open(&context.path("runs")).unwrap();
    let child = stopped_scoring(&context, &store, "");
    let (run, who) = (context.only_run("base"), format!("process {}", child.id()));
    let dataset = fs::read_dir(context.path("runs/datasets")).unwrap().next().unwrap().unwrap().file_name();
    let dataset = format!("rm --force --dataset {}", dataset.to_str().unwrap());
    for command in ["rm base", "rm --force base", "rm --force --weights base", &dataset] {
        let refused = context.cliptune(command).ended(1);
        assert!(refused.stderr.contains("cliptune-score on ") && refused.stderr.contains(&who), "{refused}");
    }
    context.cliptune("rename base scored").succeeded();
    kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
    ended(child).succeeded();
    assert!(run.join("scores/validation/scores.json").is_file() && run.join("onnx").is_dir());
    context.cliptune("rm scored").succeeded();
}

#[test]
fn a_folder_that_is_deleted_during_its_training_never_comes_back_as_a_run() {
    let context = TestContext::new();
    let (child, run) = training(&context, "cliptune-train", "");
    // A file may be made in it at the same moment.
    wait_for("end of the folder", || fs::remove_dir_all(&run).ok());
    let output = ended(child).ended(1);
    assert!(output.stderr.contains("was removed or replaced while it was written"), "{output}");
    assert!(output.stderr.contains(run.to_str().unwrap()), "{output}");
    assert!(!run.exists() && context.statuses("base").is_empty(), "{output}");
}
