//! What lies in the folder of a report before the report is written. A report replaces nothing but itself.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cliptune_store::{Store, read_file};
use fs_err as fs;
use serde_json::Value;

use crate::error::ReportError;
use crate::json::{FILES_KEY, INPUTS_KEY};
use crate::render::{PAGE, RESULTS, any_names};

/// What the head of every page says.
const GENERATOR: &str = "<meta name=\"generator\" content=\"cliptune\">";
/// How many bytes of a page are looked at for that.
const HEAD: usize = 4_096;

/// A report that was written before, of which nothing but `report.json` is read.
#[derive(Debug)]
pub(crate) struct Occupant(Value);

impl Occupant {
    /// Returns the report in a folder; none where there is no folder, or nothing in it.
    ///
    /// # Errors
    /// Returns an error when anything is there that the report did not write, or the folder cannot be read.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>, ReportError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Ok(None);
        }
        let there = Self::in_folder(folder);
        let written = there.written(folder);
        let is_foreign = |entry: &fs::DirEntry| {
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            !(is_file && entry.file_name().to_str().is_some_and(|name| written.contains(name)))
        };
        let foreign = entries.iter().filter(|entry| is_foreign(entry));
        let mut foreign: Vec<String> =
            foreign.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        foreign.sort_unstable();
        match foreign.is_empty() {
            true => Ok(Some(there)),
            false => Err(ReportError::Occupied { folder: folder.to_path_buf(), names: foreign }),
        }
    }

    /// Reads what the results say. What cannot be read says nothing.
    fn in_folder(folder: &Path) -> Self {
        let text = read_file(&folder.join(RESULTS)).ok();
        Self(text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default())
    }

    /// Returns the names of the files that the report wrote, as its results have them. Those of an earlier cliptune do not have them,
    /// and damaged ones may be mended: where the results or the page are a report's all the same, whatever a report could have written
    /// counts.
    fn written(&self, folder: &Path) -> BTreeSet<String> {
        if let Some(files) = self.0.get(FILES_KEY).and_then(Value::as_array) {
            return files.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        let is_ours =
            |page: Vec<u8>| String::from_utf8_lossy(&page[..page.len().min(HEAD)]).contains(GENERATOR);
        match self.0.get(INPUTS_KEY).is_some() || read_file(&folder.join(PAGE)).is_ok_and(is_ours) {
            true => any_names().collect(),
            false => BTreeSet::new(),
        }
    }

    /// Returns whether the report says what is expected under a key; nothing if it does not say. One of an earlier cliptune, or a
    /// damaged one, does not.
    pub(crate) fn says(&self, key: &str, expected: &str) -> Option<bool> {
        Some(self.0.get(key)?.as_str()? == expected)
    }

    /// Returns whether a store has all runs that the report shows, of which there have to be some.
    pub(crate) fn shows_only_runs_of(&self, store: &Store) -> Result<bool, ReportError> {
        let folders = store.run_folders()?;
        let known: BTreeSet<String> = folders.iter().map(|folder| store.id_of(folder)).collect();
        let shown = self.runs();
        Ok(!shown.is_empty() && shown.is_subset(&known))
    }

    /// Returns the runs that the report shows.
    fn runs(&self) -> BTreeSet<String> {
        let experiments = self.0.get("experiments").and_then(Value::as_array).into_iter().flatten();
        let of = |experiment: &Value| {
            let name = experiment.get("experiment").and_then(Value::as_str)?.to_owned();
            let runs = experiment.get("runs").and_then(Value::as_array)?.clone();
            let runs = runs.into_iter().filter_map(|run| Some(run.get("run")?.as_str()?.to_owned()));
            Some(runs.map(move |run| format!("{name}/{run}")))
        };
        experiments.filter_map(of).flatten().collect()
    }
}

/// Returns the absolute path of a folder that may not exist yet. Where a link leads to a folder, that is the folder.
///
/// # Errors
/// Returns an error when something else than a folder is there, or in the way.
pub(crate) fn resolved(folder: &Path) -> Result<PathBuf, ReportError> {
    // Without a slash at its end, by which a link would be what it leads to.
    let folder: PathBuf = std::path::absolute(folder)?.components().collect();
    let there = folder.ancestors().find(|path| fs::symlink_metadata(path).is_ok());
    let Some(there) = there else { return Ok(folder) };
    let is_link = fs::symlink_metadata(there)?.is_symlink();
    match there.is_dir() {
        false if is_link && !there.exists() => Err(ReportError::LeadsNowhere(there.to_path_buf())),
        false => Err(ReportError::NoFolder(there.to_path_buf())),
        true if there == folder && (is_link || folder.file_name().is_none()) => Ok(fs::canonicalize(there)?),
        true => Ok(folder),
    }
}
