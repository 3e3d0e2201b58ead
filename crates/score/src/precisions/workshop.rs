//! The folder that reduced graphs are in until they are judged.

use std::path::{Path, PathBuf};

use cliptune_durable::StagedFolder;
use cliptune_encode::runtime::Runtime;
use cliptune_encode::towers::Towers;
use cliptune_experiment::Precision;
use cliptune_onnx::{Reduction, reduce, shipped_bytes};
use cliptune_store::{Run, tower_files};

use crate::error::ScoreError;

/// A folder beside the run's graphs that is removed when the work is done.
pub(super) struct Workshop<'a> {
    run: &'a Run,
    folder: StagedFolder,
}

impl<'a> Workshop<'a> {
    /// Opens an empty folder.
    pub(super) fn open(run: &'a Run) -> Result<Self, ScoreError> {
        Ok(Self { run, folder: run.workshop()? })
    }

    /// Returns the folder that the graphs are in.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes both towers in a precision, unless they are already in the folder.
    pub(super) fn make(&self, precision: Precision) -> Result<(), ScoreError> {
        let reduction = match precision {
            Precision::Fp32 => return Ok(()),
            Precision::Fp16 => Reduction::Fp16,
            Precision::Int8 => Reduction::Int8,
        };
        let sources = tower_files(Precision::Fp32).map(|file| self.run.onnx_folder().join(file));
        for (from, to) in sources.iter().zip(&self.files(precision)) {
            if !to.is_file() {
                reduce(from, to, reduction)?;
            }
        }
        Ok(())
    }

    /// Returns whether both towers of a precision are among the run's graphs.
    pub(super) fn is_delivered(&self, precision: Precision) -> bool {
        let folder = self.run.onnx_folder();
        tower_files(precision).iter().all(|file| folder.join(file).is_file())
    }

    /// Returns the towers of a precision.
    pub(super) fn towers<'r>(&self, runtime: &'r Runtime, precision: Precision) -> Towers<'r> {
        let [text, vision] = self.files(precision);
        Towers::new(runtime, text, vision)
    }

    /// Returns the size of both towers with their weights, in bytes; the fp32 towers are those of the run.
    pub(super) fn bytes(&self, precision: Precision) -> Result<u64, ScoreError> {
        let bytes = self.files(precision).into_iter().map(|file| shipped_bytes(&file));
        Ok(bytes.collect::<Result<Vec<_>, _>>()?.iter().sum())
    }

    fn files(&self, precision: Precision) -> [PathBuf; 2] {
        let onnx = self.run.onnx_folder();
        let folder = if precision == Precision::Fp32 { &onnx } else { self.folder() };
        tower_files(precision).map(|file| folder.join(file))
    }
}
