//! The command itself: streams and exit codes.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Sources, names};

const EXPERIMENT: &str = "
name: small
data:
  images: images
  metadata: table.parquet
  join: { image: name, metadata: file }
  columns: { text: text, group: contest }
  split: { by: component, train: 0.6, validation: 0.2, test: 0.2, seed: 0 }
model:
  from: scratch
  architecture:
    image_size: 32
    patch_size: 8
    vision: { width: 32, layers: 1, heads: 2 }
    text: { width: 32, layers: 1, heads: 2 }
    context_length: 16
    vocab_size: 600
    projection_dim: 16
train:
  objective: contrastive
  epochs: 1
  batch_size: 4
  optimizer: { name: adamw, lr: 1e-4 }
";

fn sources() -> Sources {
    let sources = Sources::new();
    sources.images(10).file("small.yaml", EXPERIMENT);
    sources.table("SELECT n || '.png' AS file, 'scene ' || n AS text, n AS contest FROM range(10) AS r(n)");
    sources
}

fn command(sources: &Sources) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cliptune-ingest"));
    command.env_remove("CLIPTUNE_STORE").arg(sources.path("small.yaml"));
    command.arg("--store").arg(sources.path("runs"));
    command
}

fn run(sources: &Sources, more: &[&str]) -> Output {
    command(sources).args(more).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn it_says_what_it_made_and_the_second_time_that_it_is_there() {
    let sources = sources();
    let first = run(&sources, &[]);
    let said = stderr(&first);
    assert!(first.status.success() && first.stdout.is_empty(), "{said}");
    assert!(said.contains("joined     10 of 10 images with 10 of 10 rows"), "{said}");
    assert!(said.contains("nothing crosses a split"), "{said}");
    let second = stderr(&run(&sources, &[]));
    assert!(second.ends_with("(small) is fresh\n"), "{second}");
    assert!(run(&sources, &["--quiet"]).stderr.is_empty());
}

#[test]
fn json_is_the_record() {
    let sources = sources();
    let output = run(&sources, &["--json", "--quiet"]);
    let records: Vec<cliptune_store::DatasetRecord> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((records.len(), records[0].items.items), (1, 10));
}

#[test]
fn mistakes_end_with_2_and_say_what_to_do() {
    let sources = sources();
    for (setting, said) in [
        ("data.columns.text=txet", "did you mean \"text\"?"),
        ("data.images=nowhere", "there are no images at"),
        ("data.metadata=nothing.parquet", "there is no table"),
        ("data.where=txet is null", "data.where is not usable SQL"),
    ] {
        let output = run(&sources, &["--set", setting]);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said) && error.contains("hint:"), "{error}");
    }
}

#[test]
fn a_killed_ingest_leaves_all_or_nothing() {
    let sources = sources();
    let store = sources.store();
    let mut made = 0;
    for delay in (0..60).step_by(3) {
        let mut child = command(&sources).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        for dataset in store.datasets().unwrap() {
            assert_eq!((dataset.items(None).unwrap().len(), dataset.rejects().unwrap().len()), (10, 0));
            fs_err::remove_dir_all(dataset.folder()).unwrap();
            made += 1;
        }
        let left = names(&sources.path("runs/datasets"));
        assert!(left.iter().all(|name| name.starts_with(".unfinished-")), "{left:?}");
    }
    // What was left behind is in nobody's way.
    assert!(run(&sources, &[]).status.success());
    assert_eq!(store.datasets().unwrap().len(), 1, "after {made} that came through");
}

#[test]
fn a_store_that_cannot_be_is_named() {
    let sources = sources();
    sources.file("runs", "a file where the store should be");
    let output = run(&sources, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("runs"), "{}", stderr(&output));
}
