//! A first experiment about somebody's own data: it says why, `check` accepts it, and `run` does it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, output};

const SOURCES: &str = "--images contest/images --metadata contest/contest.parquet";

/// What `check` says the items of the only experiment in a folder are.
fn task(context: &TestContext, folder: &str) -> Value {
    let checked = context.cliptune(&format!("check {folder} --json")).succeeded().json();
    checked[0]["runs"][0]["data"]["columns"]["task"].clone()
}

fn assert_usage(refused: Output, said: &str) {
    let refused = refused.ended(2);
    assert!(refused.stderr.contains(said), "{refused}");
}

#[test]
fn the_file_says_what_was_guessed_and_why_and_check_accepts_it() {
    let context = TestContext::new();
    let written = context.cliptune(&format!("new own {SOURCES}")).succeeded();
    let text = fs::read_to_string(context.path("own/own.yaml")).unwrap();
    assert_eq!(task(&context, "own")["choice"]["label"]["is"], "letter");
    let settings = context.settings();
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!("new_says", written.to_string());
    insta::assert_snapshot!("new_writes", text);
    insta::assert_snapshot!("new_is_checked", context.cliptune("check own/own.yaml").to_string());
}

#[test]
fn every_kind_of_experiment_can_be_asked_for_of_a_table_that_has_it() {
    let context = TestContext::new();
    for (template, kind) in
        [("choice", "choice"), ("tutorial", "choice"), ("retrieval", "pairs"), ("classification", "classes")]
    {
        context.cliptune(&format!("new {template} {SOURCES} --template {template}")).succeeded();
        assert!(task(&context, template).get(kind).is_some(), "{template}");
        context.cliptune(&format!("ingest {template}")).succeeded();
    }
}

#[test]
fn without_data_a_template_is_about_the_contest_that_is_drawn_next() {
    let context = TestContext::empty();
    for template in ["tutorial", "retrieval", "classification", "choice"] {
        let written =
            context.cliptune(&format!("new {template} --template {template} --json")).succeeded().json();
        let next = written["next"].as_array().unwrap();
        assert_eq!(next[0], format!("cliptune demo-data {template}/contest"));
        // What is not drawn yet stops no check.
        context.cliptune(&format!("check {template}")).succeeded();
        context.cliptune(&format!("demo-data {template}/contest --cartoons 60")).succeeded();
        context.cliptune(&format!("check {template}")).succeeded();
        context.cliptune(&format!("ingest {template}")).succeeded();
    }
}

#[test]
fn what_is_written_runs() {
    let context = TestContext::new();
    context.cliptune(&format!("new own {SOURCES}")).succeeded();
    let smaller = "--set model.from=scratch --set model.architecture=tiny --set train.epochs=1";
    context.cliptune(&format!("run own {smaller}")).succeeded();
    assert_eq!(context.statuses("own"), ["done"]);
}

#[test]
fn folders_of_images_are_classes_where_there_is_no_table() {
    let context = TestContext::new();
    for n in 1..=20 {
        let class = if n % 2 == 0 { "a cat, asleep" } else { "dog" };
        let folder = context.path("photos").join(class);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(context.path(&format!("contest/images/{n}.jpeg")), folder.join(format!("{n}.jpeg")))
            .unwrap();
    }
    let written = context.cliptune("new own --images photos").succeeded();
    assert!(written.stdout.starts_with("wrote own/own.yaml and own/own.csv\n"), "{written}");
    assert_eq!(task(&context, "own")["classes"]["class"], "class");
    let table = fs::read_to_string(context.path("own/own.csv")).unwrap();
    assert!(table.starts_with("file,class\n\"a cat, asleep/10.jpeg\",\"a cat, asleep\"\n"), "{table}");
    context.cliptune("ingest own").succeeded();
    // Neither file is replaced, and without the table there is no experiment.
    fs::remove_file(context.path("own/own.yaml")).unwrap();
    assert_usage(context.cliptune("new own --images photos"), "own.csv is there already");
    assert!(!context.path("own/own.yaml").exists());
}

#[test]
fn the_guesses_are_there_for_machines() {
    let context = TestContext::new();
    let written = context.cliptune(&format!("new own {SOURCES} --json")).succeeded().json();
    assert_eq!(written["name"], "own");
    assert_eq!(written["images"], 60);
    let join = &written["join"];
    assert_eq!(join["all"][0]["value"]["metadata"], "filename");
    assert!(join["all"][0]["why"].as_str().unwrap().contains("60 of 60 images"), "{join}");
    assert_eq!(written["id"]["all"][0]["value"], "instance_id");
    assert_eq!(written["group"]["all"][0]["value"], "contest_number");
    assert_eq!(written["next"][1], "cliptune run own/own.yaml");
}

#[test]
fn names_of_columns_keep_their_meaning_whatever_they_are() {
    let context = TestContext::new();
    let names = ["select", "a: b # c", "it's \"\"quoted\"\"", "two\nlines", "- x", "null"];
    for (at, name) in names.iter().enumerate() {
        let rows: String =
            (1..=20).map(|n| format!("{n}.jpeg,\"a text of cartoon {n}, in words\"\n")).collect();
        context.write("named.csv", &format!("image file,\"{name}\"\n{rows}"));
        context.cliptune(&format!("new named-{at} --images contest/images --metadata named.csv")).succeeded();
        let pairs = task(&context, &format!("named-{at}"));
        assert_eq!(pairs["pairs"]["text"], name.replace("\"\"", "\""));
        context.cliptune(&format!("ingest named-{at}")).succeeded();
    }
}

#[test]
fn names_in_capitals_are_those_of_images_and_tables_too() {
    let context = TestContext::new();
    fs::create_dir_all(context.path("photos")).unwrap();
    for n in 1..=20 {
        let image = context.path(&format!("photos/IMG_{n}.JPEG"));
        fs::copy(context.path(&format!("contest/images/{n}.jpeg")), image).unwrap();
    }
    let rows: String =
        (1..=20).map(|n| format!("IMG_{n}.JPEG,\"a text of cartoon {n}, in words\"\n")).collect();
    context.write("TEXTS.CSV", &format!("Image,Caption\n{rows}"));
    context.cliptune("new own --images photos --metadata TEXTS.CSV").succeeded();
    assert_eq!(task(&context, "own")["pairs"]["text"], "Caption");
    context.cliptune("ingest own").succeeded();
}

#[test]
fn a_folder_may_hold_other_things_and_nothing_in_it_is_replaced() {
    let context = TestContext::new();
    context.write("own/notes.txt", "mine");
    context.write("own/own.yaml", "mine");
    assert_usage(context.cliptune(&format!("new own {SOURCES}")), "is there already");
    assert_eq!(fs::read_to_string(context.path("own/own.yaml")).unwrap(), "mine");
    fs::remove_file(context.path("own/own.yaml")).unwrap();
    context.cliptune(&format!("new own {SOURCES}")).succeeded();
    assert_eq!(fs::read_to_string(context.path("own/notes.txt")).unwrap(), "mine");
    assert_usage(context.cliptune(&format!("new own/notes.txt {SOURCES}")), "is there already");
}

#[test]
fn what_cannot_be_guessed_leaves_nothing() {
    let context = TestContext::new();
    context.write("empty.csv", "file,caption\n");
    context.write("other.csv", "file,caption\nx.png,a text\n");
    context.write("pairs.csv", "file,caption\n1.jpeg,a text of one\n2.jpeg,a text of two\n");
    for (arguments, said) in [
        ("--images nowhere --metadata contest/contest.parquet", "there are no images at"),
        ("--images contest/images --metadata nowhere.csv", "there is no table"),
        ("--images contest/images", "/contest/contest.parquet? name it with --metadata"),
        ("--images contest/images --metadata empty.csv", "has no rows"),
        ("--images contest/images --metadata other.csv", "names the images"),
        ("--images contest/images --metadata experiments/base.yaml", "a table of unknown format"),
        ("--images ftp://example.org/images --metadata pairs.csv", "not an address"),
        ("--images contest/images --metadata pairs.csv --template choice", "--template choice"),
        ("--images contest/images --metadata pairs.csv --interactive", "nobody can answer"),
        ("", "--images"),
        ("--metadata pairs.csv --template choice", "--images"),
    ] {
        assert_usage(context.cliptune(&format!("new own {arguments}")), said);
        assert!(!context.path("own").exists(), "{arguments}");
    }
    assert!(!context.path("runs").exists());
}

#[test]
fn a_folder_whose_name_is_no_text_is_an_error() {
    let context = TestContext::new();
    let folder = context.path("").join(OsStr::from_bytes(b"photos-\xff"));
    fs::create_dir(&folder).unwrap();
    fs::copy(context.path("contest/images/1.jpeg"), folder.join("1.jpeg")).unwrap();
    fs::write(folder.join("texts.csv"), "file,caption\n1.jpeg,a text of one\n").unwrap();
    let mut command = context.command("cliptune");
    command.current_dir(&folder).args(["new", "own", "--images", ".", "--metadata", "texts.csv"]);
    let refused = output(&mut command).ended(1);
    assert!(refused.stderr.contains("cannot say what is meant"), "{refused}");
    assert!(!folder.join("own").exists());
}

#[test]
fn paths_are_those_that_the_file_sees() {
    let context = TestContext::new();
    context.cliptune(&format!("new some/where {SOURCES}")).succeeded();
    let text = fs::read_to_string(context.path("some/where/where.yaml")).unwrap();
    assert!(text.contains("images: ../../contest/images\n"), "{text}");
    // From elsewhere, with absolute paths.
    let (images, table) = (context.path("contest/images"), context.path("contest/contest.parquet"));
    let mut command = context.command("cliptune");
    command.current_dir(context.path("experiments")).arg("new").arg(context.path("else where"));
    let written = output(command.arg("--images").arg(images).arg("--metadata").arg(table)).succeeded();
    assert!(written.stdout.contains("cliptune check '"), "{written}");
    let moved = context.path("else where/else-where.yaml");
    output(context.command("cliptune").arg("check").arg(moved)).succeeded();
}
