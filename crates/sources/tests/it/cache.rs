//! What stays in the cache, and what it is worth without the network.

use std::thread;

use cliptune_sources::{Event, Remote, SourceError, Wanted, clear, copied_from, copies};

use crate::http::Server;
use crate::support::{Impatient, Machine, contents, files, lines, quiet, refusal, s3, store, texts};

const ADDRESS: &str = "s3://bucket/d/";

fn served() -> (crate::support::Files, Server, Machine) {
    let files = store(&[("d/1", "one"), ("d/2", "two")]);
    let server = s3("bucket", &files);
    let machine = Machine::new().at(&server.address);
    (files, server, machine)
}

/// The same machine without a network.
fn offline(machine: Machine) -> Machine {
    machine.with("CLIPTUNE_OFFLINE", "1")
}

#[test]
fn offline_the_cache_answers_and_nothing_is_asked() {
    let (_, server, machine) = served();
    let fetched = machine.fetch(ADDRESS).unwrap();
    server.asked();
    let machine = offline(machine);
    assert_eq!(machine.fetch(ADDRESS).unwrap(), fetched);
    assert!(server.asked().is_empty());
}

#[test]
fn offline_what_is_missing_is_said() {
    let (_, server, machine) = served();
    let remote = Remote::parse(ADDRESS).unwrap();
    machine.sources().fetch(&remote, &machine.access, Wanted::whole(&|name| name == "1"), &quiet).unwrap();
    let machine = offline(machine);
    let error = machine.fetch(ADDRESS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 file of s3://bucket/d/ is not in the cache, and the network is not used: 2"
    );
    let error = machine.fetch("s3://bucket/other/").unwrap_err();
    assert!(matches!(error, SourceError::NotListed { .. }), "{error}");
    assert!(server.asked().iter().all(|asked| asked.path() != "/bucket/d/2"));
}

#[test]
fn a_file_that_was_cut_or_removed_in_the_cache_is_fetched_again() {
    let (_, _, machine) = served();
    let fetched = machine.fetch(ADDRESS).unwrap();
    fs_err::write(fetched.folder.join("1"), "o").unwrap();
    fs_err::remove_file(fetched.folder.join("2")).unwrap();
    assert_eq!(contents(&machine.fetch(ADDRESS).unwrap()), texts(&[("1", "one"), ("2", "two")]));
}

#[test]
fn damaged_lists_of_the_cache_cost_time_only() {
    let (_, _, machine) = served();
    machine.fetch(ADDRESS).unwrap();
    for file in
        files(&machine.cache()).iter().filter(|file| file.ends_with(".json") || file.ends_with(".jsonl"))
    {
        fs_err::write(machine.cache().join(file), "{\"half").unwrap();
    }
    assert_eq!(contents(&machine.fetch(ADDRESS).unwrap()), texts(&[("1", "one"), ("2", "two")]));
}

#[test]
fn another_service_with_the_same_bucket_is_another_copy() {
    let (_, _, machine) = served();
    machine.fetch(ADDRESS).unwrap();
    let other = s3("bucket", &store(&[("d/1", "another")]));
    let machine = machine.at(&other.address);
    assert_eq!(contents(&machine.fetch(ADDRESS).unwrap()), texts(&[("1", "another")]));
    assert_eq!(copies(&machine.cache()).unwrap().len(), 2);
}

#[test]
fn what_is_fetched_by_two_at_once_is_fetched_once() {
    let (_, server, machine) = served();
    thread::scope(|scope| {
        let fetches = [(); 4].map(|()| scope.spawn(|| machine.fetch(ADDRESS).unwrap()));
        for fetched in fetches.map(|fetch| fetch.join().unwrap()) {
            assert_eq!(contents(&fetched), texts(&[("1", "one"), ("2", "two")]));
        }
    });
    let contents = lines(&server).into_iter().filter(|line| line != "GET /bucket/").collect::<Vec<_>>();
    assert_eq!(contents, ["GET /bucket/d/1", "GET /bucket/d/2"]);
}

#[test]
fn an_interrupted_fetch_continues_where_it_ended() {
    let long = "x".repeat(1 << 20);
    let server = s3("bucket", &store(&[("a", &long)]));
    let machine = Machine::new().at(&server.address);
    let remote = Remote::parse("s3://bucket/a").unwrap();
    let impatient = Impatient::default();
    let error =
        machine.sources().fetch(&remote, &machine.access, Wanted::whole(&|_| true), &impatient).unwrap_err();
    assert!(matches!(error, SourceError::Interrupted), "{error}");
    server.asked();
    assert_eq!(contents(&machine.fetch("s3://bucket/a").unwrap()), texts(&[("a", &long)]));
    let from = server.asked()[1].header("range").expect("it continues").to_owned();
    assert_ne!(from, "bytes=0-");
}

#[test]
fn the_first_failure_is_the_one_that_is_told() {
    let (_, server, machine) = served();
    server.fails("GET /bucket/d/2", refusal(403));
    let error = machine.fetch(ADDRESS).unwrap_err();
    assert!(matches!(&error, SourceError::Denied { address, .. } if address.ends_with("/d/2")), "{error}");
}

#[test]
fn a_fetch_tells_files_and_bytes() {
    let (_, _, machine) = served();
    let events = std::sync::Mutex::new(Vec::new());
    let note = |event: Event<'_>| events.lock().unwrap().push(format!("{event:?}"));
    machine
        .sources()
        .fetch(&Remote::parse(ADDRESS).unwrap(), &machine.access, Wanted::whole(&|_| true), &note)
        .unwrap();
    let events = events.into_inner().unwrap();
    assert_eq!(events[0], "Missing { address: \"s3://bucket/d/\", files: 2, bytes: 6 }");
    assert!(events.contains(&"Received { files: 2, bytes: 6 }".to_owned()), "{events:?}");
    assert_eq!(events.last().unwrap(), "Complete");
}

#[test]
fn copies_are_listed_and_removed() {
    let (_, _, machine) = served();
    assert!(copies(&machine.cache()).unwrap().is_empty());
    machine.fetch(ADDRESS).unwrap();
    let listed = copies(&machine.cache()).unwrap();
    let [copy] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((copy.address.as_str(), copy.files, copy.bytes), ("s3://bucket", 2, 6));
    clear(copy).unwrap();
    assert!(copies(&machine.cache()).unwrap().is_empty());
    assert!(matches!(offline(machine).fetch(ADDRESS), Err(SourceError::NotListed { .. })));
}

#[test]
fn a_file_of_the_cache_is_known_by_its_address() {
    let about = "{\"format\": 1, \"address\": \"s3://elsewhere\"}";
    let server = s3("bucket", &store(&[("d/1", "one"), ("d/about.json", about), ("d/files/2", "two")]));
    let machine = Machine::new().at(&server.address);
    let fetched = machine.fetch(ADDRESS).unwrap();
    let address = |name: &str| copied_from(&fetched.folder.join(name));
    assert_eq!(address("1").as_deref(), Some("s3://bucket/d/1"));
    assert_eq!(address("files/2").as_deref(), Some("s3://bucket/d/files/2"));
    assert_eq!(copied_from(&machine.cache().join("files/1")), None);
}
