//! Who may read what, and who may see the token; offline mode.

use std::net::TcpListener;
use std::time::Duration;

use cliptune_hub::{Event, HubError};

use crate::http::Fault;
use crate::repository::{COMMIT, Repository};
use crate::server::FakeHub;
use crate::support::{Diary, Machine, assert_says, id, lines, quiet};

const LISTING: &str = "GET /revision/main";
const TOKEN: (&str, &str) = ("HF_TOKEN", "hf_secret");

fn refusal(status: u16, headers: &[(&'static str, &str)]) -> Fault {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Fault::Instead { status, headers, body: String::new() }
}

/// The error of a fetch whose listing is refused so.
fn refused(status: u16, headers: &[(&'static str, &str)], variables: &[(&str, &str)]) -> HubError {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(LISTING, refusal(status, headers));
    let error = machine.hub(&server, variables).fetch(&id("org/clip"), &quiet).unwrap_err();
    assert_eq!(server.asked().len(), 1, "a refusal is not asked about again");
    assert_eq!(machine.files().len(), 0);
    error
}

#[test]
fn the_token_is_sent_to_the_hub_and_to_nobody_else() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    machine.hub(&server, &[TOKEN]).fetch(&id("org/clip"), &quiet).unwrap();
    let asked = server.asked();
    let (store, hub): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| asked.is_store);
    assert_eq!(store.len(), 1, "one large file");
    assert!(hub.len() > 5);
    assert!(hub.iter().all(|asked| asked.header("authorization") == Some("Bearer hf_secret")));
    // The store is the same machine at another port.
    assert!(store.iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn without_a_token_none_is_sent() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let variables = [TOKEN, ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")];
    machine.hub(&server, &variables).fetch(&id("org/clip"), &quiet).unwrap();
    assert!(server.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn no_repository_and_a_private_one_are_the_same_to_a_stranger() {
    let message = "there is no repository org/clip at http://127.0.0.1:";
    let error = refused(401, &[("X-Error-Message", "Invalid username or password.")], &[]);
    assert_says(&error, &[message, "without a token", "HF_TOKEN", "hf auth login"]);
    let error = refused(404, &[("X-Error-Code", "RepoNotFound")], &[TOKEN]);
    assert_says(&error, &[message, "with this token", "spelling"]);
}

#[test]
fn a_gated_repository_says_where_to_agree() {
    let gated = [("X-Error-Code", "GatedRepo")];
    let error = refused(401, &gated, &[]);
    assert_says(
        &error,
        &["access to org/clip is restricted", "accept the conditions at http://127.0.0.1:", "HF_TOKEN"],
    );
    let error = refused(403, &gated, &[TOKEN]);
    assert_says(&error, &["access to org/clip is restricted", "with the account that the token belongs to"]);
}

#[test]
fn a_gate_in_front_of_the_files_alone_is_recognised() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&format!("HEAD /{COMMIT}/config.json"), refusal(403, &[("X-Error-Code", "GatedRepo")]));
    let error = machine.hub(&server, &[TOKEN]).fetch(&id("org/clip"), &quiet).unwrap_err();
    assert!(matches!(error, HubError::Gated { has_token: true, .. }), "{error}");
}

#[test]
fn an_unknown_token_is_blamed_by_itself_and_not_shown() {
    let error = refused(401, &[("X-Error-Message", "Invalid credentials in Authorization header")], &[TOKEN]);
    assert_says(&error, &["refuses the token", "/settings/tokens"]);
    assert!(!cliptune_terminal::render(&error).contains("hf_secret"));
}

#[test]
fn an_unknown_revision_is_told_from_an_unknown_repository() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let error = machine.fetch(&server, "org/clip@v9").unwrap_err();
    assert_says(&error, &["org/clip has no revision v9"]);
    let error = machine.fetch(&server, "org/other").unwrap_err();
    assert!(matches!(error, HubError::NoRepository { .. }), "{error}");
}

#[test]
fn a_busy_hub_is_asked_again_and_then_given_up() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    (0..2).for_each(|_| server.fails(LISTING, refusal(503, &[])));
    server.fails(&format!("HEAD /{COMMIT}/config.json"), refusal(500, &[]));
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(machine.waited(), Duration::from_secs(1 + 2 + 1));

    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    (0..5).for_each(|_| server.fails(LISTING, refusal(502, &[("X-Error-Message", "maintenance")])));
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert_eq!(error.to_string(), "cannot fetch org/clip", "what was typed comes first");
    assert_says(&error, &["/api/models/org/clip/revision/main answers with status 502: maintenance"]);
    assert_eq!(server.asked().len(), 5);
}

#[test]
fn a_closed_port_is_reported_at_once() {
    let machine = Machine::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut server = FakeHub::start([]);
    server.endpoint = format!("http://{closed}");
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    let caused = format!("caused by: no answer from http://{closed}/api/models/org/clip");
    assert_says(&error, &["cannot fetch org/clip", &caused, "HF_ENDPOINT"]);
    assert_eq!(machine.waited(), Duration::ZERO);
}

#[test]
fn offline_mode_uses_the_cache_and_never_the_network() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let offline = machine.hub(&server, &[("HF_HUB_OFFLINE", "1")]);
    let error = offline.fetch(&id("org/clip"), &quiet).unwrap_err();
    assert_says(&error, &["org/clip is not complete in the cache", "offline", "cliptune fetch org/clip"]);
    assert_eq!(server.asked().len(), 0);
    let snapshot = machine.fetch(&server, "org/clip").unwrap();
    server.asked();
    assert_eq!(offline.fetch(&id("org/clip"), &quiet).unwrap(), snapshot);
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_hub_that_does_not_answer_is_replaced_by_the_cache() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let snapshot = machine.fetch(&server, "org/clip").unwrap();
    server.fails(LISTING, refusal(504, &[]));
    let diary = Diary::default();
    let again =
        machine.hub(&server, &[]).fetch(&id("org/clip"), &|event: Event<'_>| diary.note(event)).unwrap();
    assert_eq!(again, snapshot);
    let notices = diary.notices();
    assert!(
        notices[0].ends_with(&format!("status 504; using commit {COMMIT} from the cache")),
        "{notices:?}"
    );
    assert_eq!(machine.waited(), Duration::ZERO);
}

#[test]
fn a_refusal_is_not_covered_up_by_the_cache() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    machine.fetch(&server, "org/clip").unwrap();
    server.fails(LISTING, refusal(403, &[("X-Error-Code", "GatedRepo")]));
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert!(matches!(error, HubError::Gated { .. }), "{error}");
}

#[test]
fn a_renamed_repository_is_followed_and_kept_under_the_name_that_was_asked_for() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    // The hub answers to an old name with a redirect to the new one, for the listing and for each file.
    let moved = |to: String| refusal(307, &[("Location", to.as_str())]);
    server
        .fails("GET /api/models/clip/revision/main", moved("/api/models/org/clip/revision/main".to_owned()));
    for name in [
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    ] {
        for method in ["HEAD", "GET"] {
            let to = format!("/org/clip/resolve/{COMMIT}/{name}");
            server.fails(&format!("{method} /clip/resolve/{COMMIT}/{name}"), moved(to));
        }
    }
    let snapshot = machine.fetch(&server, "clip").unwrap();
    assert!(snapshot.folder.starts_with(machine.cache().join("models--clip/snapshots")));
    assert!(lines(&server.asked()).contains(&"GET /api/models/clip/revision/main".to_owned()));
}
