//! The model that is applied: a run, or any model folder.

use std::path::{Path, PathBuf};

use cliptune_encode::export::Export;
use cliptune_encode::model::Model;
use cliptune_encode::preparation::Preparation;
use cliptune_encode::runtime::{Purpose, Runtime};
use cliptune_experiment::{Precision, Split, Templates};
use cliptune_store::{Run, Store, read_scores, tower_files, unless_damaged};
use cliptune_terminal::Printer;

use crate::error::ApplyError;
use crate::graphs;

/// A model whose graphs are known to be those of its folder.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What it is called: a run, or the path of a folder.
    pub name: String,
    /// The BLAKE3 of its weights, configuration, tokenizer and preprocessing.
    pub hash: String,
    /// The precision that its graphs compute in.
    pub precision: Precision,
    /// What is known of its graphs.
    pub proof: Proof,
    /// The templates of the classes that the run was made for, if it was.
    pub templates: Option<Templates>,
    graphs: PathBuf,
    folder: PathBuf,
}

/// What is known of a model's graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// They gave the logits of libtorch when the run was scored.
    Passed,
    /// Nobody has compared them with libtorch: the run was not scored yet.
    Unscored,
    /// They were written from a model folder just now or earlier, and there is nothing to compare them with.
    Written,
}

impl Applied {
    /// Returns the model of a completed run, of which every file is the one that the run ended with. A run without graphs
    /// is a model folder.
    ///
    /// # Errors
    /// Returns an error if a file of the run is missing or damaged.
    pub fn of_run(
        store: &Store,
        run: &Run,
        precision: Precision,
        printer: &Printer,
    ) -> Result<Self, ApplyError> {
        let plan = &run.record().plan;
        let templates = match plan.data.columns.task.templates() {
            plain if plain == Templates::plain() => None,
            templates => Some(templates),
        };
        let named = |applied: Self| Self { name: run.id(), templates, ..applied };
        run.verify_export(store)?;
        if plan.export.onnx.is_empty() {
            return Self::of_folder(store, &run.model_folder(), precision, printer).map(named);
        }
        let folder = run.model_folder();
        let hash = store.model_hash(&folder)?;
        let proof = if has_passed(run)? { Proof::Passed } else { Proof::Unscored };
        let graphs = run.onnx_folder();
        Ok(named(Self { name: String::new(), hash, precision, proof, templates: None, graphs, folder }))
    }

    /// Returns the model in a folder as transformers or open_clip lay it out. Its graphs are written into the cache of the
    /// store when it is used for the first time.
    ///
    /// # Errors
    /// Returns an error if the folder holds no model, or its graphs cannot be written.
    pub fn of_folder(
        store: &Store,
        folder: &Path,
        precision: Precision,
        printer: &Printer,
    ) -> Result<Self, ApplyError> {
        let hash = store.model_hash(folder)?;
        let graphs = graphs::of(store, folder, &hash, printer)?;
        Ok(Self {
            name: absolute(folder).display().to_string(),
            hash,
            precision,
            proof: Proof::Written,
            templates: None,
            folder: graphs.clone(),
            graphs,
        })
    }

    /// Reads the model's tokenizer and preprocessing, for which no runtime is needed yet.
    ///
    /// # Errors
    /// Returns an error if a file is unusable.
    pub fn prepare(&self) -> Result<Preparation, ApplyError> {
        Ok(Preparation::read(&self.folder)?)
    }

    /// Opens the model.
    ///
    /// # Errors
    /// Returns an error if a file is unusable, or if there are no graphs in the precision.
    pub fn open<'r>(
        &self,
        runtime: &'r Runtime,
        preparation: Preparation,
        purpose: Purpose,
    ) -> Result<Model<'r>, ApplyError> {
        let is_there = |file: &String| self.graphs.join(file).is_file();
        if !tower_files(self.precision).iter().all(is_there) {
            return Err(ApplyError::NoPrecision { model: self.name.clone(), precision: self.precision });
        }
        // These are the files that were written together. Of reduced precisions nobody has kept the hash.
        let export = match self.precision == Precision::Fp32 {
            true => Export::known(runtime, &self.graphs, &self.folder),
            false => Export::read(runtime, &self.graphs, &self.folder)?,
        };
        Ok(Model::open_for(&export, preparation, self.precision, purpose)?)
    }
}

/// Returns a path that leads to a folder from everywhere.
fn absolute(folder: &Path) -> PathBuf {
    fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf())
}

/// Checks whether the run has scores, which are only written when its graphs have passed the parity gate.
fn has_passed(run: &Run) -> Result<bool, ApplyError> {
    for split in Split::ALL {
        if unless_damaged(read_scores(run, split))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
