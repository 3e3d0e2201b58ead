//! Looks at the folder of a run.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use fs_err as fs;

use super::finding::{Finding, Mend};
use crate::any_run::{AnyRun, Listed};
use crate::error::{Damage, StoreError};
use crate::event_log::{LeftOut, for_each_event};
use crate::foreign_run::{ForeignRun, RECORD as FOREIGN};
use crate::labels::FILE as LABELS;
use crate::origin::Origin;
use crate::parity::read_parity;
use crate::precisions::read_precisions;
use crate::regular::{expect_hash, is_absent};
use crate::run::{RECORD, Run, RunStatus};
use crate::scores::{SCORES, read_scores};
use crate::store::Store;
use crate::system_log::read_system;

const KIND: &str = "run";

/// Looks at a run in its place in the store.
pub(super) fn look(store: &Store, folder: &Path) -> Vec<Finding> {
    let run = match AnyRun::open(folder.to_path_buf()) {
        Ok(run) => run,
        // It was removed a moment ago.
        Err(_) if is_absent(folder) => return Vec::new(),
        Err(error) => return vec![unreadable(folder, &error)],
    };
    let mut findings: Vec<Finding> = place(store, &run).into_iter().collect();
    findings.extend(content(&run));
    findings
}

/// Says that the record of the run in a folder cannot be read.
pub(super) fn unreadable(folder: &Path, error: &StoreError) -> Finding {
    let path = error.file().map_or_else(|| folder.join("run.json"), Path::to_path_buf);
    Finding::lost(KIND, path, error)
}

/// Looks at everything that belongs to a run, wherever it lies.
pub(super) fn content(run: &AnyRun) -> Vec<Finding> {
    let labels = run.labels().err();
    let labels = labels.map(|error| Finding::lost(KIND, run.folder().join(LABELS), &error));
    let found = match run {
        AnyRun::Own(run) => own_content(run),
        AnyRun::Foreign(run) => {
            Split::ALL.into_iter().filter_map(|split| foreign_scores(run, split)).collect()
        }
    };
    labels.into_iter().chain(found).collect()
}

fn own_content(run: &Run) -> Vec<Finding> {
    let mut findings = logs(run);
    match run.status() {
        // Somebody is making the rest.
        RunStatus::Running => return findings,
        RunStatus::Done => findings.extend(model(run)),
        RunStatus::Interrupted | RunStatus::Failed | RunStatus::Crashed => {}
    }
    findings.extend(Split::ALL.into_iter().filter_map(|split| scores(run, split)));
    findings
}

/// A run is known by its record. One in another place was copied or moved there.
fn place(store: &Store, run: &AnyRun) -> Option<Finding> {
    let record = if run.own().is_some() { RECORD } else { FOREIGN };
    let (id, path) = (run.id(), run.folder().join(record));
    let error = StoreError::damaged(&path, Damage::Foreign(id.clone()));
    (store.id_of(run.folder()) != id).then(|| {
        Finding::harmless(KIND, path, &error)
            .followed_by(&format!("the folder was copied, moved or renamed; the run in it is listed as {id}"))
    })
}

fn logs(run: &Run) -> Vec<Finding> {
    type Read = fn(&Path) -> Result<LeftOut, StoreError>;
    let logs: [(PathBuf, Read); 2] = [
        (run.events_file(), |path| for_each_event(path, &mut Vec::new(), |_| {})),
        (run.system_file(), |path| {
            read_system(path).map(|read| LeftOut { damaged: read.damaged_lines, newer: 0 })
        }),
    ];
    let there = logs.into_iter().filter(|(path, _)| !is_absent(path));
    there.flat_map(|(path, read)| log(run, &path, read)).collect()
}

fn log(run: &Run, path: &Path, read: impl Fn(&Path) -> Result<LeftOut, StoreError>) -> Vec<Finding> {
    let finding = |error: StoreError| {
        let finding = Finding::harmless(KIND, path.to_path_buf(), &error);
        match error.is_damage() && run.status() != RunStatus::Running {
            true => finding.mended_by(Mend::Log(run.clone().into(), path.to_path_buf())),
            false => finding,
        }
    };
    match read(path) {
        Ok(left_out) => left_out.errors(path).map(finding).collect(),
        Err(error) => vec![Finding::lost(KIND, path.to_path_buf(), &error)],
    }
}

/// Looks at what a complete run has made.
fn model(run: &Run) -> Vec<Finding> {
    let precisions = read_precisions(run).err().map(|error| {
        let path = error.file().map_or_else(|| run.precisions_file(), Path::to_path_buf);
        Finding::remade(KIND, path, &error)
    });
    let mut findings: Vec<Finding> = precisions.into_iter().collect();
    if run.lacks_weights() {
        return findings;
    }
    findings.extend(files(run));
    findings.extend(origin(run));
    if let Err(error) = read_parity(run) {
        findings.push(Finding::remade(KIND, run.parity_file(), &error));
    }
    findings
}

/// Looks at every file that the record has the hash of. One that has two names is looked at once.
fn files(run: &Run) -> Vec<Finding> {
    let hashes = run.record().end.iter().flat_map(|end| &end.files);
    let (mut known, mut findings) = (BTreeSet::new(), Vec::new());
    // Links lead from `model/` to `onnx/`, which comes after it.
    for (name, hash) in hashes.rev() {
        let path = run.folder().join(name);
        if path == run.model_weights_file() && is_told(run, &path, &findings) {
            continue;
        }
        let place = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if known.insert(place)
            && let Err(error) = expect_hash(&path, hash)
        {
            findings.push(file(run, path, hash, &error));
        }
    }
    findings.reverse();
    findings
}

/// Checks whether what is wrong with the weights was said already: then a link to them is as it should be.
fn is_told(run: &Run, link: &Path, findings: &[Finding]) -> bool {
    let is_link = fs::symlink_metadata(link).is_ok_and(|about| about.is_symlink());
    is_link && findings.iter().any(|finding| finding.path == run.weights_file())
}

/// Says what follows from a file of the model that is not what it was.
fn file(run: &Run, path: PathBuf, hash: &str, error: &StoreError) -> Finding {
    let is_graph = path.extension() == Some(OsStr::new("onnx"));
    let other = |other: PathBuf| other != path && expect_hash(&other, hash).is_ok();
    match () {
        () if is_graph => Finding::remade(KIND, path, error),
        () if path == run.weights_file() && other(run.model_weights_file()) => {
            Finding::lost(KIND, path, error)
                .followed_by("model/ has a whole copy of it")
                .mended_by(Mend::CopyWeights(run.clone().into()))
        }
        () if path == run.model_weights_file() && other(run.weights_file()) => {
            Finding::lost(KIND, path, error)
                .followed_by("it should be a link to onnx/, where the weights are whole")
                .mended_by(Mend::LinkWeights(run.clone().into()))
        }
        () => Finding::lost(KIND, path, error),
    }
}

fn origin(run: &Run) -> Option<Finding> {
    let folder = run.model_folder();
    let path = folder.join(Origin::FILE);
    let error = match Origin::read(&folder) {
        Ok(Some(_)) => return None,
        Ok(None) => StoreError::damaged(&path, Damage::Missing),
        Err(error) => error,
    };
    let is_mendable = !matches!(&error, StoreError::Version { .. });
    let finding = Finding::lost(KIND, path, &error);
    Some(if is_mendable { finding.mended_by(Mend::Origin(run.clone().into())) } else { finding })
}

/// Returns what is wrong with the scores of a split, if anything is, and the file.
fn score_damage(run: &impl Listed, split: Split) -> Option<(PathBuf, StoreError)> {
    let folder = run.scores_folder(split);
    let record = folder.join(SCORES);
    let error = match read_scores(run, split) {
        Ok(None) if folder.exists() && is_absent(&record) => StoreError::damaged(&record, Damage::Missing),
        Ok(_) => return None,
        Err(error) => error,
    };
    Some((error.file().map_or(record, Path::to_path_buf), error))
}

/// Looks at the scores of an imported run, which nothing here could make again.
fn foreign_scores(run: &ForeignRun, split: Split) -> Option<Finding> {
    let (path, error) = score_damage(run, split)?;
    let followed = "nothing in the store can make them again: import the same predictions again";
    Some(Finding::lost("scores", path, &error).followed_by(followed))
}

fn scores(run: &Run, split: Split) -> Option<Finding> {
    let (path, error) = score_damage(run, split)?;
    let finding = match run.lacks_weights() {
        true => Finding::lost("scores", path, &error).followed_by(&format!(
            "the weights that could be scored again were removed; `cliptune restore {}` brings them back while they are in the \
             trash",
            run.id()
        )),
        false => Finding::remade("scores", path, &error),
    };
    Some(match error.is_damage() {
        true => finding.mended_by(Mend::TrashScores(run.clone().into(), split)),
        false => finding,
    })
}
