//! Files that cannot be looked at or read for a moment.

use std::path::PathBuf;

use cliptune_random::Random;
use fs_err as fs;

use super::faults::injected;
use super::tally::Tally;
use super::trial::{RUN, Reference, Trial, assert_harmless, entries};

/// The calls that look at files and read them, with what a system answers that cannot.
const READS: [(&str, &[&str]); 11] = [
    ("openat", &["EIO", "EMFILE", "ENOMEM", "EINTR"]),
    ("read", &["EIO", "ENOMEM", "EINTR"]),
    ("pread64", &["EIO", "ENOMEM", "EINTR"]),
    ("mmap", &["EIO", "ENOMEM"]),
    ("lseek", &["EIO"]),
    ("stat", &["EIO", "ENOMEM"]),
    ("statx", &["EIO", "ENOMEM"]),
    ("newfstatat", &["EIO", "ENOMEM"]),
    ("fstat", &["EIO", "ENOMEM"]),
    ("getdents64", &["EIO", "ENOMEM"]),
    ("readlink", &["EIO"]),
];

/// A call that reads fails, once in each thread or from a certain one on, while something has to be made of what is read.
pub(super) fn that_fail(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let trial = begun(reference, random);
    let (call, errors) = random.pick(&READS);
    let (error, number) = (random.pick(errors), 1 + random.below(30));
    // Whoever is interrupted asks again, and would do so for ever.
    let and_later = if error != "EINTR" && random.chance(33) { "+" } else { "" };
    let mut before = injected(call, &format!("error={error}"), &format!("{number}{and_later}"));
    // Of all other files, such as its libraries, a program needs some to start at all.
    let read = readable(reference, &trial, random);
    before.extend(read.into_iter().flat_map(|path| ["-P".to_owned(), path.display().to_string()]));
    let failed = trial.start(trial.command(&before, RUN), "said").ended();
    let after = format!("{error} at {call} {number}{and_later}");
    assert_harmless(&failed, &after);
    tally.count(match error {
        "EINTR" => "interrupted reads",
        "EMFILE" => "reads without handles",
        "ENOMEM" => "reads without memory",
        _ => "broken reads",
    });
    trial.assert_whole(&after);
    trial.assert_comes_to_the_same(&after);
}

/// Returns a store where nothing has been made yet, or some or all of it.
fn begun<'a>(reference: &'a Reference, random: &mut Random) -> Trial<'a> {
    if random.chance(25) {
        let trial = reference.empty();
        fs::create_dir(trial.store()).unwrap();
        return trial;
    }
    let trial = reference.complete();
    let unmade = random.pick(&["", "scores", "tuned", "cache"]);
    let is_unmade = |path: &PathBuf| path.file_name().is_some_and(|name| name == unmade);
    for folder in entries(&trial.store()).into_iter().filter(is_unmade) {
        fs::remove_dir_all(folder).unwrap();
    }
    trial
}

/// Returns all files and folders of what the experiments name, or of the store.
fn readable(reference: &Reference, trial: &Trial<'_>, random: &mut Random) -> Vec<PathBuf> {
    let store = entries(&trial.store());
    if !store.is_empty() && random.chance(75) {
        return store;
    }
    ["contest", "experiments"].into_iter().flat_map(|name| entries(&reference.context.path(name))).collect()
}
