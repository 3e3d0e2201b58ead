//! Stores, data and experiments that move, together and each by itself, and runs that are made again elsewhere.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, output};

/// Runs `cliptune` with arguments that may have spaces.
fn cliptune(context: &TestContext, arguments: &[&str]) -> Output {
    output(context.command("cliptune").args(arguments))
}

/// With everything trained and scored, and a run that starts from the model of another by its path.
fn finished() -> TestContext {
    finished_in(TestContext::new())
}

fn finished_in(context: TestContext) -> TestContext {
    context.replace("experiments/tuned.yaml", "seeds: [0, 1]", "seeds: [0]");
    context.cliptune("run experiments/base.yaml").succeeded();
    let model = format!("../{}/model", below(&context, &context.only_run("base")));
    let tuned = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    let by_path = tuned.replace("name: tuned", "name: by-path").replace("run:base", &model);
    context.write("experiments/by-path.yaml", &by_path);
    context.cliptune("run experiments").succeeded();
    // The index knows the paths as they are now.
    context.cliptune("ls").succeeded();
    context
}

fn below(context: &TestContext, path: &Path) -> String {
    path.strip_prefix(context.path("")).unwrap().display().to_string()
}

/// Moves things of a context into a folder of it.
fn moved(context: &TestContext, what: &[&str], to: &str) {
    fs::create_dir_all(context.path(to)).unwrap();
    for name in what {
        fs::rename(context.path(name), context.path(to).join(Path::new(name).file_name().unwrap())).unwrap();
    }
}

/// All records and models of a store, with their times: what a run that does nothing leaves as it is.
fn made(context: &TestContext, store: &str) -> Vec<(String, std::time::SystemTime)> {
    let mut files = context.files(store);
    files.retain(|(name, _)| !["/cache/", "/reports/", "/.lock"].iter().any(|part| name.contains(part)));
    files
}

/// What `show` says of each run, as JSON, and what the settings are in the views.
fn shown(context: &TestContext, store: &str) -> String {
    let mut said = String::new();
    for run in ["base@0", "tuned@0", "by-path@0"] {
        said += &cliptune(context, &["show", run, "--store", store]).succeeded().stdout;
        said += &cliptune(context, &["show", run, "--json", "--store", store]).succeeded().stdout;
    }
    let sql =
        "SELECT run, key, value FROM settings WHERE key IN ('data.images', 'data.metadata', 'model.from')";
    said + &cliptune(context, &["query", sql, "--csv", "--store", store]).succeeded().stdout
}

/// Fails the test unless everything is fresh, is scored, reported and listed, and nothing was made again.
fn assert_nothing_is_made_again(context: &TestContext, experiments: &str, store: &str) {
    let before = made(context, store);
    let all =
        |command: &str| context.cliptune(&format!("{command} {experiments} --store {store}")).succeeded();
    for command in ["status --exit-code", "run", "train", "score", "report", "status --exit-code"] {
        all(command);
    }
    assert_eq!(made(context, store), before);
    assert_eq!(
        context.cliptune(&format!("ls --json --store {store}")).succeeded().json().as_array().unwrap().len(),
        3
    );
}

#[test]
fn everything_may_move_together_to_a_folder_of_another_name() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "contest/images", "contest/images/*.jpeg");
    let context = finished_in(context);
    // The datasets know of all experiments that use them.
    context.cliptune("ingest experiments").succeeded();
    moved(&context, &["contest", "experiments", "runs"], "another [place]'s");
    let (experiments, store) = ("another [place]'s/experiments", "another [place]'s/runs");
    let said = shown(&context, store);
    let here = |path: &str| context.path(path).display().to_string();
    assert!(said.contains(&here("another [place]'s/contest/images")), "{said}");
    assert!(!said.contains(&here("contest")) && !said.contains(&here("runs")), "{said}");
    let before = made(&context, store);
    for command in [
        &["status", "--exit-code"][..],
        &["run"],
        &["ingest"],
        &["score"],
        &["report"],
        &["status", "--exit-code"],
    ] {
        cliptune(&context, &[command, &[experiments, "--store", store]].concat()).succeeded();
    }
    assert_eq!(made(&context, store), before);
    // What a run started from by its path is still needed.
    let refused = cliptune(&context, &["rm", "base@0", "--store", store]).ended(2);
    assert!(refused.stderr.contains("by-path"), "{refused}");
}

#[test]
fn the_store_may_move_alone() {
    let context = finished();
    moved(&context, &["runs"], "disk/stores");
    let said = shown(&context, "disk/stores/runs");
    let images = context.path("contest/images").display().to_string();
    assert!(said.contains(&images) && !said.contains("disk/stores/contest"), "{said}");
    // The model that a run started from by its path has moved with the store, and its experiment has to say so.
    context.replace("experiments/by-path.yaml", "../runs/", "../disk/stores/runs/");
    assert_nothing_is_made_again(&context, "experiments", "disk/stores/runs");
}

#[test]
fn data_and_experiments_may_move_without_the_store() {
    let context = finished();
    moved(&context, &["contest", "experiments"], "deep/elsewhere");
    context.replace("deep/elsewhere/experiments/by-path.yaml", "../runs/", "../../../runs/");
    assert_nothing_is_made_again(&context, "deep/elsewhere/experiments", "runs");
}

#[test]
fn an_experiment_file_may_move_alone() {
    let context = finished();
    for name in ["base", "tuned", "by-path"] {
        context.replace(&format!("experiments/{name}.yaml"), "../contest", "../../contest");
    }
    context.replace("experiments/by-path.yaml", "../runs", "../../runs");
    moved(&context, &["experiments"], "deep");
    assert_nothing_is_made_again(&context, "deep/experiments", "runs");
}

#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    let context = finished();
    let script =
        "mount --bind . . && cd \"$PWD\" && mount -o remount,bind,ro . && shift 0 && exec \"$@\" || exit 77";
    for arguments in [
        &["status", "experiments", "--exit-code"][..],
        &["ls"],
        &["ls", "experiments"],
        &["show", "tuned@0"],
        &["show", "tuned@0", "by-path@0"],
        &["show", "tuned@0", "--yaml"],
        &["query", "FROM runs"],
        &["query", "SELECT count(*) FROM items"],
        &["run", "experiments"],
    ] {
        let mut command = std::process::Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", script, "sh"])
            .arg(crate::support::program("cliptune"))
            .args(arguments);
        command.current_dir(context.path("")).env("NO_COLOR", "1").env_remove("CLIPTUNE_STORE");
        let said = output(&mut command);
        assert_ne!(
            said.code,
            Some(77),
            "this test needs namespaces in which a folder can be mounted:\n{said}"
        );
        assert_eq!(said.code, Some(0), "{arguments:?}\n{said}");
    }
}

/// The bytes of all records that name paths.
fn records(context: &TestContext) -> Vec<(PathBuf, Vec<u8>)> {
    let files = context.files("runs").into_iter().map(|(name, _)| context.path(&name));
    let records = files.filter(|path| path.ends_with("run.json") || path.ends_with("dataset.json"));
    records.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn data_that_has_moved_away_from_the_store_is_relocated_once_it_is_the_same() {
    let context = finished();
    let (old, new) =
        (context.path("contest").display().to_string(), context.path("srv/contest").display().to_string());
    moved(&context, &["contest"], "srv");
    for name in ["base", "tuned", "by-path"] {
        context.replace(&format!("experiments/{name}.yaml"), "../contest", "../srv/contest");
    }
    context.cliptune("rm tuned@0").succeeded();
    let before = records(&context);
    assert_eq!(before.len(), 5, "{before:?}");

    // Other data is refused, whichever part of it is other, and nothing is changed.
    fs::create_dir_all(context.path("copy/images")).unwrap();
    for file in fs::read_dir(context.path("srv/contest/images")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), context.path("copy/images").join(file.file_name())).unwrap();
    }
    let missing = cliptune(&context, &["relocate", &old, "copy"]).ended(2);
    assert!(missing.stderr.contains("contest.parquet"), "{missing}");
    fs::copy(context.path("srv/contest/contest.parquet"), context.path("copy/contest.parquet")).unwrap();
    let one = fs::read_dir(context.path("copy/images")).unwrap().next().unwrap().unwrap().path();
    fs::write(&one, b"another picture").unwrap();
    let other = cliptune(&context, &["relocate", &old, "copy"]).ended(2);
    assert!(other.stderr.contains("the images at") && other.stderr.contains("differ"), "{other}");
    assert_eq!(records(&context), before);

    let listed =
        cliptune(&context, &["relocate", &old, "srv/contest", "--dry-run", "--json"]).succeeded().json();
    assert_eq!(listed["records"].as_array().unwrap().len(), before.len(), "{listed:#}");
    assert_eq!(records(&context), before);
    cliptune(&context, &["relocate", &old, "srv/contest"]).succeeded();
    assert!(records(&context).iter().all(|record| !before.contains(record)));

    // Killed half way, it leaves some records as they were; the same command finishes.
    for (path, bytes) in before.iter().step_by(2) {
        fs::write(path, bytes).unwrap();
    }
    let rest = cliptune(&context, &["relocate", &old, &new, "--json"]).succeeded().json();
    assert_eq!(rest["records"].as_array().unwrap().len(), 3, "{rest:#}");
    let nothing = cliptune(&context, &["relocate", &old, &new]).succeeded();
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("no record names"), "{nothing}");

    context.cliptune("restore tuned@0").succeeded();
    let said = shown(&context, "runs");
    assert!(said.contains(&new) && !said.contains(&old), "{said}");
    assert_nothing_is_made_again(&context, "experiments", "runs");
}

#[test]
fn relocations_that_make_no_sense_are_refused() {
    let context = TestContext::empty();
    cliptune(&context, &["relocate", "a", "b/../a"]).ended(2);
    cliptune(&context, &["relocate", "a"]).ended(2);
    cliptune(&context, &["relocate", "a", "b"]).ended(2);
    assert!(!context.path("runs").exists(), "a store that is not there is not made");
}

fn key(run: &Path) -> Value {
    serde_json::from_slice::<Value>(&fs::read(run.join("run.json")).unwrap()).unwrap()["key"].clone()
}

#[test]
fn a_run_is_made_again_elsewhere_from_its_record_alone() {
    let context = finished();
    let keys = ["base", "tuned"].map(|name| key(&context.only_run(name)));
    fs::create_dir_all(context.path("again")).unwrap();
    fs::remove_dir_all(context.path("experiments")).unwrap();
    for name in ["base", "tuned", "by-path"] {
        let printed = context.cliptune(&format!("show {name}@0 --yaml")).succeeded().stdout;
        context.write(&format!("absolute/{name}.yaml"), &printed);
        context.cliptune(&format!("show {name}@0 --yaml=again/{name}.yaml")).succeeded();
        let written = fs::read_to_string(context.path(&format!("again/{name}.yaml"))).unwrap();
        assert!(written.contains("images: ../contest/images") && written.contains("# "), "{written}");
        context.cliptune(&format!("show {name}@0 --yaml=again/{name}.yaml")).ended(2);
    }
    for folder in ["absolute", "again"] {
        assert_nothing_is_made_again(&context, folder, "runs");
    }
    // On another machine there is the data, and the files of the run and of the one that it starts from.
    fs::remove_file(context.path("again/by-path.yaml")).unwrap();
    moved(&context, &["contest", "again"], "machine");
    fs::remove_dir_all(context.path("runs")).unwrap();
    context.cliptune("run machine/again").succeeded();
    assert_eq!(["base", "tuned"].map(|name| key(&context.only_run(name))), keys);
}

#[test]
fn two_runs_are_shown_side_by_side() {
    let context = finished();
    let both = context.cliptune("show tuned@0 base@0").succeeded();
    for line in ["train.objective", "dataset", "weights", "validation.accuracy", "started"] {
        assert!(both.stdout.lines().any(|row| row.starts_with(line)), "{line}\n{both}");
    }
    assert!(!both.stdout.contains("train.precision") && !both.stdout.contains("made on"), "{both}");
    let all = context.cliptune("show tuned@0 base@0 --all").succeeded().stdout;
    assert!(all.contains("train.precision") && all.contains("made on"), "{all}");
    let json = context.cliptune("show tuned@0 by-path@0 --json").succeeded().json();
    assert_eq!(json["same_key"], false, "{json:#}");
    assert_eq!(json["settings"].as_object().unwrap().keys().collect::<Vec<_>>(), ["model.from"], "{json:#}");
    // Facts are data, named as `show RUN --json` names them.
    let seconds = &json["facts"]["end.seconds"];
    assert!(seconds[0].is_number() && seconds[1].is_number(), "{json:#}");
    assert!(json["facts"]["provenance.host"].is_null(), "{json:#}");
    let all = context.cliptune("show tuned@0 by-path@0 --all --json").succeeded().json();
    assert!(all["facts"]["provenance.threads"][0].is_number(), "{all:#}");
    assert!(
        all["facts"]["data.items"][0].is_number() && all["facts"]["labels.tags"][0].is_array(),
        "{all:#}"
    );
    let accuracy = &json["metrics"]["test"]["accuracy"];
    assert!(accuracy[0]["low"].is_number() && accuracy[1]["high"].is_number(), "{json:#}");
    for arguments in [
        "show tuned@0 tuned",
        "show tuned@0 base@0 by-path@0",
        "show tuned@0 --all",
        "show tuned@0 base@0 --yaml",
        "show tuned@0 --yaml --json",
        "show tuned@0 nobody@0",
        "show tuned@0 --set train.epochs=1",
        "relocate a b --set train.epochs=1",
    ] {
        context.cliptune(arguments).ended(2);
    }
}
