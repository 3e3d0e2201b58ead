//! Clocks that are wrong, or go backwards: they change names and times, and no result.

use std::process::Command;

use cliptune_random::Random;
use fs_err as fs;

use super::tally::Tally;
use super::trial::{RUN, Reference};

/// What takes the place of the system's clock.
const CLOCK: &str = include_str!("clock.c");

/// Runs the experiments by a clock that goes backwards, or stands in another century; and then again by the right one.
pub(super) fn that_are_wrong(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let trial = reference.empty();
    let library = trial.path("clock.so");
    fs::write(trial.path("clock.c"), CLOCK).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &trial.path("clock.c")]);
    assert!(compiler.status().is_ok_and(|status| status.success()), "this test needs a C compiler");
    let century = 100 * 365 * 24 * 60 * 60_i64;
    let shift = random.pick(&[-3600, -86_400, -56 * century / 100, century, 0]);
    let mut command = trial.command(&[], RUN);
    command.env("LD_PRELOAD", &library).env("CLOCK_SHIFT", shift.to_string());
    command.env("CLOCK_BACKWARDS", if random.chance(50) { "1" } else { "0" });
    let after = format!("a clock that is wrong by {shift} s");
    let output = trial.start(command, "said").ended();
    assert_eq!(output.code, Some(0), "{after}\n{output}");
    tally.count("wrong clocks");
    trial.assert_whole(&after);
    trial.assert_comes_to_the_same(&after);
}
