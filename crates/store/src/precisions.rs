//! The reduced precisions of a run: the record of what they cost, and the files of those that are kept.

use std::path::{Path, PathBuf};

use cliptune_durable::{StagedFolder, publish};
use cliptune_experiment::{Fraction, Plan, Precision};
use fs_err as fs;

use crate::error::StoreError;
use crate::identity::PRECISIONS_FORMAT;
use crate::precision_record::{Precisions, ReducedPrecision};
use crate::record::{read_record, write_record};
use crate::regular::is_absent;
use crate::run::Run;

const RECORD: &str = "precisions.json";
/// The graphs of a precision: towers alone, because that is what is deployed.
const TOWERS: [&str; 2] = ["text_model", "vision_model"];

impl Run {
    /// Returns the file that records the reduced precisions.
    pub fn precisions_file(&self) -> PathBuf {
        self.onnx_folder().join(RECORD)
    }

    /// Makes a folder for graphs that are yet to be judged: none of them may have its name among the run's before. It is
    /// removed when it is dropped.
    pub fn workshop(&self) -> Result<StagedFolder, StoreError> {
        Ok(StagedFolder::beside(&self.onnx_folder())?)
    }
}

/// Returns the names of the text tower and the vision tower in a precision: `text_model_int8.onnx`; of fp32 `text_model.onnx`.
pub fn tower_files(precision: Precision) -> [String; 2] {
    let suffix = match precision {
        Precision::Fp32 => String::new(),
        reduced => format!("_{reduced}"),
    };
    TOWERS.map(|tower| format!("{tower}{suffix}.onnx"))
}

/// Returns what is known about the reduced precisions of a run, if this version of the procedure measured any.
///
/// # Errors
/// When the record is damaged or cannot be read.
pub fn read_precisions(run: &Run) -> Result<Option<Precisions>, StoreError> {
    let path = run.precisions_file();
    if is_absent(&path) {
        return Ok(None);
    }
    match read_record(&path, PRECISIONS_FORMAT) {
        Err(StoreError::Version { .. }) => Ok(None),
        read => read.map(Some),
    }
}

/// Brings the run's folder to what the record says: the towers of every precision that is kept are moved there from
/// `made`, those of the others are removed, and the record is written.
///
/// The record comes last: a crash before it leaves a run whose precisions are judged again.
pub fn write_precisions(run: &Run, precisions: &Precisions, made: &Path) -> Result<(), StoreError> {
    let folder = run.onnx_folder();
    for reduced in &precisions.reduced {
        for file in tower_files(reduced.precision) {
            place(&made.join(&file), &folder.join(&file), reduced.kept)?;
        }
    }
    write_record(&run.precisions_file(), precisions)
}

/// A file that is not in `made` is where it belongs already.
fn place(made: &Path, place: &Path, kept: bool) -> Result<(), StoreError> {
    match (kept, made.is_file(), place.is_file()) {
        (true, true, _) => Ok(publish(made, place)?),
        (false, _, true) => Ok(fs::remove_file(place)?),
        _ => Ok(()),
    }
}

/// A reduced precision of a plan that has to be measured or decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unjudged {
    pub(crate) precision: Precision,
    /// Why, in words.
    pub(crate) why: String,
}

/// Returns the reduced precisions of a plan that its run lacks, given the run's record of them; all as long as there is
/// no run.
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

/// Why what was measured has to be decided again, or carried out.
fn undecided(run: &Run, plan: &Plan, reduced: &ReducedPrecision) -> Option<String> {
    let (before, after) = (reduced.margin, plan.export.margin(reduced.precision));
    if before != after {
        let shown = |margin: Option<Fraction>| {
            margin.map_or_else(|| "none".to_owned(), |margin| margin.get().to_string())
        };
        return Some(format!("export.int8_margin: {} → {}", shown(before), shown(after)));
    }
    let folder = run.onnx_folder();
    let there = tower_files(reduced.precision).iter().all(|file| folder.join(file).is_file());
    (reduced.kept != there)
        .then(|| format!("the graphs of {} are not as they were judged", reduced.precision))
}
