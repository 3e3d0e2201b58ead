//! Commands that are started at once: nothing is made twice, nothing stays undone, and all of them end well.

use std::collections::BTreeMap;

use cliptune_random::Random;

use super::tally::Tally;
use super::trial::{Reference, Trial};

/// Each waits for what another is doing; without `--wait` it would say who that is, and leave it undone.
const WAIT: &str = "run experiments --wait";

/// A few at once.
pub(super) fn of_the_same(reference: &Reference, _: &mut Random, tally: &mut Tally) {
    start(&reference.empty(), &[WAIT; 4], tally);
}

/// As many as there may be, of the same and of different experiments.
pub(super) fn of_many(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let kinds = [
        WAIT,
        "run experiments/base.yaml --wait",
        "run experiments/tuned.yaml --wait",
        "ingest experiments",
        "run experiments --quiet --wait",
    ];
    let commands: Vec<&str> = (0..16).map(|_| random.pick(&kinds)).collect();
    start(&reference.empty(), &commands, tally);
}

fn start(trial: &Trial<'_>, commands: &[&str], tally: &mut Tally) {
    let started = commands.iter().enumerate();
    let started: Vec<_> =
        started.map(|(at, words)| trial.start(trial.command(&[], words), &format!("said-{at}"))).collect();
    for (started, words) in started.into_iter().zip(commands) {
        let output = started.ended();
        assert_eq!(output.code, Some(0), "{words}, one of {} at once\n{output}", commands.len());
        tally.count("simultaneous starts");
    }
    trial.assert_whole("simultaneous starts");
    trial.assert_comes_to_the_same("simultaneous starts");
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for run in trial.listed("simultaneous starts") {
        *made.entry(format!("{} {}", run["experiment"], run["seed"])).or_default() += 1;
    }
    assert!(made.len() == 3 && made.values().all(|count| *count == 1), "something was made twice: {made:?}");
}
