//! Looks at the folder of a run.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use fs_err as fs;

use super::finding::{Finding, Mend};
use crate::error::{Damage, StoreError};
use crate::event_log::{LeftOut, for_each_event};
use crate::origin::Origin;
use crate::parity::read_parity;
use crate::precisions::read_precisions;
use crate::regular::{expect_hash, is_absent};
use crate::run::{Run, RunStatus};
use crate::scores::{SCORES, read_scores};
use crate::store::Store;
use crate::system_log::read_system;

const KIND: &str = "run";

/// Looks at a run in its place in the store.
pub(super) fn look(store: &Store, folder: &Path) -> Vec<Finding> {
    let run = match Run::open(folder.to_path_buf()) {
        Ok(run) => run,
        // It was removed a moment ago.
        Err(_) if is_absent(folder) => return Vec::new(),
        Err(error) => return vec![Finding::lost(KIND, folder.join("run.json"), &error)],
    };
    let mut findings: Vec<Finding> = place(store, &run).into_iter().collect();
    findings.extend(content(&run));
    findings
}

/// Looks at everything that belongs to a run, wherever it lies.
pub(super) fn content(run: &Run) -> Vec<Finding> {
    let labels = run.labels().err().map(|error| Finding::lost(KIND, run.labels_file(), &error));
    let mut findings: Vec<Finding> = labels.into_iter().chain(logs(run)).collect();
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
fn place(store: &Store, run: &Run) -> Option<Finding> {
    let (id, path) = (run.id(), run.folder().join("run.json"));
    let error = StoreError::damaged(&path, Damage::Foreign(id.clone()));
    (store.id_of(run.folder()) != id).then(|| {
        Finding::harmless(KIND, path, &error)
            .followed_by(&format!("the folder was copied, moved or renamed; the run in it is listed as {id}"))
    })
}

fn logs(run: &Run) -> Vec<Finding> {
    type Read = fn(&Path) -> Result<LeftOut, StoreError>;
    let logs: [(PathBuf, Read); 2] = [
        (run.events_file(), |path| for_each_event(path, |_| {})),
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

fn scores(run: &Run, split: Split) -> Option<Finding> {
    let folder = run.scores_folder(split);
    let record = folder.join(SCORES);
    let error = match read_scores(run, split) {
        Ok(None) if folder.exists() && is_absent(&record) => StoreError::damaged(&record, Damage::Missing),
        Ok(_) => return None,
        Err(error) => error,
    };
    let path = error.file().map_or(record, Path::to_path_buf);
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
