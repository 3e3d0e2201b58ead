//! Runs that several hosts share. The hosts are simulated, and have one folder.

use std::collections::HashSet;

use super::*;
use crate::event::Event;
use crate::event_log::{EventLog, read_events};
use crate::guard::Guard;
use crate::lease::simulated::Hosts;

/// The folder of a run, and hosts that share it. Their locks do not reach each other: each has a file of its own.
struct Shared {
    folder: tempfile::TempDir,
    hosts: Hosts,
}

impl Shared {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), hosts: Hosts::default() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Forgets the lock that the file system of another host has given.
    fn unlocked(&self) {
        fs::remove_file(lock_file(self.path())).unwrap();
    }
}

fn names(error: StoreError, host: &str) -> bool {
    matches!(&error, StoreError::InUse { .. }) && error.to_string().contains(&format!(" on {host} "))
}

#[test]
fn a_run_that_another_host_writes_or_reads_is_taken_by_nobody_whatever_the_locks_say() {
    let shared = Shared::new();
    let [one, other] = ["one", "other"].map(|name| shared.hosts.host(name));
    let written = lock_as(shared.path(), &one).unwrap();
    shared.hosts.keeps_beating(written.lease.as_ref().unwrap());
    shared.unlocked();
    assert!(is_written_as(shared.path(), &other));
    assert!(names(lock_as(shared.path(), &other).unwrap_err(), "one"));
    assert!(names(share(shared.path(), &other).unwrap_err(), "one"));
    drop(written);
    let read = share(shared.path(), &one).unwrap();
    shared.hosts.keeps_beating(read._lease.as_ref().unwrap());
    shared.unlocked();
    assert!(names(lock_as(shared.path(), &other).unwrap_err(), "one"));
    drop(share(shared.path(), &other).unwrap());
    assert!(!is_written_as(shared.path(), &other), "who reads it writes nothing");
    drop(read);
    drop(lock_as(shared.path(), &other).unwrap());
    let left: Vec<_> = fs::read_dir(shared.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [LOCK], "no claim stays behind");
}

#[test]
fn what_a_dead_host_wrote_is_gone_on_with_and_it_learns_that() {
    let shared = Shared::new();
    let [one, other] = ["one", "other"].map(|name| shared.hosts.host(name));
    let written = lock_as(shared.path(), &one).unwrap();
    let read = Lease::of_its_own(shared.path(), READER, &one).unwrap();
    std::mem::forget(read);
    assert!(is_written_as(shared.path(), &other), "it may live");
    // The lock of the dead one is still held, as a file server may do.
    let taken = lock_as(shared.path(), &other).unwrap();
    assert_eq!(taken.require(), Ok(()));
    assert!(written.require().is_err_and(|worker| worker.to_string().contains(" on other ")));
    drop(written);
    assert_eq!(taken.require(), Ok(()), "who has lost a run takes nothing away");
}

#[test]
fn many_hosts_that_have_died_are_waited_for_together() {
    let shared = Shared::new();
    for name in ["one", "two", "three"] {
        let dead = shared.hosts.host(name);
        std::mem::forget(Lease::of_its_own(shared.path(), READER, &dead).unwrap());
    }
    // So are those of several runs.
    let second = Shared { folder: tempfile::tempdir().unwrap(), hosts: shared.hosts.clone() };
    std::mem::forget(lock_as(second.path(), &shared.hosts.host("four")).unwrap());
    second.unlocked();
    let other = shared.hosts.host("other");
    for shared in [&shared, &second] {
        watch(shared.path(), &other).unwrap();
    }
    for shared in [&shared, &second] {
        drop(lock_as(shared.path(), &other).unwrap());
    }
    assert!(shared.hosts.passed() < Duration::from_secs(130), "{:?}", shared.hosts.passed());
}

#[test]
fn a_run_that_a_dead_host_has_left_counts_as_crashed_once_that_is_known() {
    let shared = Shared::new();
    let [one, other] = ["one", "other"].map(|name| shared.hosts.host(name));
    std::mem::forget(lock_as(shared.path(), &one).unwrap());
    shared.unlocked();
    assert!(is_written_as(shared.path(), &other));
    let seen = settled(&shared.path().join(WRITER), &other).unwrap();
    assert!(seen.is_some_and(|(_, life)| life == Life::Dead));
    assert!(!is_written_as(shared.path(), &other));
}

#[test]
fn what_a_reader_left_that_was_killed_while_it_released_the_run_goes_with_the_next_writer() {
    let shared = Shared::new();
    let [here, other] = ["here", "here"].map(|name| shared.hosts.host(name));
    let read = Lease::of_its_own(shared.path(), READER, &here).unwrap();
    let gate = lease::beside(&shared.path().join(format!("{READER}gone")), ".after-0123");
    fs::write(&gate, "").unwrap();
    assert!(lock_as(shared.path(), &other).is_err(), "the other one reads still");
    drop(read);
    drop(lock_as(shared.path(), &other).unwrap());
    assert!(!gate.exists());
}

#[test]
fn whoever_waits_for_a_while_is_told_once_for_whom() {
    let shared = Shared::new();
    let [one, other] = ["one", "other"].map(|name| shared.hosts.host(name));
    let written = lock_as(shared.path(), &one).unwrap();
    shared.hosts.keeps_beating(written.lease.as_ref().unwrap());
    assert!(lock_as(shared.path(), &other).is_err());
    assert!(shared.hosts.told().is_empty(), "that one lives is known soon: {:?}", shared.hosts.told());
    shared.hosts.stop_beating();
    shared.unlocked();
    drop(lock_as(shared.path(), &other).unwrap());
    let told = shared.hosts.told();
    assert!(
        told.len() == 1 && told[0].starts_with("waiting for ") && told[0].contains(" on one "),
        "{told:?}"
    );
}

#[test]
fn whoever_waits_to_learn_whether_a_host_lives_stops_when_asked_to() {
    let shared = Shared::new();
    let [one, other] = ["one", "other"].map(|name| shared.hosts.host(name));
    let _written = lock_as(shared.path(), &one).unwrap();
    shared.hosts.ask_to_stop();
    let ended = [lock_as(shared.path(), &other).map(drop), share(shared.path(), &other).map(drop)];
    for error in ended.map(Result::unwrap_err) {
        assert!(matches!(error, StoreError::Interrupted { .. }), "{error}");
        assert!(error.to_string().contains(" on one "), "{error}");
    }
    let left: HashSet<_> =
        fs::read_dir(shared.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(
        left,
        HashSet::from([LOCK, WRITER].map(std::ffi::OsString::from)),
        "nothing of those that stopped"
    );
}

#[test]
fn who_has_lost_a_run_writes_no_line_more() {
    let shared = Shared::new();
    let [one, other] = ["one", "other"].map(|name| shared.hosts.host(name));
    let written = Arc::new(lock_as(shared.path(), &one).unwrap());
    let guard = Guard::new(Arc::downgrade(&written), shared.path().to_path_buf(), "tuned/1".to_owned());
    let file = shared.path().join("events.jsonl");
    let mut log = EventLog::create(&file).unwrap().guarded_by(Some(guard.clone()));
    log.append(&Event::Interrupted { step: 1 }).unwrap();
    let _taken = lock_as(shared.path(), &other).unwrap();
    for _ in 0..2 {
        let error = log.append(&Event::Interrupted { step: 2 }).unwrap_err();
        assert!(matches!(error, StoreError::TakenOver { .. }), "{error}");
    }
    assert!(log.sync().is_err());
    assert_eq!(read_events(&file).unwrap().events.len(), 1);
    drop(written);
    assert!(guard.require().is_ok(), "after its end, a run is not lost");
}

#[test]
fn one_alone_of_many_hosts_gets_a_run_and_none_while_it_is_shared() {
    for round in 0..20 {
        let shared = Shared::new();
        let (alone, sharing) = (std::sync::Mutex::new(0), std::sync::Mutex::new(0));
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (shared, alone, sharing, start) = (&shared, &alone, &sharing, &start);
                scope.spawn(move || {
                    // One process each, on one host, so that everybody knows at once who lives.
                    let observer = shared.hosts.host("one");
                    start.wait();
                    let held = match number % 2 {
                        0 => lock_as(shared.path(), &observer)
                            .map(|held| (*alone.lock().unwrap() += 1, Some(held), None)),
                        _ => share(shared.path(), &observer)
                            .map(|held| (*sharing.lock().unwrap() += 1, None, Some(held))),
                    };
                    // Whoever has it keeps it until all have tried.
                    start.wait();
                    drop(held);
                });
            }
        });
        let (alone, sharing) = (alone.into_inner().unwrap(), sharing.into_inner().unwrap());
        assert!(alone == 0 || (alone, sharing) == (1, 0), "round {round}: {alone} alone, {sharing} sharing");
    }
}
