//! `cliptune run --jobs`: several runs side by side.

use std::collections::BTreeMap;

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{Output, TestContext, wait_for};

/// Two learning rates and two seeds.
fn sweep(context: &TestContext) {
    let grid = "matrix: { train.optimizer.lr: [1e-3, 2e-3] }\nseeds: [0, 1]";
    context.replace("experiments/base.yaml", "seeds: [0]", grid);
}

/// The weights of all runs of the base, by what their names say of settings and seed.
fn weights(context: &TestContext) -> BTreeMap<String, Vec<u8>> {
    let of = |run: std::path::PathBuf| {
        let name = run.file_name().unwrap().to_string_lossy().split_once('-').unwrap().1.to_owned();
        (name, fs::read(run.join("model/model.safetensors")).unwrap())
    };
    context.runs("base").into_iter().map(of).collect()
}

#[test]
fn runs_side_by_side_are_those_that_are_made_one_after_the_other() {
    let (alone, beside) = (TestContext::new(), TestContext::new());
    [&alone, &beside].into_iter().for_each(sweep);
    alone.cliptune("run experiments/base.yaml --threads 1").succeeded();
    beside.cliptune("run experiments/base.yaml --jobs 3 --threads 3").succeeded();
    let weights = [&alone, &beside].map(weights);
    assert_eq!(weights[0].len(), 4);
    assert!(weights[0] == weights[1], "the weights differ");
    beside.cliptune("status --exit-code experiments/base.yaml").succeeded();
}

#[test]
fn a_log_has_at_most_two_lines_a_run_and_a_warning_once() {
    let context = TestContext::new();
    sweep(&context);
    let output = context.cliptune("run experiments/base.yaml --jobs 2").succeeded();
    for label in ["base lr=1e-3 s0", "base lr=1e-3 s1", "base lr=0.002 s0", "base lr=0.002 s1"] {
        let about =
            output.stderr.lines().filter(|line| line.contains(label) && !line.starts_with("warning: "));
        let about: Vec<&str> = about.collect();
        assert!(
            matches!(about[..], [begun, ended] if begun.ends_with(": train") && ended.contains(": done, kept")),
            "{output}"
        );
    }
    for warning in ["112 texts are longer than 32 tokens", "texts of the test split are longer than"] {
        assert_eq!(output.stderr.matches(warning).count(), 1, "{output}");
    }
}

#[test]
fn what_starts_from_a_run_is_made_behind_it() {
    let context = TestContext::new();
    context.cliptune("run experiments --jobs 4").succeeded();
    context.cliptune("status --exit-code").succeeded();
    assert_eq!(context.statuses("tuned"), ["done", "done"]);
}

#[test]
fn datasets_that_need_nothing_of_each_other_are_made_side_by_side() {
    let context = TestContext::new();
    let text = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    // Those that share images would decode them twice.
    let other = text.replace("name: base", "name: other").replace("images: ../contest", "images: ../copy");
    let add_other = |context: &TestContext| {
        fs::create_dir_all(context.path("copy/images")).unwrap();
        for image in fs::read_dir(context.path("contest/images")).unwrap() {
            let image = image.unwrap();
            fs::copy(image.path(), context.path("copy/images").join(image.file_name())).unwrap();
        }
        fs::remove_file(context.path("copy/images/1.jpeg")).unwrap();
        context.write("experiments/other.yaml", &other);
    };
    add_other(&context);
    let output = context.cliptune("run experiments --jobs 3 --set train.epochs=1").succeeded();
    for line in ["[1/2] base: ingest", "[2/2] other: ingest", "[1/1] tuned: ingest"] {
        assert_eq!(output.stderr.lines().filter(|told| *told == line).count(), 1, "{line}: {output}");
    }
    // What a dataset holds is said of each of them.
    for name in ["base", "other", "tuned"] {
        assert!(output.stderr.contains(&format!(" ({name})")), "{output}");
    }
    assert_eq!(fs::read_dir(context.path("runs/datasets")).unwrap().count(), 3, "{output}");
    let alone = TestContext::new();
    add_other(&alone);
    alone.cliptune("run experiments --set train.epochs=1").succeeded();
    let datasets = |context: &TestContext| {
        let folders = fs::read_dir(context.path("runs/datasets")).unwrap();
        let mut names: Vec<_> = folders.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(datasets(&context), datasets(&alone));
}

#[test]
fn a_failure_is_shown_at_once_and_summed_up_and_the_others_are_made() {
    let context = TestContext::new();
    // The tower has one block.
    let grid = "matrix: { train.unlocked_layers: [0, 9] }\nseeds: [0, 1]";
    context.replace("experiments/base.yaml", "seeds: [0]", grid);
    context.replace("experiments/base.yaml", "  epochs: 2", "  tune: locked-image\n  epochs: 2");
    let output = context.cliptune("run experiments/base.yaml --jobs 2").ended(1);
    let at = |text: &str| output.stderr.find(text).unwrap_or_else(|| panic!("no {text:?}: {output}"));
    let shown = at("error: base unlocked_layers=9 s0: ");
    let summed_up = at("warning: base is incomplete: 2 of 4 runs failed");
    let last = at("\n  base unlocked_layers=9 s1: train failed: `unlocked_layers: 9`, but");
    assert!(shown < summed_up && summed_up < last, "{output}");
    let mut statuses = context.statuses("base");
    statuses.sort();
    assert_eq!(statuses, ["done", "done", "failed", "failed"]);
    let scored = context.runs("base").iter().filter(|run| run.join("scores/test").exists()).count();
    assert_eq!(scored, 2, "a run that is done is scored, whatever became of others");
}

#[test]
fn a_run_that_needs_more_than_the_declared_memory_is_not_begun() {
    let context = TestContext::new();
    sweep(&context);
    let output = context.cliptune("run experiments/base.yaml --jobs 2 --memory 100MB").ended(1);
    assert!(output.stderr.contains("of memory, and --memory is 95 MiB"), "{output}");
    assert!(context.runs("base").is_empty());
    context.cliptune("run experiments/base.yaml --jobs 2 --memory 3GB").succeeded();
    assert_eq!(context.statuses("base"), ["done"; 4]);
    for wrong in ["--memory 3", "--memory much"] {
        context.cliptune(&format!("run experiments/base.yaml {wrong}")).ended(2);
    }
    for wrong in ["--jobs 0", "--threads 0", "--jobs many", "--threads -1"] {
        let refused = context.cliptune(&format!("run experiments/base.yaml {wrong}")).ended(2);
        let is_plain = refused.stderr.contains("expected a whole number, 1 or more");
        assert!(is_plain || wrong.ends_with("-1"), "{refused}");
    }
}

#[test]
fn a_signal_ends_all_of_them_with_their_checkpoints() {
    type Send = fn(Pid, Signal) -> rustix::io::Result<()>;
    let ways: [(Signal, Send); 2] = [(Signal::TERM, kill_process), (Signal::INT, kill_process_group)];
    for (signal, send) in ways {
        let context = TestContext::new();
        context.replace("experiments/base.yaml", "seeds: [0]", "seeds: [0, 1]");
        let command = "run experiments/base.yaml --jobs 2 --set train.epochs=300";
        let child = context.start("cliptune", command);
        wait_for("step of both", || {
            let runs = context.runs("base");
            let logs =
                runs.iter().map(|run| fs::read_to_string(run.join("events.jsonl")).unwrap_or_default());
            (logs.filter(|log| log.contains("\"step\"")).count() == 2).then_some(())
        });
        send(Pid::from_child(&child), signal).unwrap();
        let output: Output = child.wait_with_output().unwrap().into();
        let output = output.ended(130);
        assert_eq!(output.stderr.matches("finishing this step, then saving").count(), 1, "{output}");
        assert_eq!(context.statuses("base"), ["interrupted"; 2], "{output}");
        assert!(context.runs("base").iter().all(|run| run.join("checkpoint/last.safetensors").is_file()));
        context.cliptune(command).succeeded();
        assert_eq!(context.statuses("base"), ["done"; 2]);
    }
}
