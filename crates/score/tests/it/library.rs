//! ONNX Runtime libraries that cannot be used.

use std::path::Path;
use std::process::{Command, Output};

use cliptune_experiment::TaskKind;

use crate::fixture::Fixture;

fn score_with(library: &Path) -> Output {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.train();
    Command::new(env!("CARGO_BIN_EXE_cliptune-score"))
        .arg(fixture.experiment())
        .arg("--store")
        .arg(fixture.path("runs"))
        .env(cliptune_native::ORT_DYLIB_PATH, library)
        .output()
        .unwrap()
}

fn complaint(library: &Path) -> String {
    let output = score_with(library);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains(&library.display().to_string()), "{text}");
    assert!(text.contains("run scripts/setup, or point ORT_DYLIB_PATH at"), "{text}");
    text
}

#[test]
fn a_missing_library_is_named() {
    assert!(complaint(Path::new("/nowhere/libonnxruntime.so")).contains("was not found"));
}

#[test]
fn a_file_that_is_no_library_is_named() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    assert!(complaint(&file).contains("cannot be used as ONNX Runtime"));
}

#[test]
fn another_library_is_named() {
    let file = Path::new(env!("DUCKDB_LIB_DIR")).join("libduckdb.so");
    let text = complaint(&file);
    assert!(text.contains("OrtGetApiBase"), "{text}");
}

#[test]
fn scoring_leaves_nothing_in_the_home_of_whoever_scores() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.train();
    let home = fixture.path("home");
    fs_err::create_dir(&home).unwrap();
    // As a person starts it: nothing in the environment speaks of telemetry.
    let mut command = Command::new(env!("CARGO_BIN_EXE_cliptune-score"));
    command.arg(fixture.experiment()).arg("--store").arg(fixture.path("runs"));
    for variable in [cliptune_native::ORT_DISABLE_TELEMETRY, "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
        command.env_remove(variable);
    }
    let output = command.env("HOME", &home).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left: Vec<_> = fs_err::read_dir(&home).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
