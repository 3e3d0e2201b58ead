//! System calls that write and fail: the disk is full, broken, or read-only.

use cliptune_random::Random;

use super::kills::CALLS;
use super::tally::Tally;
use super::trial::{RUN, Reference, assert_harmless};

/// What a disk answers.
const ERRORS: [&str; 4] = ["ENOSPC", "EIO", "EROFS", "EDQUOT"];

/// Returns the words that have `strace` tamper with a call of all threads and children: the one with this number in a thread,
/// or with `N+` all from that one on.
pub(crate) fn injected(call: &str, what: &str, when: &str) -> Vec<String> {
    let words = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none"];
    let tampered = [format!("trace={call}"), format!("inject={call}:{what}:when={when}")];
    let tampered = tampered.into_iter().flat_map(|option| ["-e".to_owned(), option]);
    words.map(str::to_owned).into_iter().chain(tampered).collect()
}

/// One call fails, once in each thread.
pub(super) fn of_one_call(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    fail(reference, random, tally, "");
}

/// All calls of a kind fail from a certain one on, as on a disk that stays full.
pub(super) fn from_a_call_on(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    fail(reference, random, tally, "+");
}

fn fail(reference: &Reference, random: &mut Random, tally: &mut Tally, and_later: &str) {
    let trial = reference.empty();
    // A program whose libraries cannot be opened does not start, and one that cannot write has nothing to say.
    let calls: Vec<&str> = CALLS.into_iter().filter(|call| *call != "openat").collect();
    let (call, error, number) = (random.pick(&calls), random.pick(&ERRORS), 1 + random.below(30));
    let before = injected(call, &format!("error={error}"), &format!("{number}{and_later}"));
    let failed = trial.start(trial.command(&before, RUN), "said").ended();
    let after = format!("{error} at {call} {number}{and_later}");
    if call == "write" {
        // The error may have met the message itself.
        assert!([Some(0), Some(1)].contains(&failed.code), "{after}\n{failed}");
    } else {
        assert_harmless(&failed, &after);
    }
    tally.count(match (error, and_later) {
        ("EIO", _) => "broken calls",
        ("EROFS", _) => "read-only calls",
        (_, "") => "calls without space",
        _ => "full disks",
    });
    trial.assert_whole(&after);
    trial.assert_comes_to_the_same(&after);
}
