//! Servers that are broken, or mean harm.

use cliptune_hub::HubError;

use crate::http::Fault;
use crate::repository::{COMMIT, Repository, RepositoryFile};
use crate::server::FakeHub;
use crate::support::{Machine, assert_says, id, quiet};

const LISTING: &str = "GET /revision/main";

fn weights() -> RepositoryFile {
    Repository::clip().file("model.safetensors").clone()
}

fn content() -> String {
    format!("GET /store/{}", weights().etag())
}

/// What happened, where the error first names the model.
fn cause(error: HubError) -> HubError {
    match error {
        HubError::Service { id, source } => {
            assert_eq!(id.to_string(), "org/clip");
            *source
        }
        other => other,
    }
}

/// Nothing of the weights may be left: neither under a final name nor to be continued.
fn assert_no_weights(machine: &Machine) {
    let left = machine.files().into_iter().filter(|line| !line.contains(".lock"));
    let left: Vec<String> =
        left.filter(|line| line.contains(&weights().etag()) || line.contains("refs")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_large_file_with_a_wrong_hash_is_removed_and_reported() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&content(), Fault::Damaged);
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    let HubError::Hash { file, expected, found } = &error else { panic!("{error}") };
    assert_eq!(file.as_str(), "model.safetensors");
    assert_eq!(*expected, format!("sha256 {}", weights().etag()));
    assert!(found.starts_with("sha256 ") && found != expected, "{found}");
    assert_no_weights(&machine);
    machine.fetch(&server, "org/clip").unwrap();
}

#[test]
fn a_small_file_with_a_wrong_hash_is_removed_and_reported() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&format!("GET /{COMMIT}/config.json"), Fault::Header("ETag", "\"other\"".to_owned()));
    server.fails(&format!("GET resolve-cache/models/org/clip/{COMMIT}/config.json"), Fault::Damaged);
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    let etag = Repository::clip().file("config.json").etag();
    assert_says(
        &error,
        &["config.json arrived damaged", &format!("expected git blob {etag}, found git blob ")],
    );
    let left: Vec<String> = machine.files().into_iter().filter(|line| line.contains("blobs")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn damage_after_a_resumption_is_found_too() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&content(), Fault::CutAfter(100_000));
    server.fails(&content(), Fault::Damaged);
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert!(matches!(error, HubError::Hash { .. }), "{error}");
    assert_no_weights(&machine);
}

#[test]
fn more_bytes_than_declared_are_not_taken() {
    for fault in [Fault::Surplus(1), Fault::Endless] {
        let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
        server.fails(&content(), fault);
        let error = machine.fetch(&server, "org/clip").unwrap_err();
        let HubError::Size { file, expected: 300_000, found } = &error else { panic!("{error}") };
        assert_eq!(file.as_str(), "model.safetensors");
        assert!(*found > 300_000);
        assert_no_weights(&machine);
    }
}

#[test]
fn a_size_that_differs_from_the_listing_is_refused_before_anything_is_downloaded() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(
        &format!("HEAD /{COMMIT}/model.safetensors"),
        Fault::Header("X-Linked-Size", "300001".to_owned()),
    );
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert!(matches!(error, HubError::Size { expected: 300_000, found: 300_001, .. }), "{error}");
    assert_no_weights(&machine);
}

#[test]
fn an_etag_never_becomes_a_path() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(
        &format!("HEAD /{COMMIT}/model.safetensors"),
        Fault::Header("X-Linked-Etag", "\"../../../evil\"".to_owned()),
    );
    // The listing's hash takes its place.
    machine.fetch(&server, "org/clip").unwrap();
    assert!(machine.files().iter().all(|line| !line.contains("evil")));
}

/// A listing as some mirrors give it: of the names, without sizes and hashes.
fn names_alone() -> Fault {
    let repository = Repository::clip();
    let names = repository.files.iter().map(|file| format!("{{\"rfilename\":\"{}\"}}", file.name));
    let siblings = names.collect::<Vec<_>>().join(",");
    let body = format!("{{\"sha\":\"{COMMIT}\",\"siblings\":[{siblings}]}}");
    Fault::Instead { status: 200, headers: vec![], body }
}

#[test]
fn a_file_without_any_hash_is_refused() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(LISTING, names_alone());
    server
        .fails(&format!("HEAD resolve-cache/models/org/clip/{COMMIT}/config.json"), Fault::NoHeader("ETag"));
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert!(matches!(error, HubError::NoHash { .. }), "{error}");
}

#[test]
fn a_mirror_that_lists_names_alone_is_enough() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(LISTING, names_alone());
    machine.fetch(&server, "org/clip").unwrap();
}

#[test]
fn content_that_changes_between_question_and_answer_is_noticed() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let other = format!("\"{}\"", "a".repeat(64));
    server.fails(&format!("GET /{COMMIT}/model.safetensors"), Fault::Header("X-Linked-Etag", other));
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert_says(&error, &["model.safetensors", &weights().etag(), &"a".repeat(64)]);
    assert_no_weights(&machine);
}

#[test]
fn an_index_cannot_lead_out_of_the_snapshot_or_to_files_that_are_not_there() {
    let index = |file: &str| format!(r#"{{"weight_map": {{"a": "{file}"}}}}"#);
    let repository = |file: &str| {
        Repository::sharded()
            .without("model.safetensors.index.json")
            .with("model.safetensors.index.json", &index(file))
            .with_large(file, b"evil".to_vec())
    };
    for file in ["../../../../evil.safetensors", "/tmp/evil.safetensors"] {
        let (server, machine) = (FakeHub::start([repository(file)]), Machine::new());
        let error = machine.fetch(&server, "org/sharded").unwrap_err();
        assert!(matches!(error, HubError::FileName { .. }), "{file}: {error}");
        assert!(machine.files().iter().all(|line| !line.contains("evil")));
    }
    let absent = repository("absent.safetensors").without("absent.safetensors");
    let (server, machine) = (FakeHub::start([absent]), Machine::new());
    let error = machine.fetch(&server, "org/sharded").unwrap_err();
    assert_says(
        &error,
        &["the index of org/sharded names absent.safetensors, which the repository does not have"],
    );
}

#[test]
fn an_endpoint_that_is_no_hub_is_called_so() {
    for body in ["<html>please log in</html>", "{\"sha\":\"main\"}", "", "[]"] {
        let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
        server.fails(LISTING, Fault::Instead { status: 200, headers: vec![], body: body.to_owned() });
        let error = machine.fetch(&server, "org/clip").unwrap_err();
        let error = cause(error);
        assert!(matches!(error, HubError::Listing { .. } | HubError::Commit { .. }), "{body}: {error}");
        assert_eq!(machine.files().len(), 0);
    }
}

#[test]
fn redirects_in_a_circle_end() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    for _ in 0..20 {
        let headers = vec![("Location", "/api/models/org/clip/revision/main".to_owned())];
        server.fails(LISTING, Fault::Instead { status: 302, headers, body: String::new() });
    }
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert!(matches!(cause(error), HubError::Redirect { .. }));
    assert_eq!(server.asked().len(), 11);
}

#[test]
fn a_server_cannot_write_to_the_terminal() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let headers = vec![("X-Error-Message", format!("\u{9b}31m no {}", "x".repeat(1000)))];
    server.fails(LISTING, Fault::Instead { status: 418, headers, body: "\u{1b}[2J".to_owned() });
    let error = machine.hub(&server, &[]).fetch(&id("org/clip"), &quiet).unwrap_err();
    let text = cause(error).to_string();
    assert!(text.contains("418") && text.len() < 400 && !text.contains(char::is_control), "{text:?}");
}
