//! Runs in daily life: labelled, removed, restored, and what goes for good.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::signals::{LONG, training};
use crate::support::{Output, TestContext, assert_output, output};

/// With everything trained and scored.
fn finished() -> TestContext {
    let context = TestContext::new();
    context.cliptune("run experiments --quiet").succeeded();
    context
}

/// The names of the runs in the trash, with their kinds.
fn trash(context: &TestContext) -> Vec<(String, String)> {
    let list = context.cliptune("restore --list --json").succeeded().json();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|entry| (text(entry, "kind"), text(entry, "name"))).collect()
}

fn id(run: &Path) -> String {
    let names: Vec<_> = run.iter().rev().take(2).map(|name| name.to_str().unwrap()).collect();
    format!("{}/{}", names[1], names[0])
}

/// The tuned run of a seed.
fn tuned(context: &TestContext, seed: u32) -> PathBuf {
    let end = format!("-s{seed}");
    let mut runs = context.runs("tuned").into_iter();
    runs.find(|run| run.to_string_lossy().ends_with(&end)).unwrap()
}

/// Runs a command whose arguments have spaces.
fn cliptune(context: &TestContext, arguments: &[&str]) -> Output {
    let mut command: Command = context.command("cliptune");
    output(command.args(arguments))
}

/// Everything in the store but its lock, with sizes and times.
fn state(context: &TestContext) -> Vec<(String, std::time::SystemTime)> {
    let mut files = context.files("runs");
    files.retain(|(name, _)| !name.ends_with(".lock"));
    files
}

#[test]
fn labels_are_given_shown_and_taken_back() {
    let context = finished();
    let tagged = context.cliptune("tag tuned@0 tuned@1 --add good --add late").succeeded().stdout;
    assert_eq!(tagged.lines().filter(|line| line.ends_with("good, late")).count(), 2, "{tagged}");
    context.cliptune("rename tuned@1 champion").succeeded();
    cliptune(&context, &["note", "champion", "--text", "for the talk\u{1b}[2J\nnext week"]).succeeded();
    context.cliptune("pin champion").succeeded();
    let shown = context.cliptune("show champion").succeeded();
    let told: Vec<&str> = shown
        .stdout
        .lines()
        .filter(|line| ["  name", "  tags", "  note", "  pinned"].iter().any(|fact| line.starts_with(fact)))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    name     champion
    tags     good, late
    note     for the talk\u{1b}[2J\nnext week
    pinned   yes
    ");
    assert!(!shown.stdout.contains('\u{1b}'), "{shown}");
    let json = context.cliptune("show champion --json").succeeded().json();
    assert_eq!(json["labels"]["tags"], serde_json::json!(["good", "late"]));
    assert_eq!(json["labels"]["note"], "for the talk\u{1b}[2J\nnext week");
    context.cliptune("tag champion tuned@0 --remove late").succeeded();
    context.cliptune("note champion --remove").succeeded();
    context.cliptune("pin champion --remove").succeeded();
    let last = context.cliptune("rename champion --remove --json").succeeded().json();
    assert_eq!(
        last,
        serde_json::json!([{ "run": id(&tuned(&context, 1)), "name": null, "tags": ["good"], "note": null, "pinned": false }])
    );
    // A wrong name changes none of the runs, and what is no label is refused.
    for wrong in [
        "tag tuned@0 tuned@7 --add x",
        "tag tuned --add x",
        "tag tuned@0",
        "tag tuned@0 --add a,b",
        "note tuned@0",
        "rename tuned@0 base",
        "rename tuned@0 a/b",
        "rename tuned@0",
    ] {
        context.cliptune(wrong).ended(2);
    }
    assert_eq!(context.cliptune("show tuned@0 --json").json()["labels"]["tags"], serde_json::json!(["good"]));
}

#[test]
fn damaged_labels_are_told_once_and_the_run_is_shown() {
    let context = finished();
    context.cliptune("pin tuned@0").succeeded();
    let labels = tuned(&context, 0).join("labels.json");
    fs::write(&labels, "{").unwrap();
    let shown = context.cliptune("show tuned@0").succeeded();
    assert_eq!(shown.stderr.matches("labels.json").count(), 1, "{shown}");
    assert!(shown.stdout.contains("accuracy"), "{shown}");
    // Whether it is pinned is unknown, so it is not removed.
    context.cliptune("rm tuned@0").ended(2);
    context.cliptune("gc --keep-best 0 --weights").succeeded();
    assert!(tuned(&context, 0).join("onnx").exists());
}

#[test]
fn what_others_were_made_from_or_is_pinned_is_removed_only_by_force() {
    let context = finished();
    context.cliptune("pin tuned@1").succeeded();
    let before = state(&context);
    assert_output!(context, context.cliptune("rm base@0"), @r"
    exit code: 2
    ----- stderr -----
    base/[RUN]-s0: tuned/[RUN]-s0 was made from it
    base/[RUN]-s0: tuned/[RUN]-s1 was made from it
    base/[RUN]-s0: the report experiments shows it
    base/[RUN]-s0: it holds scores on validation, scores on test
    error: base/[RUN]-s0 is kept: tuned/[RUN]-s0 was made from it, and tuned/[RUN]-s1 was made from it

    hint: --force removes it all the same, into the trash
    ");
    assert_output!(context, context.cliptune("rm tuned@0 tuned@1"), @r"
    exit code: 2
    ----- stderr -----
    tuned/[RUN]-s0: the report experiments shows it
    tuned/[RUN]-s0: it holds scores on validation, scores on test
    tuned/[RUN]-s1: it is pinned
    tuned/[RUN]-s1: the report experiments shows it
    tuned/[RUN]-s1: it holds scores on validation, scores on test
    error: tuned/[RUN]-s1 is kept: it is pinned

    hint: --force removes it all the same, into the trash
    ");
    assert_output!(context, context.cliptune("rm tuned"), @r"
    exit code: 2
    ----- stderr -----
    error: tuned stands for 2 runs: tuned/[RUN]-s0, tuned/[RUN]-s1

    hint: write a little more of the name, or its seed behind the experiment, as in tuned@0
    ");
    let dataset = fs::read_dir(context.path("runs/datasets")).unwrap().next().unwrap().unwrap();
    let refused = cliptune(&context, &["rm", "--dataset", dataset.file_name().to_str().unwrap()]).ended(2);
    assert!(refused.stderr.contains("has seen it"), "{refused}");
    assert_eq!(state(&context), before, "a refusal changes nothing");
    // Together with all that was made from it, a base is needed by nothing.
    context.cliptune("pin tuned@1 --remove").succeeded();
    context.cliptune("rm base@0 tuned@0 tuned@1 --quiet").succeeded();
    assert!(context.runs("base").is_empty() && context.runs("tuned").is_empty());
    assert_eq!(trash(&context).len(), 3);
    context.cliptune("restore base tuned/").ended(2);
    assert_eq!(trash(&context).len(), 3, "a name that is not clear restores none");
    context.cliptune("restore base@0").succeeded();
    assert_eq!(context.statuses("base"), ["done"]);
}

#[test]
fn runs_that_a_condition_is_true_of_are_listed_and_go_once_that_is_confirmed() {
    let context = finished();
    let both = ["tuned/", "tuned/"];
    let named = |output: &Output| {
        output.stdout.lines().filter(|line| line.contains("tuned/")).map(|_| "tuned/").collect::<Vec<_>>()
    };
    // What only saves time is made by whoever looks.
    let state = || {
        let files = state(&context).into_iter();
        files.filter(|(name, _)| !name.starts_with("runs/cache/")).collect::<Vec<_>>()
    };
    let before = state();
    let listed = context.cliptune("rm --filter train.objective='choice'").ended(2);
    assert_eq!(named(&listed), both, "{listed}");
    assert!(listed.stderr.contains("nobody confirmed that 2 runs may go"), "{listed}");
    assert!(listed.stderr.contains("--yes moves them to the trash"), "{listed}");
    // What depends on them is told before the question.
    assert_eq!(listed.stderr.matches("the report experiments shows it").count(), 2, "{listed}");
    let none = context.cliptune("rm --filter seed=7 --yes --json").succeeded().json();
    assert_eq!(none, serde_json::json!([]));
    context.cliptune("rm experiments --stale --yes").succeeded();
    assert!(state() == before, "nothing was changed");
    // What others were made from stays, and with it everything else.
    context.cliptune("rm base --filter true --yes").ended(2);
    assert!(state() == before, "nothing was changed");
    context.cliptune("rm tuned --filter seed=1 --yes --weights").succeeded();
    assert!(!tuned(&context, 1).join("onnx").exists() && tuned(&context, 0).join("onnx").exists());
    // What the present files stand for no longer.
    let stale = "rm experiments/tuned.yaml --stale --set train.epochs=3";
    assert_eq!(named(&context.cliptune(stale).ended(2)), both);
    let removed = context.cliptune(&format!("{stale} --yes --json")).succeeded().json();
    assert_eq!(removed.as_array().unwrap().len(), 2, "{removed:#}");
    assert!(context.runs("tuned").is_empty());
    assert_eq!(context.statuses("base"), ["done"]);
    assert_eq!(trash(&context).len(), 3, "two runs, and weights");
}

#[test]
fn no_run_is_stale_that_would_be_gone_on_with_or_while_an_experiment_is_unknown() {
    let context = TestContext::new();
    let (child, run) = training(&context, "cliptune-train", "");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap();
    assert_eq!(context.statuses("base"), ["interrupted"]);
    let other = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    let other = other.replace("name: base", "name: other").replace("contest.parquet", "other.parquet");
    context.write("experiments/other.yaml", &other);
    let table = context.path("contest/other.parquet");
    fs::copy(context.path("contest/contest.parquet"), &table).unwrap();
    let stale = format!("rm experiments/base.yaml experiments/other.yaml --stale --yes {LONG}");
    let none = context.cliptune(&format!("{stale} --json")).succeeded().json();
    assert_eq!(none, serde_json::json!([]), "training goes on with it");
    let absent = stale.replace("--stale", "--filter=NOT(present)");
    let none = context.cliptune(&format!("{absent} --json")).succeeded().json();
    assert_eq!(none, serde_json::json!([]), "a condition that asks the same gets the same answer");
    fs::remove_file(&table).unwrap();
    context.cliptune(&absent).ended(2);
    let unknown = context.cliptune(&stale).ended(2);
    assert!(unknown.stderr.contains("which runs are stale cannot be said"), "{unknown}");
    assert!(unknown.stderr.contains("hint: the warnings say what is unknown"), "{unknown}");
    assert_eq!(context.only_run("base"), run);
}

#[test]
fn a_removed_run_comes_back_and_is_fresh_again() {
    let context = finished();
    let run = tuned(&context, 0);
    let before = context.files("runs/tuned");
    assert_output!(context, context.cliptune("rm tuned@0").succeeded().stderr, @r"
    tuned/[RUN]-s0: the report experiments shows it
    tuned/[RUN]-s0: it holds scores on validation, scores on test
    tuned/[RUN]-s0: it is in the trash; `cliptune restore tuned/[RUN]-s0` brings back what was removed
    ");
    context.cliptune("status --exit-code").ended(3);
    context.cliptune("show tuned@0").ended(2);
    assert_eq!(trash(&context), [("run".to_owned(), id(&run))]);
    assert_output!(context, cliptune(&context, &["restore", &id(&run)]).succeeded().stderr, @"tuned/[RUN]-s0: back in runs/tuned/[RUN]-s0");
    assert_eq!(context.files("runs/tuned"), before);
    context.cliptune("status --exit-code").succeeded();
    assert_output!(context, context.cliptune("restore --list"), @r"
    exit code: 0
    ----- stderr -----
    the trash of runs is empty
    ");
    context.cliptune("restore tuned@0").ended(2);
    context.cliptune("rm tuned@0 --quiet").succeeded();
    context.cliptune("restore tuned@0").succeeded();
    assert_eq!(context.files("runs/tuned"), before);
}

#[test]
fn without_weights_a_run_keeps_its_scores_and_says_how_they_come_back() {
    let context = finished();
    context.cliptune("rm base@0 --weights").ended(2);
    // What loses its weights alone still needs those that it was made from, to be made again.
    context.cliptune("rm base@0 tuned@0 tuned@1 --weights").ended(2);
    assert_output!(context, context.cliptune("rm tuned@0 --weights").succeeded().stderr, @r"
    tuned/[RUN]-s0: the report experiments shows it
    tuned/[RUN]-s0: its weights are in the trash; `cliptune restore tuned/[RUN]-s0` brings back what was removed
    ");
    let fresh = context.cliptune("run experiments").succeeded();
    assert!(fresh.stderr.contains("everything is fresh"), "{fresh}");
    let shown = context.cliptune("show tuned@0").succeeded();
    assert!(
        shown.stdout.contains("its weights were removed") && shown.stdout.contains("accuracy"),
        "{shown}"
    );
    assert_eq!(context.cliptune("show tuned@0 --json").succeeded().json()["weights_removed"], true);
    assert_output!(context, context.cliptune("export tuned@0 --layout hugging-face --to out"), @r"
    exit code: 2
    ----- stderr -----
    error: the weights of tuned/[RUN]-s0 were removed

    hint: `cliptune restore tuned/[RUN]-s0` brings them back while they are in the trash; once they are not, `cliptune rm tuned/[RUN]-s0` and `cliptune run` train it again
    ");
    context.cliptune("soup tuned --to out").ended(2);
    assert!(!context.path("out").exists());
    // A split that was not scored before needs them.
    let missing =
        context.cliptune("run experiments/tuned.yaml --set score.splits=[train,validation,test]").ended(2);
    assert!(
        missing.stderr.contains("the weights of tuned/") && missing.stderr.contains("cliptune restore"),
        "{missing}"
    );
    assert_eq!(context.runs("tuned").len(), 2, "nothing is trained only because weights are gone");
    context.cliptune("restore tuned@0").succeeded();
    context.cliptune("run experiments/tuned.yaml --set score.splits=[train,validation,test]").succeeded();
    context.cliptune("export tuned@0 --layout hugging-face --to out").succeeded();
}

#[test]
fn a_dry_run_tells_what_would_go_and_changes_nothing() {
    let context = finished();
    context.cliptune("rm tuned@0 --quiet").succeeded();
    let before = state(&context);
    let all = "gc --trash --cache --unfinished --keep-best 0";
    let told = context.cliptune(&format!("{all} --dry-run --json")).succeeded().json();
    assert_eq!(state(&context), before);
    let done = context.cliptune(&format!("{all} --json")).succeeded().json();
    assert_eq!((told["dry_run"].clone(), done["dry_run"].clone()), (true.into(), false.into()));
    assert_eq!((&told["removed"], &told["freed"]), (&done["removed"], &done["freed"]));
    assert!(told["freed"].as_u64().unwrap() > 0);
    assert!(trash(&context).is_empty());
    // Both experiments are present: their runs stay, though none is among the best 0.
    assert_eq!((context.runs("base").len(), context.runs("tuned").len()), (1, 1));
    // What looking at the experiments has remembered again is all that is left to remove, or nothing where the clock had not
    // moved on since the data was written.
    let again = context.cliptune(&format!("{all} --json")).succeeded().json();
    let is_remembered = |one: &Value| one["kind"] == "cache";
    assert!(again["removed"].as_array().unwrap().iter().all(is_remembered), "{again}");
}

#[test]
fn the_best_runs_the_pinned_ones_and_what_they_were_made_from_stay() {
    let context = finished();
    // Other settings: the earlier runs are no longer what the experiments stand for.
    context.cliptune("run experiments --set train.epochs=3 --quiet").succeeded();
    assert_eq!((context.runs("base").len(), context.runs("tuned").len()), (2, 4));
    let pinned = context.runs("tuned")[0].clone();
    cliptune(&context, &["pin", pinned.to_str().unwrap()]).succeeded();
    let young = context.cliptune("gc --keep-best 0 --older-than 1d --dry-run --json").succeeded().json();
    assert_eq!(young["removed"], serde_json::json!([]));
    let gone = context.cliptune("gc --keep-best 0 --json experiments").succeeded().json();
    let names: Vec<&str> =
        gone["removed"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    // The present YAML has two epochs for the base and one for the tuned: the runs of three epochs go.
    assert_eq!(names.len(), 3, "{gone:#}");
    assert!(pinned.exists() && names.iter().all(|name| !context.path("runs").join(name).exists()));
    context.cliptune("status --exit-code").succeeded();
    // Of what is present, the weights may go, but not those that a pinned run was made from.
    let gone = context.cliptune("gc --keep-best 0 --weights --json").succeeded().json();
    let names: Vec<&str> =
        gone["removed"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, [id(&context.runs("tuned")[1])]);
    context.cliptune("status --exit-code").succeeded();
    assert!(trash(&context).is_empty(), "what gc removes is gone for good");
}

#[test]
fn what_an_experiment_may_start_from_stays_while_nobody_can_say_where_it_stands() {
    let context = finished();
    context.cliptune("rm tuned@0 tuned@1").succeeded();
    // As on a disk that is not mounted.
    fs::rename(context.path("contest"), context.path("elsewhere")).unwrap();
    let gone = context.cliptune("gc --keep-best 0 --weights --json").succeeded().json();
    assert_eq!(gone["removed"], serde_json::json!([]), "{gone:#}");
    fs::rename(context.path("elsewhere"), context.path("contest")).unwrap();
    context.cliptune("run experiments --quiet").succeeded();
    assert_eq!(context.runs("base").len(), 1, "the base was not made again");
}

#[test]
fn an_entry_of_the_trash_that_does_not_say_what_it_is_is_listed_and_goes_with_the_others() {
    let context = TestContext::empty();
    for (name, record) in [("damaged", Some("{")), ("missing", None)] {
        context.write(&format!("runs/.trash/{name}/content/file"), "something");
        if let Some(record) = record {
            context.write(&format!("runs/.trash/{name}/trashed.json"), record);
        }
    }
    let listed = context.cliptune("restore --list --json").succeeded().json();
    for (line, name) in listed.as_array().unwrap().iter().zip(["damaged", "missing"]) {
        assert_eq!(line["kind"], "damaged", "{listed:#}");
        assert_eq!(line["name"], format!("runs/.trash/{name}"), "{listed:#}");
    }
    let table = context.cliptune("restore --list").succeeded().stdout;
    assert!(table.contains("runs/.trash/missing"), "{table}");
    let gone = context.cliptune("gc --trash --json").succeeded().json();
    assert_eq!(gone["removed"].as_array().unwrap().len(), 2, "{gone:#}");
    assert!(!context.path("runs/.trash/damaged").exists() && !context.path("runs/.trash/missing").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let context = TestContext::empty();
    for command in [
        "gc --trash --cache --unfinished",
        "fsck",
        "fsck --repair",
        "restore --list",
        "restore x",
        "rm x",
        "rm --filter seed=0 --yes",
        "relocate a b",
        "query x",
    ] {
        let refused = context.cliptune(command).ended(2);
        assert!(
            refused.stderr.contains("there is no store in ") && refused.stderr.contains("hint: "),
            "{refused}"
        );
    }
    assert!(!context.path("runs").exists(), "a store that does not exist is not made");
    fs::create_dir_all(context.path("runs/base")).unwrap();
    for wrong in [
        "fsck --set train.epochs=1",
        "gc --trash --set train.epochs=1",
        "restore --list --set train.epochs=1",
        "export x --to y --set train.epochs=1",
        "gc",
        "gc --dry-run",
        "gc --weights",
        "gc --trash --keep-best x",
        "gc --by test.accuracy --trash",
        "gc --keep-best 1 --by accuracy",
        "gc --trash --older-than soon",
        "gc experiments --trash",
        "rm x",
        "rm --dataset x",
        "rm",
        "rm --stale",
        "rm x --yes",
        "rm x --stale",
        "rm --dataset x --filter seed=0",
        "rm --filter nope=0 --yes",
        "rm --filter present --yes",
        "rm x --set train.epochs=1",
        "restore",
        "restore x",
        "restore x --list",
        "pin",
    ] {
        context.cliptune(wrong).ended(2);
    }
    assert_output!(context, context.cliptune("gc --trash --cache --unfinished"), @r"
    exit code: 0
    ----- stderr -----
    there is nothing to remove
    ");
}

#[test]
fn a_store_that_cannot_be_written_is_told_by_name() {
    let context = finished();
    // Even for root, a folder cannot be where a lock file is.
    let _ = fs::remove_file(context.path("runs/.lock"));
    fs::create_dir(context.path("runs/.lock")).unwrap();
    for command in ["tag tuned@0 --add x", "rm tuned@0", "gc --trash"] {
        let refused = context.cliptune(command).ended(1);
        assert!(refused.stderr.contains("runs/.lock"), "{refused}");
    }
    assert_eq!(context.runs("tuned").len(), 2);
}
