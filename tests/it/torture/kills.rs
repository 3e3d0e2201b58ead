//! Processes that are killed: a store is never damaged, no run stays running, and the same command goes on.

use std::time::{Duration, Instant};

use cliptune_random::Random;
use fs_err as fs;

use super::faults::injected;
use super::tally::Tally;
use super::trial::{RUN, Reference};

/// The calls that change what is on the disk.
pub(super) const CALLS: [&str; 9] =
    ["write", "fsync", "fdatasync", "mkdir", "rename", "renameat2", "ftruncate", "unlink", "openat"];

/// Kills the process that makes a certain system call, again and again, and then lets the command end.
pub(super) fn at_a_call(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let trial = reference.empty();
    for _ in 0..3 {
        let (call, number) = (random.pick(&CALLS), 1 + random.below(30));
        let before = injected(call, "signal=KILL", &number.to_string());
        let killed = trial.start(trial.command(&before, RUN), "said").ended();
        let after = format!("a kill at {call} {number}");
        assert!(killed.code.is_some_and(|code| [0, 1, -9].contains(&code)), "{after}\n{killed}");
        tally.count(if killed.code == Some(0) {
            "calls that were never made"
        } else {
            "kills at a system call"
        });
        trial.assert_whole(&after);
    }
    trial.assert_comes_to_the_same("kills at system calls");
    trial.assert_swept("kills at system calls");
}

/// Kills the whole process group at random moments, and then lets the command end.
pub(super) fn at_random_moments(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let trial = reference.empty();
    for number in 0..24 {
        let mut started = trial.start(trial.command(&[], RUN), "said");
        let (begun, moment) = (Instant::now(), moment(random));
        while begun.elapsed() < moment && !started.is_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        started.kill();
        let killed = started.ended();
        assert!(killed.code.is_some_and(|code| [0, -9].contains(&code)), "{killed}");
        if killed.code == Some(0) {
            // Everything is done, so that nothing would be left to kill.
            tally.count("ends before a kill");
            fs::remove_dir_all(trial.store()).unwrap();
            continue;
        }
        tally.count("kills at a random moment");
        if number % 6 == 0 {
            trial.assert_whole("a kill");
        }
    }
    trial.assert_whole("kills");
    trial.assert_comes_to_the_same("kills");
    trial.assert_swept("kills");
}

/// Draws how long a command lives: half of them less than a second, in which every tool starts and reads what is there, and the
/// others up to four, in which it gets on.
fn moment(random: &mut Random) -> Duration {
    let longest = if random.below(2) == 0 { 1000 } else { 4000 };
    Duration::from_millis(random.below(longest) as u64)
}
