//! Models from a hub, by the variables that Python's clients obey.

use std::path::Path;
use std::process::Command;

use fs_err as fs;

use crate::export::tensors;
use crate::http::Fault;
use crate::repository::{COMMIT, Repository};
use crate::server::FakeHub;
use crate::support::{TestContext, assert_output, checkout, output};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// `cliptune` with a hub and a cache of its own.
fn cliptune(context: &TestContext, endpoint: &str, arguments: &str) -> Command {
    let mut command = context.command("cliptune");
    command.args(arguments.split_whitespace()).env("HF_HOME", context.path("cache"));
    command.env("HF_ENDPOINT", endpoint).env("no_proxy", "127.0.0.1");
    for variable in ["HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        command.env_remove(variable);
    }
    command
}

/// A CLIP that can be used, as a repository.
pub(crate) fn tiny() -> Repository {
    let references = |file: &str| checkout().join("crates").join(file);
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    let preprocessor = r#"{"size": 12, "crop_size": 12, "resample": 3}"#;
    Repository::empty("org/tiny")
        .with("config.json", &text(&references("train/tests/references/model/config.json")))
        .with("tokenizer.json", &text(&references("clip/tests/references/tokenizer/tokenizer.json")))
        .with("preprocessor_config.json", preprocessor)
        .with_large(
            "model.safetensors",
            fs::read(references("train/tests/references/model/model.safetensors")).unwrap(),
        )
}

#[test]
fn a_model_is_fetched_once_and_found_offline() {
    let (server, context) = (FakeHub::start([Repository::clip()]), TestContext::empty());
    let folder = format!("cache/hub/models--org--clip/snapshots/{COMMIT}");
    let fetched =
        output(cliptune(&context, &server.endpoint, "fetch org/clip -q").env("HF_TOKEN", "hf_secret"));
    assert_eq!(fetched.succeeded().stdout.trim(), context.path(&folder).display().to_string());
    assert!(context.path(&folder).join("model.safetensors").is_file());
    let asked = server.asked();
    let hub = asked.iter().filter(|asked| !asked.is_store);
    assert!(hub.clone().count() > 0);
    assert!(hub.into_iter().all(|asked| asked.header("authorization") == Some("Bearer hf_secret")));

    let again = output(cliptune(&context, NOBODY, "fetch org/clip -q").env("HF_HUB_OFFLINE", "1"));
    assert_eq!(again.succeeded().stdout.trim(), context.path(&folder).display().to_string());
    let other = output(cliptune(&context, NOBODY, "fetch org/other -q").env("HF_HUB_OFFLINE", "1"));
    assert_output!(context, other, @r"
    exit code: 1
    ----- stderr -----
    error: org/other is not complete in the cache [DIR]/cache/hub, and the hub is not asked in offline mode

    hint: run `cliptune fetch org/other` where there is a network, without HF_HUB_OFFLINE
    ");
}

#[test]
fn a_damaged_download_is_reported_and_the_next_fetch_is_whole() {
    let (server, context) = (FakeHub::start([Repository::clip()]), TestContext::empty());
    let hash = Repository::clip().file("model.safetensors").etag();
    server.fails(&format!("GET /store/{hash}"), Fault::Damaged);
    let damaged = output(&mut cliptune(&context, &server.endpoint, "fetch org/clip -q"));
    assert_output!(context, damaged, @r"
    exit code: 1
    ----- stderr -----
    error: model.safetensors arrived damaged: expected sha256 [HASH], found sha256 [HASH]

    hint: the download is removed; try again, and suspect the mirror or proxy if it repeats
    ");
    output(&mut cliptune(&context, &server.endpoint, "fetch org/clip -q")).succeeded();
}

#[test]
fn an_experiment_starts_from_a_hub_id() {
    let (server, context) = (FakeHub::start([tiny()]), TestContext::new());
    context.replace("experiments/tuned.yaml", "from: run:base", "from: org/tiny");
    let tuned = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    // Taken as it is: without `train`.
    let (zero_shot, _) = tuned.split_once("train:\n").unwrap();
    context.write("experiments/tuned.yaml", zero_shot);
    output(&mut cliptune(&context, &server.endpoint, "ingest experiments/tuned.yaml -q")).succeeded();
    output(&mut cliptune(&context, &server.endpoint, "train experiments/tuned.yaml -q")).succeeded();
    let run = context.only_run("tuned");
    let original = checkout().join("crates/train/tests/references/model/model.safetensors");
    assert!(tensors(&run.join("model/model.safetensors")) == tensors(&original));
    // What has been fetched is there without the hub.
    let train =
        output(cliptune(&context, NOBODY, "status experiments/tuned.yaml --json").env("HF_HUB_OFFLINE", "1"));
    assert_eq!(train.succeeded().json()[0]["training"], "fresh");
}
