//! Ctrl-C, SIGTERM and SIGKILL in the middle of training.

use std::path::{Path, PathBuf};
use std::process::Child;

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{Output, TestContext, wait_for};

/// Long enough to be hit, short enough to be finished later.
pub(crate) const LONG: &str = "--set train.epochs=150";

/// A base that is being trained; returns once its first steps are in the log.
pub(crate) fn training(context: &TestContext, program: &str, arguments: &str) -> (Child, PathBuf) {
    context.cliptune("ingest experiments/base.yaml").succeeded();
    let child = context.start(program, &format!("{arguments} experiments/base.yaml {LONG}"));
    let run = first_steps(context);
    (child, run)
}

/// The run of the base, once its first steps are in the log.
fn first_steps(context: &TestContext) -> PathBuf {
    wait_for("step", || {
        let run = context.runs("base").pop()?;
        let events = fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
        events.contains("\"step\"").then_some(run)
    })
}

fn ended(child: Child) -> Output {
    child.wait_with_output().expect("it ends").into()
}

/// After an interruption: the record says so, and a checkpoint is there to continue from.
fn assert_interrupted(context: &TestContext, output: Output, run: &Path) {
    let output = output.ended(130);
    assert!(output.stderr.contains("finishing this step, then saving"), "{output}");
    assert_eq!(context.statuses("base"), ["interrupted"], "{output}");
    assert!(fs::read_dir(run.join("checkpoint")).unwrap().count() > 0, "{output}");
    assert!(!run.join("model/model.safetensors").exists(), "{output}");
    let why =
        context.cliptune(&format!("status experiments/base.yaml --why --json {LONG}")).succeeded().json();
    assert!(why[0]["why"][0].as_str().unwrap().ends_with("was interrupted"), "{why:#}");
}

/// The same command again makes the run complete.
fn assert_continues(context: &TestContext, run: &Path) {
    context.cliptune(&format!("run experiments/base.yaml {LONG}")).succeeded();
    assert_eq!(context.only_run("base"), run, "it was continued, not started again");
    assert_eq!(context.statuses("base"), ["done"]);
    assert!(run.join("model/model.safetensors").is_file());
}

#[test]
fn ctrl_c_saves_and_the_same_command_continues() {
    let context = TestContext::new();
    let (child, run) = training(&context, "cliptune", "run");
    // As a terminal does it: to the whole process group.
    kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
    assert_interrupted(&context, ended(child), &run);
    assert_continues(&context, &run);
}

#[test]
fn an_interrupted_run_ends_with_the_weights_of_an_undisturbed_one() {
    let (disturbed, undisturbed) = (TestContext::new(), TestContext::new());
    let (child, run) = training(&disturbed, "cliptune-train", "");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_interrupted(&disturbed, ended(child), &run);
    assert_continues(&disturbed, &run);
    undisturbed.cliptune(&format!("run experiments/base.yaml {LONG}")).succeeded();
    let weights =
        |context: &TestContext| fs::read(context.only_run("base").join("model/model.safetensors")).unwrap();
    assert!(weights(&disturbed) == weights(&undisturbed), "the weights differ");
}

/// Steps of an epoch that has several, so that most places to be killed at are within one.
const SEVERAL: &str = "--set train.epochs=20 --set train.batch_size=8 --set checkpoint.every_steps=5";
const STEPS_PER_EPOCH: usize = 14;
const SEVERAL_STEPS: usize = 20 * STEPS_PER_EPOCH;

/// The last step that the log of the only run has, and the steps after which a process went on.
fn steps(context: &TestContext) -> (usize, Vec<usize>) {
    let events = context.runs("base").pop().map(|run| fs::read_to_string(run.join("events.jsonl")));
    let events = events.and_then(Result::ok).unwrap_or_default();
    let of = |kind: &str| -> Vec<usize> {
        let number = |line: &str| {
            let (_, rest) = line.split_once(&format!("\"type\":\"{kind}\",\"step\":"))?;
            rest.split([',', '}']).next()?.parse().ok()
        };
        events.lines().filter_map(number).collect()
    };
    (of("step").into_iter().max().unwrap_or(0), of("resumed"))
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_weights_of_an_undisturbed_one() {
    let (disturbed, undisturbed) = (TestContext::new(), TestContext::new());
    disturbed.cliptune("ingest experiments/base.yaml").succeeded();
    let signals = [Signal::KILL, Signal::TERM, Signal::KILL, Signal::INT].repeat(3);
    for (number, signal) in (1..).zip(signals) {
        let mut child = disturbed.start("cliptune-train", &format!("experiments/base.yaml {SEVERAL}"));
        // Each process gets a little further than the one before.
        let enough = number * SEVERAL_STEPS / 15;
        wait_for("step", || {
            let ended = child.try_wait().unwrap().is_some();
            (ended || steps(&disturbed).0 >= enough).then_some(())
        });
        let _ = kill_process(Pid::from_child(&child), signal);
        let output = ended(child);
        assert!([Some(0), Some(130), Some(-9)].contains(&output.code), "{output}");
    }
    disturbed.cliptune(&format!("run experiments/base.yaml {SEVERAL}")).succeeded();
    undisturbed.cliptune(&format!("run experiments/base.yaml {SEVERAL}")).succeeded();
    let weights =
        |context: &TestContext| fs::read(context.only_run("base").join("model/model.safetensors")).unwrap();
    assert!(weights(&disturbed) == weights(&undisturbed), "the weights differ");
    let (last, resumed) = steps(&disturbed);
    assert_eq!(last, SEVERAL_STEPS);
    assert!(
        resumed.iter().any(|step| step % STEPS_PER_EPOCH != 0),
        "no process went on within an epoch: {resumed:?}"
    );
}

#[test]
fn any_signal_that_asks_to_stop_saves_whoever_it_was_sent_to() {
    type Send = fn(Pid, Signal) -> rustix::io::Result<()>;
    let ways: [(&str, Send); 2] = [("the front", kill_process), ("the group", kill_process_group)];
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        for (who, send) in ways {
            let context = TestContext::new();
            let (child, run) = training(&context, "cliptune", "run");
            send(Pid::from_child(&child), signal).unwrap();
            let output = ended(child);
            assert_eq!(context.statuses("base"), ["interrupted"], "{signal:?} to {who}\n{output}");
            assert_interrupted(&context, output, &run);
        }
    }
}

/// The number of unfinished files and folders in a folder of the store.
fn unfinished(context: &TestContext, folder: &str) -> usize {
    let Ok(entries) = fs::read_dir(context.path("runs").join(folder)) else { return 0 };
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.as_encoded_bytes().starts_with(b".unfinished-")).count()
}

#[test]
fn sql_that_never_ends_ends_with_the_first_signal_and_nothing_is_left_of_it() {
    let endless =
        "(SELECT count(*) FROM range(1000000000000000) AS counted WHERE sqrt(counted.range) < 0) = 0";
    let ways = [("cliptune-ingest", "", Signal::INT), ("cliptune", "ingest ", Signal::TERM)];
    for (program, arguments, signal) in ways {
        let context = TestContext::new();
        context.replace("experiments/base.yaml", "model:\n", &format!("  where: \"{endless}\"\nmodel:\n"));
        let child = context.start(program, &format!("{arguments}experiments/base.yaml"));
        // It is there from before the first statement to the end, and signals are caught by then.
        wait_for("database", || (unfinished(&context, "cache") > 0).then_some(()));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = ended(child).ended(130);
        assert!(output.stderr.contains("error: interrupted"), "{output}");
        assert!(!output.stderr.contains("data.where"), "nothing is wrong with it: {output}");
        assert_eq!((unfinished(&context, "cache"), unfinished(&context, "datasets")), (0, 0), "{output}");
    }
}

#[test]
fn a_hangup_that_is_ignored_stops_nothing() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    let child = context.start_ignoring_hangup("cliptune", &format!("run experiments/base.yaml {LONG}"));
    let run = first_steps(&context);
    kill_process_group(Pid::from_child(&child), Signal::HUP).unwrap();
    ended(child).succeeded();
    assert!(run.join("model/model.safetensors").is_file());
}

#[test]
fn a_killed_run_is_crashed_and_continued() {
    let context = TestContext::new();
    let (mut child, run) = training(&context, "cliptune-train", "");
    child.kill().unwrap();
    ended(child).ended(-9);
    assert_eq!(context.statuses("base"), ["crashed"]);
    assert!(!run.join("model/model.safetensors").exists());
    let why = context.cliptune(&format!("status experiments/base.yaml --json {LONG}")).succeeded().json();
    assert!(why[0]["why"][0].as_str().unwrap().ends_with("crashed"), "{why:#}");
    assert_continues(&context, &run);
}

#[test]
fn a_tool_that_is_killed_is_reported() {
    let context = TestContext::new();
    let (child, run) = training(&context, "cliptune", "train");
    let tool = child_of(&child);
    kill_process(tool, Signal::KILL).unwrap();
    let output = ended(child).ended(1);
    assert!(output.stderr.contains("error: cliptune-train was ended by SIGKILL"), "{output}");
    assert!(output.stderr.contains("hint: nobody but the system sends it"), "{output}");
    assert_eq!(context.statuses("base"), ["crashed"]);
    assert!(!run.join("model/model.safetensors").exists());
}

/// The only child process of a process.
fn child_of(parent: &Child) -> Pid {
    let file = format!("/proc/{0}/task/{0}/children", parent.id());
    let children = fs::read_to_string(file).expect("Linux lists them");
    let [child] = children.split_whitespace().collect::<Vec<_>>()[..] else { panic!("children: {children}") };
    Pid::from_raw(child.parse().unwrap()).unwrap()
}
