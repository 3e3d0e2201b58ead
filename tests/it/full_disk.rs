//! A disk that fills up: a message that says so, and nothing half-written under a name that somebody reads.

use std::collections::BTreeSet;
use std::process::Command;

use fs_err as fs;

use crate::support::{Output, TestContext, output, program};

/// Runs a tool with a limit on the size of a file, as a quota sets it; the signal that usually comes with it is ignored.
fn with_limit(context: &TestContext, kibibytes: usize, arguments: &str) -> Output {
    let program = program("cliptune");
    let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec {} {arguments}", program.display());
    output(Command::new("bash").args(["-c", &script]).current_dir(context.path("")).env("NO_COLOR", "1"))
}

#[test]
fn ingest_leaves_no_half_dataset() {
    let context = TestContext::new();
    let failed = with_limit(&context, 2, "ingest experiments/base.yaml").ended(1);
    assert!(failed.stderr.contains("items.parquet") || failed.stderr.contains("File too large"), "{failed}");
    assert!(!has_dataset(&context), "{failed}");
    context.cliptune("ingest experiments/base.yaml").succeeded();
    assert!(has_dataset(&context));
}

#[test]
fn train_leaves_no_half_model() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    let failed = with_limit(&context, 40, "train experiments/base.yaml").ended(1);
    assert!(failed.stderr.contains("error:"), "{failed}");
    assert!(!context.only_run("base").join("model/model.safetensors").exists(), "{failed}");
    assert_eq!(context.statuses("base"), ["failed"], "{failed}");
    context.cliptune("run experiments/base.yaml").succeeded();
    assert!(context.statuses("base").contains(&"done".to_owned()));
}

#[test]
fn a_checkpoint_that_finds_no_room_costs_a_warning_and_the_run_nothing() {
    let (full, roomy) = (TestContext::new(), TestContext::new());
    let train = "train experiments/base.yaml --set checkpoint.every_steps=1";
    for context in [&full, &roomy] {
        context.cliptune("ingest experiments/base.yaml").succeeded();
    }
    // Room for the weights, and not for the moments with them.
    let trained = with_limit(&full, 400, train).succeeded();
    assert_eq!(trained.stderr.matches("warning: cannot write a checkpoint, so that").count(), 1, "{trained}");
    roomy.cliptune(train).succeeded();
    let weights =
        |context: &TestContext| fs::read(context.only_run("base").join("model/model.safetensors")).unwrap();
    assert!(weights(&full) == weights(&roomy), "the weights differ");
}

/// Trains in a file system that is full for a while: from the first step on, until that has been said.
const FULL_FOR_A_WHILE: &str = "\
set -euo pipefail
mount -t tmpfs -o size=8m none full 2>/dev/null || exit 77
$CLIPTUNE ingest --quiet experiments/base.yaml --store full
$CLIPTUNE-train --quiet experiments/base.yaml --store full $LONG 2>stderr &
until grep -qs 'type.:.step' full/base/*/events.jsonl; do sleep 0.01; done
kill -STOP $!
cat /dev/zero >full/filler 2>/dev/null || true
kill -CONT $!
until grep -q 'cannot write a checkpoint' stderr && grep -q 'the event log is kept' stderr; do
  kill -0 $!
  sleep 0.01
done
kill -STOP $!
rm full/filler
kill -CONT $!
wait $!
cat full/base/*/events.jsonl
cat stderr >&2
";

#[test]
fn training_outlives_a_full_disk_and_its_log_is_complete() {
    let context = TestContext::new();
    fs::create_dir(context.path("full")).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", FULL_FOR_A_WHILE])
        .env("CLIPTUNE", program("cliptune"))
        .env("LONG", "--set train.epochs=400 --set checkpoint.every_steps=1")
        .env("NO_COLOR", "1")
        .current_dir(context.path(""));
    let trained = match command.output() {
        // No user namespaces here.
        Err(_) => return,
        Ok(result) => Output::from(result),
    };
    if trained.code == Some(77) || trained.stderr.contains("unshare:") {
        return;
    }
    let trained = trained.succeeded();
    // A line that the disk was too full for is there again as a whole.
    let is_step = |line: &&str| line.contains("\"type\":\"step\"") && line.ends_with("}}");
    assert_eq!(trained.stdout.lines().filter(is_step).collect::<BTreeSet<_>>().len(), 1600);
    assert!(trained.stdout.contains("\"type\":\"finished\""));
    let once = |text: &str| assert_eq!(trained.stderr.matches(text).count(), 1, "{}", trained.stderr);
    once("cannot write a checkpoint");
    once("the event log is kept in memory until it can be written");
}

#[test]
fn score_leaves_no_half_scores() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    context.cliptune("train experiments/base.yaml").succeeded();
    let failed = with_limit(&context, 1, "score experiments/base.yaml").ended(1);
    assert!(failed.stderr.contains("error:"), "{failed}");
    let scores = context.only_run("base").join("scores");
    let complete = |split: &str| scores.join(split).exists();
    assert!(!complete("validation") && !complete("test"), "{failed}");
    context.cliptune("run experiments/base.yaml").succeeded();
}

#[test]
fn a_file_system_without_space_is_said_to_be_full() {
    let context = TestContext::new();
    fs::create_dir(context.path("full")).unwrap();
    // A file system of our own, where that is permitted: it goes away with the process.
    let mounted = "mount -t tmpfs -o size=16k none full 2>/dev/null || exit 77";
    let ingest = format!("{} ingest experiments/base.yaml --store full", program("cliptune").display());
    let script = format!("{mounted}; {ingest}; code=$?; find full -name items.parquet; exit $code");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", &script])
        .current_dir(context.path(""));
    let failed = match command.output() {
        Ok(result) if result.status.success() || result.status.code() == Some(1) => Output::from(result),
        // No user namespaces here: the quota above has to do.
        _ => return,
    };
    let failed = failed.ended(1);
    // DuckDB and fs-err word it differently.
    let said = failed.stderr.to_lowercase();
    assert!(said.contains("no space left") || said.contains("disk is full"), "{failed}");
    assert_eq!(failed.stdout, "", "no dataset has a name: {failed}");
}

fn has_dataset(context: &TestContext) -> bool {
    let Ok(entries) = fs::read_dir(context.path("runs/datasets")) else { return false };
    entries.map(|entry| entry.unwrap().file_name()).any(|name| !name.as_encoded_bytes().starts_with(b"."))
}

/// Runs a command whose n-th call of a kind fails.
fn failing(context: &TestContext, calls: &str, error: &str, number: usize, arguments: &str) -> Output {
    let mut command = context.command("cliptune");
    let program = command.get_program().to_owned();
    let inject = format!("inject={calls}:error={error}:when={number}");
    command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "signal=none",
        "-e",
        &format!("trace={calls}"),
        "-e",
        &inject,
    ]);
    command
        .arg(program)
        .args(arguments.split_whitespace())
        .current_dir(context.path(""))
        .env("NO_COLOR", "1");
    output(&mut command)
}

#[test]
fn a_disk_that_does_not_confirm_a_removal_loses_nothing() {
    let context = TestContext::new();
    context.cliptune("run experiments/base.yaml").succeeded();
    let run = context.only_run("base");
    let files = || context.files("runs/base").into_iter().filter(|(path, _)| !path.ends_with("/lock"));
    let before: Vec<_> = files().collect();
    for removal in ["rm base", "rm base --weights"] {
        let mut failures = 0;
        for number in 1.. {
            let removed = failing(&context, "fsync,fdatasync", "EIO", number, removal);
            let restored = || context.cliptune("restore base@0");
            if run.join("run.json").exists() && run.join("onnx").exists() {
                assert_eq!(removed.code, Some(1), "{removed}");
            } else {
                restored().succeeded();
            }
            assert_eq!(files().collect::<Vec<_>>(), before, "{removal}, {number}: {removed}");
            if removed.code == Some(0) {
                break;
            }
            failures += 1;
        }
        assert!(failures > 2, "the disk was asked {failures} times");
    }
}

#[test]
fn what_lies_on_another_file_system_stays_where_it_is_and_no_advice_costs_it() {
    let context = TestContext::new();
    context.cliptune("run experiments/base.yaml").succeeded();
    let run = context.only_run("base");
    let renames = "rename,renameat,renameat2";
    let across = |arguments: &str| {
        // Each command renames the record of its entry before anything else, if it makes one.
        (1..=4)
            .map(|number| failing(&context, renames, "EXDEV", number, arguments))
            .find(|output| output.stderr.contains("on another file system"))
    };
    let refused = across("rm base").expect("the run is moved by a rename").ended(1);
    assert!(refused.stderr.contains("is a link or lies on another file system"), "{refused}");
    assert!(run.join("onnx/model.safetensors").is_file());
    context.cliptune("rm base").succeeded();
    let refused = across("restore base@0").expect("it is moved back by a rename").ended(1);
    assert!(refused.stderr.contains("hint: nothing was moved: copy "), "{refused}");
    context.cliptune("restore base@0").succeeded();
    assert!(run.join("onnx/model.safetensors").is_file());
}
