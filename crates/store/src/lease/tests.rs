//! Claims of hosts that share a folder. The hosts are simulated: they have boots, processes and clocks of their own, and one folder.

use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use fs_err as fs;
use rustix::io::Errno;

use super::file::Own;
use super::observer::{BEAT, LEASE, Life, Observer};
use super::simulated::Hosts;
use super::{Attempt, Evidence, Lease, Left, attempt, content, gate, has_no_room, look};
use crate::worker::Worker;

/// A folder that hosts share.
struct World {
    folder: tempfile::TempDir,
    hosts: Hosts,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), hosts: Hosts::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("claim")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn attempt(&self, observer: &Arc<Observer>) -> Attempt {
        attempt(&self.path(), observer).unwrap()
    }

    fn take(&self, observer: &Arc<Observer>) -> Lease {
        mine(self.attempt(observer)).0
    }

    fn life(&self, observer: &Observer) -> Option<Life> {
        look(&self.path(), observer).unwrap().map(|(_, life)| life)
    }

    /// A claim whose process was killed, and what another host has seen of it for long enough.
    fn dead(&self, seen_by: &[Arc<Observer>]) {
        std::mem::forget(self.take(&self.hosts.host("dead")));
        seen_by.iter().for_each(|observer| assert_eq!(self.life(observer), Some(Life::Unsure)));
        self.hosts.pass(LEASE);
    }
}

fn mine(attempt: Attempt) -> (Lease, Option<Left>) {
    match attempt {
        Attempt::Mine(lease, left) => (lease, left),
        Attempt::Taken(worker, life) => panic!("taken by {worker}, {life:?}"),
    }
}

fn is_taken(attempt: &Attempt, by: Life) -> bool {
    matches!(attempt, Attempt::Taken(_, life) if *life == by)
}

#[test]
fn a_claim_is_had_by_one_and_leaves_nothing() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    assert_eq!(world.names(), ["claim"]);
    assert_eq!(lease.is_mine(), Ok(()));
    assert!(is_taken(&world.attempt(&other), Life::Unsure));
    assert!(is_taken(&world.attempt(&one), Life::Alive), "a process sees itself");
    drop(lease);
    assert!(world.names().is_empty());
    drop(world.take(&other));
    assert!(world.names().is_empty());
}

#[test]
fn one_of_many_hosts_that_begin_at_once_gets_the_claim() {
    for _ in 0..20 {
        let world = World::new();
        let (start, end) = (Barrier::new(12), Barrier::new(12));
        let gotten = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..12)
                .map(|number| {
                    let (world, start, end) = (&world, &start, &end);
                    scope.spawn(move || {
                        let observer = world.hosts.host(&format!("host-{number}"));
                        start.wait();
                        let attempt = world.attempt(&observer);
                        end.wait();
                        matches!(attempt, Attempt::Mine(..))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|is_mine| *is_mine).count()
        });
        assert_eq!(gotten, 1);
        assert!(world.names().is_empty(), "{:?}", world.names());
    }
}

#[test]
fn a_host_that_shows_that_it_lives_keeps_its_claim_forever() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    assert_eq!(world.life(&other), Some(Life::Unsure));
    for _ in 0..100 {
        world.hosts.pass(BEAT);
        lease.beat();
        assert_eq!(world.life(&other), Some(Life::Alive));
        // Nobody has to look at every sign.
        world.hosts.pass(LEASE - BEAT);
        assert_eq!(world.life(&other), Some(Life::Unsure));
    }
    assert_eq!(lease.is_mine(), Ok(()));
}

#[test]
fn a_host_that_is_silent_for_long_enough_is_taken_over_and_not_a_moment_earlier() {
    let world = World::new();
    let [one, other, late] = ["one", "other", "late"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    assert!(is_taken(&world.attempt(&other), Life::Unsure));
    world.hosts.pass(LEASE - Duration::from_millis(1));
    assert!(is_taken(&world.attempt(&other), Life::Unsure));
    assert!(is_taken(&world.attempt(&late), Life::Unsure));
    world.hosts.pass(Duration::from_millis(1));
    // Who has begun to look later waits for longer, whatever others have seen.
    assert!(is_taken(&world.attempt(&late), Life::Unsure));
    let (taken, left) = mine(world.attempt(&other));
    let Some(Left { worker, evidence: Evidence::Silence }) = &left else { panic!("{left:?}") };
    assert!(worker.to_string().contains(" on one (process "), "{worker}");
    // The host lives after all: it learns that it has lost the claim, and changes nothing of it any more.
    assert!(lease.is_mine().is_err_and(|worker| worker.to_string().contains(" on other (process ")));
    let before = content(&world.path()).unwrap();
    lease.beat();
    drop(lease);
    assert_eq!(content(&world.path()).unwrap(), before);
    assert_eq!(taken.is_mine(), Ok(()));
    assert_eq!(world.names(), ["claim"]);
}

#[test]
fn of_many_that_have_seen_the_same_host_die_one_takes_over() {
    for round in 0..20 {
        let world = World::new();
        let observers: Vec<_> = (0..12).map(|number| world.hosts.host(&format!("host-{number}"))).collect();
        world.dead(&observers);
        let (start, end) = (Barrier::new(12), Barrier::new(12));
        let attempts: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = observers
                .iter()
                .map(|observer| {
                    let (world, start, end) = (&world, &start, &end);
                    scope.spawn(move || {
                        start.wait();
                        let attempt = world.attempt(observer);
                        end.wait();
                        match attempt {
                            Attempt::Mine(lease, _) => lease.is_mine().is_ok(),
                            Attempt::Taken(..) => false,
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let gotten = attempts.iter().filter(|is_mine| **is_mine).count();
        assert_eq!(gotten, 1, "round {round}");
        assert!(world.names().is_empty(), "{:?}", world.names());
    }
}

#[test]
fn who_has_seen_a_host_die_does_not_take_the_claim_of_whoever_was_faster() {
    let world = World::new();
    let observers = ["fast", "slow"].map(|name| world.hosts.host(name));
    world.dead(&observers);
    let [fast, slow] = observers;
    let dead = content(&world.path()).unwrap().unwrap();
    let taken = world.take(&fast);
    // The slow one still believes what it saw, and goes through the gate, which nobody holds any more.
    let mut own = Own::beside(&world.path(), slow.machine()).unwrap();
    let gate = gate(&world.path(), &dead);
    assert!(own.link_to(&gate).unwrap());
    assert!(!super::replaced(&world.path(), &dead, &gate, &mut own).unwrap());
    drop(own);
    assert_eq!(taken.is_mine(), Ok(()));
    assert_eq!(world.names(), ["claim"]);
}

#[test]
fn who_dies_while_it_takes_over_is_taken_over_as_well() {
    let world = World::new();
    let third = world.hosts.host("third");
    world.dead(std::slice::from_ref(&third));
    // Another host has got as far as the gate.
    let second = world.hosts.host("second");
    let dead = content(&world.path()).unwrap().unwrap();
    let mut own = Own::beside(&world.path(), second.machine()).unwrap();
    assert!(own.link_to(&gate(&world.path(), &dead)).unwrap());
    drop(own.settled());
    assert!(is_taken(&world.attempt(&third), Life::Unsure), "it may be about to go on");
    world.hosts.pass(LEASE);
    let (lease, left) = mine(world.attempt(&third));
    assert!(left.is_some_and(|left| left.worker.to_string().contains(" on dead ")));
    assert_eq!(lease.is_mine(), Ok(()));
    assert_eq!(world.names(), ["claim"]);
}

#[test]
fn who_dies_while_it_releases_a_claim_is_taken_over_as_well() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    std::mem::forget(world.take(&one));
    let there = content(&world.path()).unwrap().unwrap();
    fs::hard_link(world.path(), gate(&world.path(), &there)).unwrap();
    assert_eq!(world.life(&other), Some(Life::Unsure));
    world.hosts.pass(LEASE);
    assert_eq!(world.take(&other).is_mine(), Ok(()));
    assert!(world.names().is_empty());
}

#[test]
fn what_those_left_who_were_killed_at_the_very_end_goes_with_the_next_claim() {
    let world = World::new();
    let [one, other] = ["here", "here"].map(|name| world.hosts.host(name));
    // One has released its claim, and not the gate.
    let lease = world.take(&one);
    let released = gate(&world.path(), &content(&world.path()).unwrap().unwrap());
    fs::copy(world.path(), &released).unwrap();
    fs::remove_file(world.path()).unwrap();
    drop(lease);
    assert_eq!(world.names(), [released.file_name().unwrap().to_str().unwrap()]);
    let lease = world.take(&one);
    assert_eq!(world.names(), ["claim"]);
    // Another one has taken the claim over, and has not released the gate of the one that was there before.
    fs::write(gate(&world.path(), b"before"), "").unwrap();
    std::mem::forget(lease);
    world.hosts.kill(&one);
    let _taken = world.take(&other);
    assert_eq!(world.names(), ["claim"]);
}

#[test]
fn a_claim_is_released_by_whoever_never_heard_that_its_gate_was_made_and_not_while_another_is_at_the_gate() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    let gate = gate(&world.path(), &content(&world.path()).unwrap().unwrap());
    fs::hard_link(world.path(), &gate).unwrap();
    drop(lease);
    assert!(world.names().is_empty());
    let lease = world.take(&one);
    let gate = super::gate(&world.path(), &content(&world.path()).unwrap().unwrap());
    let mut own = Own::beside(&world.path(), other.machine()).unwrap();
    assert!(own.link_to(&gate).unwrap());
    drop(lease);
    assert!(world.path().exists() && gate.exists(), "the other one decides");
}

#[test]
fn that_there_is_no_room_is_told_from_a_gate_that_is_taken() {
    for number in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
        assert!(has_no_room(&std::io::Error::from(number)), "{number:?}");
    }
    for number in [Errno::EXIST, Errno::IO, Errno::ROFS, Errno::STALE] {
        assert!(!has_no_room(&std::io::Error::from(number)), "{number:?}");
    }
}

#[test]
fn a_process_of_this_host_is_judged_by_the_kernel_and_never_by_its_silence() {
    let world = World::new();
    let [one, other] = ["here", "here"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    for _ in 0..10 {
        // It was stopped, as with Ctrl-Z.
        world.hosts.pass(10 * LEASE);
        assert!(is_taken(&world.attempt(&other), Life::Alive));
    }
    world.hosts.kill(&one);
    let (taken, left) = mine(world.attempt(&other));
    assert!(left.is_some(), "at once");
    drop((lease, taken));
}

#[test]
fn what_a_machine_had_before_it_was_started_again_is_free_at_once_on_its_own_disk() {
    for is_local in [true, false] {
        let world = World::new();
        if is_local {
            world.hosts.share_a_local_disk();
        }
        // The lock is gone with the machine.
        let lease = world.take(&world.hosts.host("here"));
        let left = content(&world.path()).unwrap().unwrap();
        drop(lease);
        fs::write(world.path(), left).unwrap();
        let again = world.hosts.host_started_again("here");
        assert_eq!(world.life(&again), Some(if is_local { Life::Dead } else { Life::Unsure }));
        // A host that this machine lets write to its disk is another machine.
        let other = world.hosts.host("other");
        assert_eq!(world.life(&other), Some(Life::Unsure));
        if is_local {
            let (_lease, left) = mine(world.attempt(&again));
            assert!(left.is_some_and(|left| left.evidence == Evidence::End), "nothing to warn of");
        }
    }
}

#[test]
fn a_container_knows_others_of_its_kernel_by_their_locks_on_a_local_disk_and_by_their_silence_elsewhere() {
    for is_local in [true, false] {
        let world = World::new();
        if is_local {
            world.hosts.share_a_local_disk();
        }
        let [one, other] = ["one", "other"].map(|name| world.hosts.container("here", name));
        let lease = world.take(&one);
        let there = content(&world.path()).unwrap().unwrap();
        assert_eq!(world.life(&other), Some(if is_local { Life::Alive } else { Life::Unsure }));
        world.hosts.pass(10 * LEASE);
        // One that is stopped has its lock all the same.
        assert_eq!(world.life(&other), Some(if is_local { Life::Alive } else { Life::Dead }));
        drop(lease);
        // It was killed: its claim is there, and its lock is not.
        fs::write(world.path(), there).unwrap();
        let late = world.hosts.container("here", "late");
        assert_eq!(world.life(&late), Some(if is_local { Life::Dead } else { Life::Unsure }));
    }
}

#[test]
fn what_a_machine_that_failed_has_not_written_is_free_at_once_on_its_own_disk() {
    let world = World::new();
    world.hosts.share_a_local_disk();
    fs::write(world.path(), "").unwrap();
    let (lease, left) = mine(world.attempt(&world.hosts.host("here")));
    assert!(left.is_none());
    assert_eq!(lease.is_mine(), Ok(()));
}

#[test]
fn a_host_that_was_taken_for_dead_and_lives_is_judged_anew() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    assert_eq!(world.life(&other), Some(Life::Unsure));
    world.hosts.pass(LEASE);
    assert_eq!(world.life(&other), Some(Life::Dead));
    // It gives a sign just before the other one takes over.
    lease.beat();
    assert!(is_taken(&world.attempt(&other), Life::Alive));
    assert!(is_taken(&world.attempt(&other), Life::Unsure));
    assert_eq!(lease.is_mine(), Ok(()));
    assert_eq!(world.names(), ["claim"]);
}

#[test]
fn clocks_that_differ_by_decades_change_nothing() {
    let decades = Duration::from_secs(40 * 365 * 86_400);
    for (holder, looker) in [(Duration::ZERO, decades), (decades, Duration::ZERO)] {
        let world = World::new();
        let one = world.hosts.host_ahead("one", holder);
        let other = world.hosts.host_ahead("other", looker);
        let lease = world.take(&one);
        // The time of the file is that of one more clock.
        let file = fs::OpenOptions::new().write(true).open(world.path()).unwrap();
        file.file().set_modified(std::time::UNIX_EPOCH + looker).unwrap();
        assert!(is_taken(&world.attempt(&other), Life::Unsure));
        world.hosts.pass(LEASE - BEAT);
        lease.beat();
        assert!(is_taken(&world.attempt(&other), Life::Alive));
        world.hosts.pass(LEASE - BEAT);
        assert!(is_taken(&world.attempt(&other), Life::Unsure));
        world.hosts.pass(BEAT);
        assert_eq!(world.take(&other).is_mine(), Ok(()));
    }
}

#[test]
fn a_host_that_died_in_the_middle_of_a_renewal_is_taken_over() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    let lease = world.take(&one);
    assert!(is_taken(&world.attempt(&other), Life::Unsure));
    let whole = content(&world.path()).unwrap().unwrap();
    // Nothing is left of the process, not even the lock on the file.
    drop(lease);
    for torn in [&whole[..whole.len() / 2], b""] {
        fs::write(world.path(), torn).unwrap();
        assert!(is_taken(&world.attempt(&other), Life::Alive), "it has changed");
    }
    world.hosts.pass(LEASE);
    let (taken, left) = mine(world.attempt(&other));
    assert!(left.is_none(), "nobody can tell who it was");
    assert_eq!(taken.is_mine(), Ok(()));
}

#[test]
fn claims_of_earlier_versions_are_read() {
    let world = World::new();
    let other = world.hosts.host("other");
    let early = |worker: &Worker| {
        fs::write(world.path(), worker.note()).unwrap();
        fs::OpenOptions::new().read(true).write(true).open(world.path()).unwrap()
    };
    // One that works here, or wherever else the locks of the file system reach, holds its lock.
    for worker in [Worker::this(), Worker::at("far", 7)] {
        let locked = early(&worker);
        locked.file().try_lock().unwrap();
        world.hosts.pass(10 * LEASE);
        let Attempt::Taken(seen, Life::Alive) = world.attempt(&other) else { panic!("{worker}") };
        assert_eq!(seen, worker);
    }
    // One that has ended here has not.
    drop(early(&Worker::this()));
    let (lease, left) = mine(world.attempt(&other));
    assert!(left.is_some_and(|left| left.evidence == Evidence::End));
    drop(lease);
    // Of one that has ended elsewhere, or whose lock does not reach this host, nothing is known.
    drop(early(&Worker::at("far", 7)));
    assert!(is_taken(&world.attempt(&other), Life::Unsure));
    world.hosts.pass(LEASE);
    let (_lease, left) = mine(world.attempt(&other));
    assert!(left.is_some_and(|left| left.evidence == Evidence::Nothing && left.worker.is_elsewhere()));
}

#[test]
fn earlier_versions_see_a_lock_and_who_holds_it() {
    let world = World::new();
    let _lease = world.take(&world.hosts.host("one"));
    let file = fs::File::open(world.path()).unwrap();
    assert!(file.file().try_lock().is_err());
    assert!(Worker::read(&world.path()).unwrap().to_string().contains(" on one "));
}

#[test]
fn a_host_that_was_shown_to_be_dead_is_not_watched_again() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| world.hosts.host(name));
    let second = world.folder.path().join("second");
    std::mem::forget(world.take(&one));
    std::mem::forget(mine(attempt(&second, &one).unwrap()).0);
    assert_eq!(world.life(&other), Some(Life::Unsure));
    world.hosts.pass(LEASE);
    assert_eq!(world.life(&other), Some(Life::Dead));
    drop(mine(attempt(&second, &other).unwrap()));
}

#[test]
fn a_folder_that_moves_takes_its_claim_along() {
    let world = World::new();
    let [from, to] = ["from", "to"].map(|name| world.folder.path().join(name));
    fs::create_dir(&from).unwrap();
    let lease = mine(attempt(&from.join("claim"), &world.hosts.host("one")).unwrap()).0;
    let lease = lease.at(&to.join("claim"));
    fs::rename(&from, &to).unwrap();
    assert_eq!(lease.is_mine(), Ok(()));
    drop(lease);
    assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
}
