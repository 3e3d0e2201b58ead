//! Two processes that want the same model. Threads stand for processes: a `flock` belongs to an open file.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use cliptune_hub::{Event, Notice};

use crate::http::Fault;
use crate::repository::Repository;
use crate::server::FakeHub;
use crate::support::{Machine, downloads, id, quiet};

#[test]
fn the_second_waits_for_the_first_and_downloads_nothing() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let etag = Repository::clip().file("model.safetensors").etag();
    let (release, held) = channel();
    let (asked, first_is_downloading) = channel();
    server.fails(&format!("GET /store/{etag}"), Fault::Held(held));

    let (first, second) = (machine.hub(&server, &[]), machine.hub(&server, &[]));
    let asked = Mutex::new(asked);
    let (one, other) = thread::scope(|scope| {
        let first = scope.spawn(|| {
            first.fetch(&id("org/clip"), &|event: Event<'_>| {
                if let Event::Downloading { done: 0, total: 300_000, .. } = event {
                    asked.lock().unwrap().send(()).unwrap();
                }
            })
        });
        // The first one holds the lock from here on, until the store answers it.
        first_is_downloading.recv().unwrap();
        let release = Mutex::new(release);
        let second = second.fetch(&id("org/clip"), &|event: Event<'_>| {
            if let Event::Notice(Notice::Waiting { file }) = event {
                assert_eq!(file.as_str(), "model.safetensors");
                release.lock().unwrap().send(()).unwrap();
            }
        });
        (first.join().unwrap(), second)
    });
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(downloads(&server.asked()).len(), 1);
}

#[test]
fn a_lock_that_a_dead_process_left_keeps_nobody_out() {
    let (server, machine) = (FakeHub::start([Repository::clip()]), Machine::new());
    let etag = Repository::clip().file("model.safetensors").etag();
    let lock = machine.cache().join(format!(".locks/models--org--clip/{etag}.lock"));
    fs_err::create_dir_all(lock.parent().unwrap()).unwrap();
    fs_err::write(lock, "").unwrap();
    machine.hub(&server, &[]).fetch(&id("org/clip"), &quiet).unwrap();
}
