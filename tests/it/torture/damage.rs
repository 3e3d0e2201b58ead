//! Files that are not what was written: cut short, garbage, a folder, a link, a FIFO, or nothing at all.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use cliptune_random::Random;
use cliptune_store::{Store, fsck};
use fs_err as fs;

use super::tally::Tally;
use super::trial::{Reference, Trial, assert_harmless, entries};

/// Something that happens to a file.
type Damage = fn(&Path, &mut Random);

/// What can become of a file.
const DAMAGES: [(&str, Damage); 7] = [
    ("a cut", |path, random| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..random.below(bytes.len())]).unwrap();
    }),
    ("garbage", |path, random| {
        let garbage: Vec<u8> = (0..random.below(500)).map(|_| random.bits() as u8).collect();
        fs::write(path, garbage).unwrap();
    }),
    ("nothing", |path, _| fs::remove_file(path).unwrap()),
    ("a folder", |path, _| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }),
    ("a link to nowhere", |path, _| {
        fs::remove_file(path).unwrap();
        symlink("/nowhere", path).unwrap();
    }),
    ("a link to a device", |path, _| {
        fs::remove_file(path).unwrap();
        symlink("/dev/zero", path).unwrap();
    }),
    ("a FIFO", |path, _| {
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }),
];

/// The files that are made again by the command that made them. Weights, and what belongs to them, are not.
const DERIVED: [&str; 9] = [
    "dataset.json",
    "items.parquet",
    "rejects.parquet",
    "scores.json",
    "predictions.parquet",
    "choices.json",
    "parity.json",
    "text_model.onnx",
    "vision_model.onnx",
];

/// Damages a file of a complete store: every command goes on or says why not, no other run is hidden, and what can be made
/// again is.
pub(super) fn of_a_file(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let trial = reference.complete();
    let files: Vec<PathBuf> = entries(&trial.store()).into_iter().filter(|path| is_plain(path)).collect();
    let path = files[random.below(files.len())].clone();
    let (what, damage) = random.pick(&DAMAGES);
    damage(&path, random);
    let after = format!("{what} in place of {}", path.display());
    tally.count("damaged files");
    for command in [
        "status experiments",
        "show base@0",
        "query SELECT/**/count(*)/**/FROM/**/events",
        "report experiments",
    ] {
        assert_harmless(&trial.cliptune(command), &format!("{command} with {after}"));
    }
    let checked = trial.cliptune("fsck");
    let is_named = checked.stdout.contains(path.to_str().unwrap());
    assert!(checked.code == Some(0) || checked.code == Some(1) && is_named, "{after}\n{checked}");
    let hidden = usize::from(path.ends_with("run.json"));
    assert!(trial.listed(&after).len() + hidden >= 3, "{after}");
    comes_back(&trial, &path, &after);
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).unwrap().is_file() && fs::metadata(path).unwrap().len() > 0
}

fn comes_back(trial: &Trial<'_>, path: &Path, after: &str) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let is_cached = path.starts_with(trial.store().join("cache"));
    match DERIVED.contains(&name) || is_cached {
        true => trial.assert_comes_to_the_same(after),
        false => assert_harmless(&trial.cliptune("run experiments"), after),
    }
}

/// Cuts every record of a complete store at every byte, or at every so-many-th: it is the only thing that is found, and it is
/// named. Without the end of its last line a record still says everything.
pub(super) fn cut_everywhere(reference: &Reference, step: usize, tally: &mut Tally) {
    let trial = reference.complete();
    let store = Store::open(&trial.store()).unwrap();
    // One run has all kinds of records.
    for other in ["cache", "tuned"] {
        fs::remove_dir_all(trial.store().join(other)).unwrap();
    }
    let is_record = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "json") && is_known(path);
    for path in entries(&trial.store()).into_iter().filter(is_record) {
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.trim_ascii_end().len()).step_by(step) {
            fs::write(&path, &bytes[..at]).unwrap();
            let found = fsck(&store, &|_, _| {}).unwrap().findings;
            let named = found.iter().filter(|one| one.problem.contains(path.to_str().unwrap())).count();
            assert_eq!((found.len(), named), (1, 1), "{} cut at {at}: {found:#?}", path.display());
            tally.count("cuts of records");
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(fsck(&store, &|_, _| {}).unwrap().findings.is_empty());
}

/// Checks whether a JSON file is a record, or has its hash in one.
fn is_known(path: &Path) -> bool {
    let is_of_report = path.components().any(|part| part.as_os_str() == "reports");
    !is_of_report || path.ends_with("report.json")
}
