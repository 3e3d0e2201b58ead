//! Whatever happens to a tool, to its disk, to its clock or to its files: at worst the last unfinished line or file is lost,
//! what is damaged is named once and hides nothing else, and the same command then ends with the same results.
//!
//! `short` is a part of the tests: every kind of misfortune a few times. What is drawn is the same for a seed; which of a
//! program's threads it meets is for the system to say, and what has to hold afterwards does not depend on it. `long` goes on for as
//! long as `scripts/torture --minutes N --seed S` says, and adds what no test can promise to repeat: kills at random moments.
//! In the end it cuts every record at every byte, however long that takes.

mod clocks;
mod damage;
mod deletions;
mod faults;
mod kills;
mod reads;
mod starts;
mod tally;
mod trial;

use std::time::{Duration, Instant};

use cliptune_random::Random;

pub(crate) use faults::injected;
use tally::Tally;
use trial::Reference;

/// A kind of misfortune. It tries one, drawn at random, and fails when a promise is broken.
type Round = fn(&Reference, &mut Random, &mut Tally);

#[test]
fn short() {
    let (reference, mut tally) = (Reference::new(), Tally::default());
    let rounds: [(Round, usize); 8] = [
        (kills::at_a_call, 5),
        (damage::of_a_file, 6),
        (faults::of_one_call, 5),
        (faults::from_a_call_on, 3),
        (starts::of_the_same, 1),
        (clocks::that_are_wrong, 2),
        (deletions::under_a_tool, 2),
        (reads::that_fail, 6),
    ];
    for (kind, (round, times)) in (0..).zip(rounds) {
        let mut random = Random::at(1, &[kind]);
        (0..times).for_each(|_| round(&reference, &mut random, &mut tally));
    }
    damage::cut_everywhere(&reference, 499, &mut tally);
    println!("{tally}");
}

/// Reads a number that `scripts/torture` has passed on.
fn given(name: &str) -> u64 {
    let text = std::env::var(name).unwrap_or_else(|_| panic!("scripts/torture sets {name}"));
    text.parse().unwrap()
}

#[test]
#[ignore = "it takes as long as scripts/torture --minutes says"]
fn long() {
    let (minutes, seed) = (given("CLIPTUNE_TORTURE_MINUTES"), given("CLIPTUNE_TORTURE_SEED"));
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let (reference, mut tally) = (Reference::new(), Tally::default());
    // Kills are most of what happens to a tool.
    let rounds: [Round; 18] = [
        kills::at_random_moments,
        kills::at_random_moments,
        kills::at_random_moments,
        kills::at_random_moments,
        kills::at_a_call,
        damage::of_a_file,
        faults::of_one_call,
        kills::at_random_moments,
        kills::at_random_moments,
        reads::that_fail,
        damage::of_a_file,
        kills::at_random_moments,
        kills::at_random_moments,
        faults::from_a_call_on,
        reads::that_fail,
        starts::of_many,
        clocks::that_are_wrong,
        deletions::under_a_tool,
    ];
    for number in 0.. {
        if Instant::now() >= end {
            break;
        }
        let mut random = Random::at(seed, &[number]);
        let round = rounds[number as usize % rounds.len()];
        println!("round {number}: {tally}");
        round(&reference, &mut random, &mut tally);
    }
    damage::cut_everywhere(&reference, 1, &mut tally);
    println!("{tally}");
}
