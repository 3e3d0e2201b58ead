//! Downloads that break off, and go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cliptune_hub::{Event, HubError, Observer};

use crate::http::{Asked, Fault};
use crate::repository::{Repository, RepositoryFile};
use crate::server::FakeHub;
use crate::support::{Diary, Machine, assert_says, downloads, id};

fn weights() -> RepositoryFile {
    Repository::clip().file("model.safetensors").clone()
}

/// The request for the content of the weights.
fn content() -> String {
    format!("GET /store/{}", weights().etag())
}

fn ranges(asked: &[Asked]) -> Vec<Option<&str>> {
    downloads(asked).into_iter().map(|asked| asked.header("range")).collect()
}

/// A machine where the weights have arrived up to a byte, and then the connection broke for good.
fn machine_with_half(server: &FakeHub, bytes: usize) -> Machine {
    let machine = Machine::new();
    fs_err::create_dir_all(machine.blobs()).unwrap();
    let path = machine.blobs().join(format!("{}.incomplete", weights().etag()));
    fs_err::write(path, &weights().content[..bytes]).unwrap();
    server.asked();
    machine
}

fn assert_whole(machine: &Machine) {
    let blob = fs_err::read(machine.blobs().join(weights().etag())).unwrap();
    assert!(blob == weights().content, "the weights differ");
    let left: Vec<String> = machine.files().into_iter().filter(|line| line.contains(".incomplete")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_dropped_connection_is_taken_up_where_it_broke() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&content(), Fault::CutAfter(100_000));
    server.fails(&content(), Fault::CutAfter(50_000));
    let diary = Diary::default();
    machine.hub(&server, &[]).fetch(&id("org/clip"), &|event: Event<'_>| diary.note(event)).unwrap();
    assert_eq!(ranges(&server.asked()), [None, Some("bytes=100000-"), Some("bytes=150000-")]);
    assert_whole(&machine);
    assert_eq!(machine.waited(), Duration::from_secs(2), "one second after each break");
    assert_eq!(diary.notices().len(), 2);
    assert!(diary.notices()[0].starts_with("model.safetensors: "), "{:?}", diary.notices());
}

#[test]
fn an_error_of_the_server_in_between_does_not_lose_what_has_arrived() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&content(), Fault::CutAfter(100_000));
    let busy = || Fault::Instead {
        status: 503,
        headers: vec![("Retry-After", "7".to_owned())],
        body: String::new(),
    };
    server.fails(&content(), busy());
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(ranges(&server.asked()), [None, Some("bytes=100000-"), Some("bytes=100000-")]);
    assert_whole(&machine);
    assert_eq!(machine.waited(), Duration::from_secs(1 + 7), "the server asked for seven seconds");
}

#[test]
fn a_store_whose_link_has_expired_is_asked_through_the_hub_again() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&content(), Fault::Instead { status: 403, headers: vec![], body: "expired".to_owned() });
    machine.fetch(&server, "org/clip").unwrap();
    assert_whole(&machine);
}

#[test]
fn an_earlier_process_is_continued() {
    let server = FakeHub::start([Repository::clip()]);
    let machine = machine_with_half(&server, 123_456);
    let diary = Diary::default();
    machine.hub(&server, &[]).fetch(&id("org/clip"), &|event: Event<'_>| diary.note(event)).unwrap();
    assert_eq!(ranges(&server.asked()), [Some("bytes=123456-")]);
    assert_eq!(diary.about("model.safetensors")[0], "123456/300000");
    assert_whole(&machine);
}

#[test]
fn a_download_that_is_complete_but_has_no_name_yet_is_checked_and_named() {
    let server = FakeHub::start([Repository::clip()]);
    let machine = machine_with_half(&server, 300_000);
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(downloads(&server.asked()).len(), 0);
    assert_whole(&machine);
}

#[test]
fn a_server_that_knows_no_parts_is_asked_for_the_whole() {
    let server = FakeHub::start([Repository::clip()]);
    let machine = machine_with_half(&server, 123_456);
    server.fails(&content(), Fault::WholeInstead);
    let diary = Diary::default();
    machine.hub(&server, &[]).fetch(&id("org/clip"), &|event: Event<'_>| diary.note(event)).unwrap();
    assert_eq!(diary.about("model.safetensors")[..2], ["123456/300000", "0/300000"]);
    assert_whole(&machine);
}

#[test]
fn a_part_that_was_not_asked_for_is_not_used() {
    let server = FakeHub::start([Repository::clip()]);
    let machine = machine_with_half(&server, 123_456);
    server.fails(&content(), Fault::WrongPart);
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(ranges(&server.asked()), [Some("bytes=123456-"), None]);
    assert_whole(&machine);
}

#[test]
fn what_a_crash_has_damaged_is_downloaded_anew() {
    let server = FakeHub::start([Repository::clip()]);
    let machine = machine_with_half(&server, 0);
    let path = machine.blobs().join(format!("{}.incomplete", weights().etag()));
    for damaged in [vec![0; 1000], vec![0; 300_000], vec![0; 300_001]] {
        fs_err::write(&path, damaged).unwrap();
        machine.fetch(&server, "org/clip").unwrap();
        assert_whole(&machine);
        fs_err::remove_dir_all(machine.cache().join("models--org--clip/snapshots")).unwrap();
        fs_err::remove_file(machine.blobs().join(weights().etag())).unwrap();
    }
}

#[test]
fn a_server_that_never_recovers_ends_the_fetch_and_keeps_what_there_is() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    server.fails(&content(), Fault::CutAfter(100_000));
    (0..4).for_each(|_| server.fails(&content(), Fault::CutAfter(0)));
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert_says(
        &error,
        &["the download of model.safetensors stopped at 100000 of 300000 bytes", "continues there"],
    );
    assert_eq!(machine.waited(), Duration::from_secs(1 + 2 + 4 + 8));
    server.asked();
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(ranges(&server.asked()), [Some("bytes=100000-")]);
    assert_whole(&machine);
}

/// Somebody who presses Ctrl-C when the weights are under way.
struct Impatient(AtomicBool);

impl Observer for Impatient {
    fn report(&self, event: Event<'_>) {
        if matches!(event, Event::Downloading { done: 1.., total: 300_000, .. }) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn ctrl_c_leaves_a_download_that_is_continued() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let observer = Impatient(AtomicBool::new(false));
    let error = machine.hub(&server, &[]).fetch(&id("org/clip"), &observer).unwrap_err();
    assert!(matches!(error, HubError::Interrupted), "{error}");
    let path = machine.blobs().join(format!("{}.incomplete", weights().etag()));
    let kept = fs_err::metadata(&path).unwrap().len();
    assert!((1..300_000).contains(&kept), "{kept} bytes are kept");
    server.asked();
    machine.fetch(&server, "org/clip").unwrap();
    assert_eq!(ranges(&server.asked()), [Some(format!("bytes={kept}-").as_str())]);
    assert_whole(&machine);
}

#[test]
fn a_full_disk_leaves_nothing_under_a_final_name() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    fs_err::create_dir_all(machine.blobs()).unwrap();
    let partial = machine.blobs().join(format!("{}.incomplete", weights().etag()));
    // Every write to this device fails as one to a full disk does.
    fs_err::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    let error = machine.fetch(&server, "org/clip").unwrap_err();
    assert_says(&error, &[&format!("{}.incomplete", weights().etag()), "No space left on device"]);
    assert!(!machine.blobs().join(weights().etag()).exists());
    assert_eq!(machine.hub(&server, &[]).locate(&id("org/clip")).unwrap(), None);
}
