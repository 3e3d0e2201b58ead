//! Runs of other tools, and the predictions of anyone, read into a store.
//!
//! What is at a path is told by its content (`detect`). What another tool says of a run is kept as it was told (`mlflow`,
//! `mlflow_database`, `dvc`). Predictions are checked against the items of a dataset, and what they reach is computed here, as it is
//! for a run of cliptune's (`predictions`).

mod detect;
mod dvc;
mod error;
mod files;
mod flat;
mod gathered;
mod mlflow;
mod mlflow_database;
mod predictions;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use cliptune_experiment::{ExperimentName, Split};
use cliptune_store::{
    Dataset, FOREIGN_FORMAT, ForeignRecord, ForeignRun, Published, Scores, Store, StoreError, Told, Tool,
    file_hash, foreign_name, host_name, read_scores, unless_damaged, utc_now,
};

use detect::Form;
pub use error::{ImportError, PULL};
use gathered::Gathered;
use predictions::Scored;

/// What is to be imported.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it is.
    pub source: &'a Path,
    /// The name that the run is to have.
    pub name: &'a ExperimentName,
    /// What it is of, where somebody says so.
    pub from: Option<Tool>,
    /// Which of several runs is meant.
    pub run: Option<&'a str>,
    /// The experiment that it is to be shown beside.
    pub experiment: Option<&'a ExperimentName>,
    /// The dataset whose items predictions are about.
    pub dataset: Option<&'a Dataset>,
    /// The split of these items.
    pub split: Split,
}

/// What became of an import.
#[derive(Debug)]
pub struct Imported {
    /// The run.
    pub run: ForeignRun,
    /// Whether it is new. Where the same was imported before, that run is there and nothing was added.
    pub is_new: bool,
    /// What the predictions reach, where there are any and that was computed now: for a run that is new, or has lost its scores.
    pub scores: Option<Scores>,
    /// The number of rows that are about no item of the split.
    pub other_rows: usize,
    /// The number of answers that are named and are not the most probable ones.
    pub unlikely: usize,
    /// What the other tool names and nothing was read of, with the reason: `scores.json is not there`.
    pub left_out: Vec<String>,
}

impl Imported {
    fn there(run: ForeignRun) -> Self {
        Self { run, is_new: false, scores: None, other_rows: 0, unlikely: 0, left_out: Vec::new() }
    }
}

/// Imports a run as a whole, or not at all.
///
/// # Errors
/// Returns an error when the source is nothing that can be read, contradicts the dataset, or when the name means something else.
pub fn import(store: &Store, request: &Request<'_>) -> Result<Imported, ImportError> {
    let form = Form::of(request.source, request.from)?;
    if request.run.is_some() && form.tool() != Tool::Mlflow {
        return Err(ImportError::NoChoice { path: request.source.to_path_buf() });
    }
    let mut gathered = gathered(&form, request.run)?;
    let left_out = std::mem::take(&mut gathered.left_out);
    let content = identity(&gathered, request)?;
    if let Some(there) = store.foreign_with(&content)? {
        return again(store, there, &form, request);
    }
    expect_free(store, request)?;
    let scored = scored(&form, request)?;
    let mut staged = store.stage_foreign(record(gathered, content, request))?;
    if let Some(Scored { items, scores, predictions, .. }) = &scored {
        staged.write_scores(scores, predictions, items.all())?;
    }
    match staged.publish(store)? {
        Published::There(run) => Ok(Imported::there(run)),
        Published::New(run) => Ok(Imported {
            run,
            is_new: true,
            other_rows: scored.as_ref().map_or(0, |scored| scored.other_rows),
            unlikely: scored.as_ref().map_or(0, |scored| scored.unlikely),
            left_out,
            scores: scored.map(|scored| scored.scores),
        }),
    }
}

/// Returns a run that was imported before. Scores of it that are damaged, or of an earlier procedure, are made again.
fn again(
    store: &Store,
    there: ForeignRun,
    form: &Form,
    request: &Request<'_>,
) -> Result<Imported, ImportError> {
    if unless_damaged(read_scores(&there, request.split))?.is_some() {
        return Ok(Imported::there(there));
    }
    let Some(Scored { items, scores, predictions, other_rows, unlikely }) = scored(form, request)? else {
        return Ok(Imported::there(there));
    };
    store.rescore_foreign(&there, &scores, &predictions, items.all())?;
    Ok(Imported { scores: Some(scores), other_rows, unlikely, ..Imported::there(there) })
}

/// Returns what predictions reach; nothing where another tool tells of a run.
fn scored(form: &Form, request: &Request<'_>) -> Result<Option<Scored>, ImportError> {
    let Form::Predictions(path) = form else { return Ok(None) };
    let dataset = request.dataset.ok_or_else(|| ImportError::NoItems { path: path.clone() })?;
    Scored::read(path, dataset, request.split).map(Some)
}

/// Makes sure that the name means nothing else, in the store or as that of the experiment, which may have no run there yet.
fn expect_free(store: &Store, request: &Request<'_>) -> Result<(), ImportError> {
    match request.experiment.filter(|experiment| *experiment == request.name) {
        Some(name) => {
            Err(StoreError::NameTaken { name: name.to_string(), by: format!("the experiment {name}") }.into())
        }
        None => Ok(store.expect_free(request.name)?),
    }
}

/// Reads what is at a path, but for the answers in a table of predictions.
fn gathered(form: &Form, run: Option<&str>) -> Result<Gathered, ImportError> {
    match form {
        Form::MlflowFolder(path) => mlflow::read(path, run),
        Form::MlflowDatabase(path) => mlflow_database::read(path, run),
        Form::Dvc(path) => dvc::read(path),
        Form::Predictions(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let files = BTreeMap::from([(name, file_hash(path)?)]);
            let (told, left_out) = (Told::default(), Vec::new());
            Ok(Gathered { tool: form.tool(), tool_version: None, files, told, left_out })
        }
    }
}

/// Returns what tells an import from all others: what was told or predicted, and what it was said to be about, but neither its name nor
/// its place.
fn identity(gathered: &Gathered, request: &Request<'_>) -> Result<String, ImportError> {
    let Gathered { tool, told, files, .. } = gathered;
    // Which items predictions are of matters, and what another tool told is of none.
    let predictions = (*tool == Tool::Predictions).then(|| {
        let dataset = request.dataset.map(|dataset| dataset.record().hash.as_str());
        (files.values().collect::<Vec<_>>(), dataset, request.split)
    });
    let mut hasher = blake3::Hasher::new();
    // A run may have told a million numbers, which are hashed as they are written.
    serde_json::to_writer(&mut hasher, &(tool, told, request.experiment, predictions))
        .map_err(io::Error::from)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn record(gathered: Gathered, content: String, request: &Request<'_>) -> ForeignRecord {
    let Gathered { tool, tool_version, files, told, .. } = gathered;
    let imported = utc_now();
    let dataset = request.dataset.filter(|_| tool == Tool::Predictions);
    ForeignRecord {
        format_version: FOREIGN_FORMAT,
        run: foreign_name(&imported, &content),
        name: request.name.clone(),
        tool,
        tool_version,
        content,
        files,
        source: request.source.display().to_string(),
        experiment: request.experiment.cloned(),
        dataset: dataset.map(|dataset| dataset.record().hash.clone()),
        told,
        imported,
        cliptune: env!("CARGO_PKG_VERSION").to_owned(),
        host: host_name(),
    }
}
