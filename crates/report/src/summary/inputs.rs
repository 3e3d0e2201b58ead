//! The hash that identifies everything that a report is made from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use cliptune_store::{ForeignRun, Listed, Run, Standing, TestLooks, test_looks};
use rayon::prelude::*;

use super::foreign::beside;
use crate::error::ReportError;
use crate::request::Request;

/// The version of the report procedure. A new version makes every existing report stale.
const REPORT_PROCEDURE: u32 = 7;

/// Returns the BLAKE3 hash of plans, records, logs, scores and predictions, those of imported runs included, of how often test splits had been looked at when
/// these scores were made, and of the version of this program.
pub(crate) fn hash(standings: &[Standing], request: &Request) -> Result<String, ReportError> {
    let mut hasher = blake3::Hasher::new();
    let version = env!("CARGO_PKG_VERSION");
    let Request { name, subject, .. } = request;
    field(&mut hasher, format!("report {REPORT_PROCEDURE} {version} {subject} {name}").as_bytes());
    for standing in standings.par_iter().map(of_standing).collect::<Result<Vec<_>, _>>()? {
        field(&mut hasher, standing.as_bytes());
    }
    let imported = beside(standings)?;
    for path in imported.iter().flat_map(foreign_files) {
        file(&mut hasher, &path)?;
    }
    let all: Vec<&Standing> = standings.iter().collect();
    field(&mut hasher, &serde_json::to_vec(&looks(&all, &imported)?.counts())?);
    Ok(hasher.finalize().to_hex().to_string())
}

/// Returns the hash of what there is of a plan.
fn of_standing(standing: &Standing) -> Result<blake3::Hash, ReportError> {
    let mut hasher = blake3::Hasher::new();
    field(&mut hasher, &serde_json::to_vec(&standing.plan)?);
    field(&mut hasher, standing.dataset_hash.as_bytes());
    if let Some(dataset) = &standing.dataset {
        field(&mut hasher, &serde_json::to_vec(dataset.record())?);
    }
    match &standing.run {
        Some(run) => files(run).iter().try_for_each(|path| file(&mut hasher, path))?,
        None => field(&mut hasher, b"not run"),
    }
    Ok(hasher.finalize())
}

/// Returns the looks at the test splits of some plans, up to the scores that the plans have and to the imported runs beside them.
/// Whatever is scored on the same datasets later changes nothing about them.
pub(super) fn looks(plans: &[&Standing], imported: &[ForeignRun]) -> Result<TestLooks, ReportError> {
    let own = plans.iter().filter_map(|plan| plan.run.as_ref()).map(Run::id);
    let runs = own.chain(imported.iter().map(ForeignRun::id)).collect();
    let looks = test_looks(plans.iter().filter_map(|plan| plan.dataset.as_ref()))?;
    Ok(looks.until_last_of(&runs))
}

/// Returns the files of a run that a report reads.
fn files(run: &Run) -> Vec<PathBuf> {
    let mut files =
        vec![run.folder().join("run.json"), run.events_file(), run.system_file(), run.precisions_file()];
    files.extend(Split::ALL.into_iter().flat_map(|split| score_files(run, split)));
    files
}

/// Returns the files of an imported run that a report reads.
fn foreign_files(run: &ForeignRun) -> Vec<PathBuf> {
    let record = run.folder().join("foreign.json");
    std::iter::once(record).chain(score_files(run, Split::Test)).collect()
}

fn score_files(run: &impl Listed, split: Split) -> [PathBuf; 2] {
    let folder = run.scores_folder(split);
    ["scores.json", "predictions.parquet"].map(|name| folder.join(name))
}

/// Hashes a field with its length in front, so that neighbouring fields cannot run into each other.
fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn file(hasher: &mut blake3::Hasher, path: &Path) -> Result<(), ReportError> {
    let content = if path.is_file() { fs_err::read(path) } else { Err(ErrorKind::NotFound.into()) };
    match content {
        Ok(content) => field(hasher, &content),
        // It may have gone a moment ago.
        Err(error) if error.kind() == ErrorKind::NotFound => field(hasher, b"no file"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
