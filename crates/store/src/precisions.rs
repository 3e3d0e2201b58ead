//! The reduced precisions of a run: the record of what they cost, and the files of the precisions that are kept.

use std::path::{Path, PathBuf};

use cliptune_durable::{StagedFolder, publish};
use cliptune_experiment::{Fraction, Plan, Precision};
use fs_err as fs;

use crate::error::StoreError;
use crate::identity::PRECISIONS_FORMAT;
use crate::precision_record::{Precisions, ReducedPrecision};
use crate::record::{read_record, write_record};
use crate::regular::{is_absent, make_way};
use crate::run::Run;

/// The name of the file.
pub(crate) const RECORD: &str = "precisions.json";
/// The graphs of a precision. These are only the towers, because only they are deployed.
const TOWERS: [&str; 2] = ["text_model", "vision_model"];

impl Run {
    /// Returns the file that records the reduced precisions.
    pub fn precisions_file(&self) -> PathBuf {
        self.onnx_folder().join(RECORD)
    }

    /// Returns the two places of that record: beside the graphs, and where it is kept while they are in the trash.
    pub(crate) fn precisions_files(&self) -> [PathBuf; 2] {
        [self.precisions_file(), self.folder().join(RECORD)]
    }

    /// Makes a folder for graphs that have not been judged yet. Until they are, none of them may have its final name
    /// among the files of the run. The folder is removed when it is dropped.
    pub fn workshop(&self) -> Result<StagedFolder, StoreError> {
        Ok(StagedFolder::beside(&self.onnx_folder())?)
    }
}

/// Returns the names of the text tower and the vision tower in a precision, such as `text_model_int8.onnx`. For fp32
/// the text tower is `text_model.onnx`.
pub fn tower_files(precision: Precision) -> [String; 2] {
    let suffix = match precision {
        Precision::Fp32 => String::new(),
        reduced => format!("_{reduced}"),
    };
    TOWERS.map(|tower| format!("{tower}{suffix}.onnx"))
}

/// Returns what is known about the reduced precisions of a run, if this version of the procedure has measured any.
///
/// # Errors
/// Returns an error when the record is damaged or cannot be read.
pub fn read_precisions(run: &Run) -> Result<Option<Precisions>, StoreError> {
    let Some(path) = run.precisions_files().into_iter().find(|path| !is_absent(path)) else {
        return Ok(None);
    };
    match read_record(&path, PRECISIONS_FORMAT) {
        Err(StoreError::Version { found, .. }) if found < PRECISIONS_FORMAT => Ok(None),
        read => read.map(Some),
    }
}

/// Makes the run's folder match the record. The towers of every precision that is kept are moved there from `made`,
/// those of the others are removed, and then the record is written.
///
/// The record is written last, so that a crash before it leaves a run whose precisions are judged again.
pub fn write_precisions(run: &Run, precisions: &Precisions, made: &Path) -> Result<(), StoreError> {
    let folder = run.onnx_folder();
    for reduced in &precisions.reduced {
        for file in tower_files(reduced.precision) {
            place(&made.join(&file), &folder.join(&file), reduced.kept)?;
        }
    }
    make_way(&run.precisions_file())?;
    write_record(&run.precisions_file(), precisions)
}

/// Moves or removes one file. If a file that is kept is not in `made`, it is already in its place.
fn place(made: &Path, place: &Path, kept: bool) -> Result<(), StoreError> {
    match (kept, made.is_file(), place.is_file()) {
        (true, true, _) => {
            make_way(place)?;
            Ok(publish(made, place)?)
        }
        (false, _, true) => Ok(fs::remove_file(place)?),
        _ => Ok(()),
    }
}

/// A reduced precision of a plan that has to be measured or decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unjudged {
    pub(crate) precision: Precision,
    /// The reason, in words.
    pub(crate) why: String,
}

/// Returns the reduced precisions of a plan that its run lacks, given the run's record of them. These are all of them
/// as long as there is no run.
pub(crate) fn unjudged(run: Option<&Run>, record: Option<&Precisions>, plan: &Plan) -> Vec<Unjudged> {
    let lacking = |precision: Precision| {
        let reduced = record.and_then(|record| record.of(precision));
        let why = match (run, reduced) {
            (Some(run), Some(reduced)) => undecided(run, plan, reduced)?,
            _ => format!("{precision} not judged on validation"),
        };
        Some(Unjudged { precision, why })
    };
    plan.export.reduced().filter_map(lacking).collect()
}

/// Returns the reason why the keeping of a measured precision has to be decided again, or the decision carried out.
fn undecided(run: &Run, plan: &Plan, reduced: &ReducedPrecision) -> Option<String> {
    let (before, after) = (reduced.margin, plan.export.margin(reduced.precision));
    if before != after {
        let shown = |margin: Option<Fraction>| {
            margin.map_or_else(|| "none".to_owned(), |margin| margin.get().to_string())
        };
        return Some(format!("export.int8_margin: {} → {}", shown(before), shown(after)));
    }
    let folder = run.onnx_folder();
    if run.lacks_weights() {
        return None;
    }
    let there = tower_files(reduced.precision).iter().all(|file| folder.join(file).is_file());
    (reduced.kept != there)
        .then(|| format!("the graphs of {} are not as they were judged", reduced.precision))
}
