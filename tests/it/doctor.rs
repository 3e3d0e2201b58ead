//! `cliptune doctor`, and what is said of libraries that are missing or of another version.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, checkout, output, program};

/// The libtorch that the programs of these tests are linked to.
fn libtorch() -> PathBuf {
    std::env::var_os("LIBTORCH").map_or_else(|| checkout().join("native/libtorch"), PathBuf::from)
}

/// A libtorch that says it is of another version, with the libraries of the right one.
fn another_libtorch(context: &TestContext) -> PathBuf {
    context.write("other/version.py", "from typing import Optional\n\n__version__ = '1.0.0+cu999'\n");
    symlink(libtorch().join("lib"), context.path("other/lib")).unwrap();
    context.path("other")
}

fn doctor(context: &TestContext, arguments: &[&str], variables: &[(&str, PathBuf)]) -> Output {
    let mut command = context.command("cliptune");
    command.arg("doctor").args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    output(&mut command)
}

#[test]
fn a_checkout_that_was_set_up_and_built_lacks_nothing() {
    let context = TestContext::empty();
    let shown = doctor(&context, &[], &[]).succeeded();
    for word in
        ["cliptune-store", "cliptune-train", "libtorch", "ONNX Runtime", "DuckDB", "processor", "free"]
    {
        assert!(shown.stdout.contains(word), "{word}: {shown}");
    }
    assert!(shown.stderr.contains("nothing is missing"), "{shown}");
    let found = doctor(&context, &["--json"], &[]).succeeded().json();
    assert_eq!(found["problems"], Value::Array(Vec::new()));
    assert_eq!(found["installation"], "checkout");
    let programs = found["programs"].as_array().unwrap();
    assert_eq!(programs.len(), 5);
    assert!(programs.iter().all(|program| program["version"] == found["version"]), "{found}");
    for library in found["libraries"].as_array().unwrap() {
        let file = PathBuf::from(library["file"].as_str().unwrap());
        assert!(file.is_absolute() && file.is_file(), "{library}");
    }
    assert!(!context.path("runs").exists(), "a doctor makes no store");
}

#[test]
fn a_libtorch_of_another_version_is_refused_by_name_before_a_training() {
    let context = TestContext::empty();
    let other = another_libtorch(&context);
    let train = |arguments: &[&str]| {
        let mut command = context.command("cliptune");
        output(command.arg("train").args(arguments).env("LIBTORCH", &other))
    };
    let failed = train(&["x.yaml"]).ended(1);
    assert!(failed.stderr.contains("1.0.0+cu999") && failed.stderr.contains("other/lib"), "{failed}");
    assert!(failed.stderr.contains("hint: LIBTORCH leads to it"), "{failed}");
    train(&["--help"]).succeeded();
    let mut command = context.command("cliptune");
    command.args(["train", "x.yaml"]).env("LIBTORCH", &other).env("LIBTORCH_BYPASS_VERSION_CHECK", "1");
    let started = output(&mut command).ended(2);
    assert!(started.stderr.contains("x.yaml"), "the training itself refuses the file: {started}");
}

#[test]
fn a_doctor_names_the_other_libtorch_and_only_training_needs_it() {
    let context = TestContext::empty();
    let other = [("LIBTORCH", another_libtorch(&context))];
    let found = doctor(&context, &["--json"], &other).ended(1).json();
    assert_eq!(found["problems"][0]["tool"], "train");
    assert!(found["problems"][0]["problem"].as_str().unwrap().contains("1.0.0+cu999"), "{found}");
    let shown = doctor(&context, &[], &other).ended(1);
    assert!(shown.stdout.contains("problem: cliptune-train: "), "{shown}");
    doctor(&context, &["ingest", "score", "report"], &other).succeeded();
    doctor(&context, &["train"], &other).ended(1);
}

#[test]
fn a_missing_onnx_runtime_is_a_problem_of_scoring() {
    let context = TestContext::empty();
    let nowhere = [("ORT_DYLIB_PATH", context.path("nowhere/libonnxruntime.so"))];
    let shown = doctor(&context, &[], &nowhere).ended(1);
    assert!(shown.stdout.contains("problem: cliptune-score: ONNX Runtime is missing"), "{shown}");
    doctor(&context, &["train"], &nowhere).succeeded();
}

#[test]
fn an_onnx_runtime_that_cannot_be_used_is_a_problem_of_scoring() {
    let context = TestContext::empty();
    context.write("libonnxruntime.so", "no library");
    let other = [("ORT_DYLIB_PATH", context.path("libonnxruntime.so"))];
    let shown = doctor(&context, &[], &other).ended(1);
    let said = shown.stdout.lines().find(|line| line.starts_with("problem: cliptune-score: "));
    assert!(said.is_some_and(|line| line.contains("cannot be used as ONNX Runtime")), "{shown}");
    doctor(&context, &["train"], &other).succeeded();
}

#[test]
fn a_library_that_is_none_is_named_with_what_brings_it() {
    let context = TestContext::empty();
    context.write("libduckdb.so", "no library");
    let mut command = context.command("cliptune");
    let shown = output(command.arg("doctor").env("LD_LIBRARY_PATH", context.path(""))).ended(1);
    assert!(shown.stdout.contains("problem: cliptune-ingest: it does not start: "), "{shown}");
    assert!(
        shown.stdout.contains("DUCKDB_LIB_DIR") && !shown.stdout.contains("belong into one folder"),
        "{shown}"
    );
}

/// `cliptune` alone in a folder `bin`, with nothing of the checkout around it.
fn alone(context: &TestContext) -> Command {
    fs::create_dir_all(context.path("bin")).unwrap();
    fs::copy(program("cliptune"), context.path("bin/cliptune")).unwrap();
    let mut command = Command::new(context.path("bin/cliptune"));
    command.current_dir(context.path("")).env("PATH", "/usr/bin:/bin").env("NO_COLOR", "1");
    command.env_remove("ORT_DYLIB_PATH").env_remove("LIBTORCH");
    command
}

#[test]
fn programs_that_are_not_beside_cliptune_are_named() {
    let context = TestContext::empty();
    let shown = output(alone(&context).arg("doctor")).ended(1);
    for name in ["cliptune-store", "cliptune-ingest", "cliptune-train", "cliptune-score", "cliptune-report"] {
        assert!(shown.stdout.contains(&format!("there is no {name} beside")), "{shown}");
    }
}

#[test]
fn an_installed_cliptune_takes_the_onnx_runtime_of_its_environment() {
    let context = TestContext::empty();
    let library = "lib/python3.12/site-packages/onnxruntime/capi/libonnxruntime.so.1.32.0";
    context.write("lib/cliptune/native-libraries.txt", "");
    let found = output(alone(&context).args(["doctor", "--json"])).ended(1).json();
    assert_eq!(found["installation"], "folder");
    context.write(library, "no library");
    let found = output(alone(&context).args(["doctor", "--json"])).ended(1).json();
    assert_eq!(found["installation"], "environment");
    let runtime = &found["libraries"][1];
    assert_eq!(runtime["library"], "ONNX Runtime");
    assert_eq!(runtime["file"], context.path(library).display().to_string());
    assert_eq!(runtime["version"], "1.32.0");
    assert_eq!(runtime["found_by"], "Python environment");
    let problems = found["problems"].as_array().unwrap();
    let hints = problems.iter().filter_map(|problem| problem["mend"].as_str()).collect::<Vec<_>>();
    assert!(hints.len() == problems.len() && !hints.is_empty(), "each comes with what mends it: {found}");
}
