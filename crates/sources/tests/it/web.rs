//! One file on a web server that does not behave.

use std::sync::mpsc;
use std::time::Duration;

use cliptune_sources::SourceError;

use crate::http::{Answer, Fault, Server};
use crate::support::{Machine, contents, files, lines, refusal, store, texts, web};

const HEAD: &str = "HEAD /data/meta.csv";
const GET: &str = "GET /data/meta.csv";

/// A server of one file that is long enough to be cut.
fn served() -> (crate::support::Files, Server, String) {
    let files = store(&[("data/meta.csv", "0123456789abcdef")]);
    let server = web(&files);
    let address = format!("{}/data/meta.csv", server.address);
    (files, server, address)
}

#[test]
fn a_file_is_fetched_once_and_again_when_it_changes() {
    let (files, server, address) = served();
    let machine = Machine::new();
    let fetched = machine.fetch(&address).unwrap();
    assert_eq!(contents(&fetched), texts(&[("meta.csv", "0123456789abcdef")]));
    assert_eq!(lines(&server), [GET, HEAD]);
    assert_eq!(machine.fetch(&address).unwrap(), fetched);
    assert_eq!(lines(&server), [HEAD]);
    files.lock().unwrap().insert("data/meta.csv".to_owned(), "changed".to_owned());
    assert_eq!(contents(&machine.fetch(&address).unwrap()), texts(&[("meta.csv", "changed")]));
    assert_eq!(lines(&server), [GET, HEAD]);
}

#[test]
fn nothing_is_asked_for_compressed() {
    let (_, server, address) = served();
    Machine::new().fetch(&address).unwrap();
    assert!(server.asked().iter().all(|asked| asked.header("accept-encoding") == Some("identity")));
}

#[test]
fn a_cut_download_continues_with_the_same_version() {
    let (_, server, address) = served();
    server.fails(GET, Fault::CutAfter(5));
    let machine = Machine::new();
    let fetched = machine.fetch(&address).unwrap();
    assert_eq!(contents(&fetched), texts(&[("meta.csv", "0123456789abcdef")]));
    let asked = server.asked();
    let rest = &asked[2];
    assert_eq!((rest.line(), rest.header("range")), (GET.to_owned(), Some("bytes=5-")));
    assert_eq!(rest.header("if-match"), Some(crate::support::etag("0123456789abcdef").as_str()));
}

#[test]
fn a_server_without_ranges_sends_the_whole_file_again() {
    let (_, server, address) = served();
    server.fails(GET, Fault::CutAfter(5));
    server.fails(GET, Fault::WholeInstead);
    let machine = Machine::new();
    let fetched = machine.fetch(&address).unwrap();
    assert_eq!(contents(&fetched), texts(&[("meta.csv", "0123456789abcdef")]));
}

#[test]
fn errors_of_the_server_are_tried_again_with_growing_pauses() {
    let (_, server, address) = served();
    for request in [HEAD, GET, GET] {
        server.fails(request, refusal(503));
    }
    let machine = Machine::new();
    machine.fetch(&address).unwrap();
    // One second, then one and two, each longer by up to a half.
    assert!((4..=6).contains(&machine.waited().as_secs()), "{:?}", machine.waited());
}

#[test]
fn what_has_arrived_is_kept_when_the_server_is_given_up() {
    let (_, server, address) = served();
    server.fails(GET, Fault::CutAfter(5));
    for _ in 0..5 {
        server.fails(GET, refusal(500));
    }
    let machine = Machine::new();
    let error = machine.fetch(&address).unwrap_err();
    assert!(matches!(error, SourceError::Stopped { done: 5, total: 16, .. }), "{error}");
    server.asked();
    machine.fetch(&address).unwrap();
    assert_eq!(server.asked()[1].header("range"), Some("bytes=5-"));
}

#[test]
fn a_file_that_is_replaced_in_the_middle_is_never_mixed() {
    let (files, server, address) = served();
    server.fails(GET, Fault::CutAfter(5));
    let replaced = std::sync::Arc::clone(&files);
    let relay = Server::start(move |asked| {
        // The file changes as soon as its rest is asked for.
        if asked.header("range").is_some() {
            replaced.lock().unwrap().insert("data/meta.csv".to_owned(), "new and longer content".to_owned());
        }
        Answer::new(307, &[("Location", &format!("{}{}", server.address, asked.target))], "")
    });
    let machine = Machine::new();
    let fetched = machine.fetch(&address.replace(&server_of(&address), &relay.address)).unwrap();
    assert_eq!(contents(&fetched), texts(&[("meta.csv", "new and longer content")]));
}

fn server_of(address: &str) -> String {
    address.strip_suffix("/data/meta.csv").unwrap().to_owned()
}

#[test]
fn a_file_that_always_changes_is_given_up() {
    let (_, server, address) = served();
    for _ in 0..3 {
        server.fails(GET, Fault::Header("ETag", "\"another\"".to_owned()));
    }
    let error = Machine::new().fetch(&address).unwrap_err();
    assert!(matches!(error, SourceError::Changed { .. }), "{error}");
}

#[test]
fn a_length_that_is_not_the_announced_one_is_refused_and_nothing_is_left() {
    for fault in [Fault::Surplus(1), Fault::Surplus(1 << 20), Fault::Endless] {
        let (_, server, address) = served();
        server.fails(GET, fault);
        let machine = Machine::new();
        let error = machine.fetch(&address).unwrap_err();
        assert!(matches!(error, SourceError::Size { expected: 16, .. }), "{error}");
        let left = files(&machine.cache());
        assert!(!left.iter().any(|file| file.contains("files/") || file.contains("partial/")), "{left:?}");
    }
}

#[test]
fn a_file_without_a_length_or_a_version_is_refused() {
    let (_, server, address) = served();
    for header in ["Content-Length", "ETag"] {
        server.fails(HEAD, Fault::NoHeader(header));
        let error = Machine::new().fetch(&address).unwrap_err();
        assert!(matches!(error, SourceError::Answer { .. }), "{header}: {error}");
    }
}

#[test]
fn what_comes_compressed_without_being_asked_for_is_refused() {
    let (_, server, address) = served();
    server.fails(GET, Fault::Header("Content-Encoding", "gzip".to_owned()));
    let error = Machine::new().fetch(&address).unwrap_err();
    assert!(error.to_string().contains("compressed (gzip)"), "{error}");
}

#[test]
fn a_content_that_differs_from_its_checksum_is_refused() {
    let (_, server, address) = served();
    // The CRC-32C of another text.
    server.fails(GET, Fault::Header("x-goog-hash", "crc32c=4waSgw==".to_owned()));
    let machine = Machine::new();
    let error = machine.fetch(&address).unwrap_err();
    assert!(matches!(error, SourceError::Checksum { kind: "CRC-32C", .. }), "{error}");
    assert_eq!(contents(&machine.fetch(&address).unwrap()).len(), 1);
}

#[test]
fn a_silent_server_is_not_waited_for_for_ever() {
    let (_, server, address) = served();
    let (release, held) = mpsc::channel();
    server.fails(GET, Fault::Held(held));
    let machine = Machine::new();
    // The first answer has no body until the test ends; the second try gets one.
    let sources = machine.sources_of(machine.settings().with_timeout(Duration::from_millis(500)));
    let fetched = machine.fetch_of(&sources, &address).unwrap();
    assert_eq!(contents(&fetched), texts(&[("meta.csv", "0123456789abcdef")]));
    drop(release);
}

#[test]
fn redirects_that_lead_nowhere_are_refused() {
    for location in ["ftp://elsewhere/a", "/round"] {
        let server = Server::start(move |_| Answer::new(302, &[("Location", location)], ""));
        let error = Machine::new().fetch(&format!("{}/a.csv", server.address)).unwrap_err();
        assert!(matches!(error, SourceError::Redirect { .. }), "{location}: {error}");
    }
}

#[test]
fn the_query_of_an_address_is_sent_and_never_shown() {
    let (_, server, address) = served();
    let machine = Machine::new();
    let signed = format!("{address}?version=geheim");
    machine.fetch(&signed).unwrap();
    assert!(server.asked().iter().all(|asked| asked.target.ends_with("?version=geheim")));
    for file in files(&machine.cache()) {
        let bytes = fs_err::read(machine.cache().join(&file)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("geheim"), "{file}");
        assert!(!file.contains("geheim"));
    }
    server.fails(HEAD, Fault::Instead { status: 403, headers: Vec::new(), body: "geheim".to_owned() });
    let error = machine.fetch(&signed).unwrap_err().in_one_line();
    assert!(!error.contains("geheim"), "{error}");
}

#[test]
fn two_queries_of_one_path_are_two_files() {
    let server = Server::start(|asked| Answer::file(asked, asked.target.as_bytes(), &[("ETag", "\"one\"")]));
    let machine = Machine::new();
    for query in ["a", "b"] {
        let fetched = machine.fetch(&format!("{}/t.csv?{query}", server.address)).unwrap();
        assert_eq!(contents(&fetched), texts(&[("t.csv", &format!("/t.csv?{query}"))]));
    }
}
