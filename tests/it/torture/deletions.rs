//! Folders that are deleted under a running tool.

use std::path::PathBuf;

use cliptune_random::Random;
use fs_err as fs;

use super::tally::Tally;
use super::trial::{RUN, Reference, Trial, assert_harmless};
use crate::support::wait_for;

/// Deletes a folder of the store as soon as it is there, while the command that makes it goes on.
pub(super) fn under_a_tool(reference: &Reference, random: &mut Random, tally: &mut Tally) {
    let trial = reference.empty();
    let what = random.pick(&["", "cache", "datasets", "base", "base/*", "base/*/checkpoint", "tuned/*"]);
    let mut started = trial.start(trial.command(&[], RUN), "said");
    let found = wait_for("folder", || match there(&trial, what) {
        Some(folder) => Some(Some(folder)),
        None => started.is_ended().then_some(None),
    });
    if let Some(folder) = found {
        // Something may be made in it at the same time, so that half of it would stay.
        let is_gone = (0..1000).any(|_| fs::remove_dir_all(&folder).is_ok() || !folder.exists());
        assert!(is_gone, "{} comes back again and again", folder.display());
        tally.count("deleted folders");
    }
    let after = format!("the deletion of {what:?} under a tool");
    assert_harmless(&started.ended(), &after);
    trial.assert_whole(&after);
    trial.assert_comes_to_the_same(&after);
}

/// Returns the folder that a pattern stands for, once there is one.
fn there(trial: &Trial<'_>, what: &str) -> Option<PathBuf> {
    let (before, after) = what.split_once('*').unwrap_or((what, ""));
    let folder = trial.store().join(before);
    if !what.contains('*') {
        return folder.is_dir().then_some(folder);
    }
    let runs = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_run =
        |path: &PathBuf| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut folders = runs.filter(is_run).map(|run| run.join(after.trim_start_matches('/')));
    folders.find(|folder| folder.is_dir())
}
