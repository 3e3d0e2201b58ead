//! What depends on what in a store: runs on runs, soups and datasets, reports on runs, datasets on datasets.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use cliptune_experiment::ModelSource;
use fs_err as fs;
use serde::Serialize;
use serde_json::Value;

use crate::dataset::Dataset;
use crate::error::StoreError;
use crate::foreign_run::ForeignRun;
use crate::origin::Origin;
use crate::regular::read_file;
use crate::run::Run;
use crate::run_record::Base;
use crate::store::{Store, subfolders};

/// Everything that depends on a run or on a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dependents {
    /// The runs that started from the run's model, or that used the dataset.
    pub runs: Vec<String>,
    /// The soups that the run's model is in, as far as a run started from them.
    pub soups: Vec<Soup>,
    /// The datasets that keep the splits of the dataset.
    pub datasets: Vec<String>,
    /// The reports that show the run. They stay as they are until they are made again.
    pub reports: Vec<String>,
}

/// A soup that a run started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Soup {
    /// The model folder.
    pub folder: PathBuf,
    /// The run that started from it.
    pub run: String,
}

/// The runs of a store, and what each of them was made from.
#[derive(Debug)]
pub struct Family<'a> {
    root: &'a Path,
    runs: &'a [Run],
    made_from: Vec<Vec<Parent>>,
}

/// A run that another run was made from.
#[derive(Debug)]
struct Parent {
    run: String,
    /// The model folder that it is averaged in, where it is not itself what was started from.
    soup: Option<PathBuf>,
}

impl<'a> Family<'a> {
    /// Looks up what each of the runs of a store was made from.
    pub fn of(store: &'a Store, runs: &'a [Run]) -> Self {
        let mut by_key: HashMap<&str, Vec<String>> = HashMap::new();
        for run in runs {
            by_key.entry(&run.record().key).or_default().push(run.id());
        }
        let root = store.root();
        let made_from = runs.iter().map(|run| parents(root, run, &by_key)).collect();
        Self { root, runs, made_from }
    }

    /// Returns what depends on a run.
    ///
    /// # Errors
    ///
    /// Returns an error when the reports cannot be listed.
    pub fn dependents(&self, run: &Run) -> Result<Dependents, StoreError> {
        self.dependents_of(&run.id())
    }

    /// Returns what depends on the run with this name, as far as the records of the others tell. Its own need not be readable.
    ///
    /// # Errors
    ///
    /// Returns an error when the reports cannot be listed.
    pub fn dependents_of(&self, id: &str) -> Result<Dependents, StoreError> {
        let mut found = Dependents { reports: reports(self.root, id)?, ..Dependents::default() };
        for (child, parents) in self.runs.iter().zip(&self.made_from) {
            match parents.iter().find(|parent| parent.run == id).map(|parent| &parent.soup) {
                Some(None) => found.runs.push(child.id()),
                Some(Some(folder)) => found.soups.push(Soup { folder: folder.clone(), run: child.id() }),
                None => {}
            }
        }
        Ok(found)
    }

    /// Returns the runs with these names and all that they were made from, however far back.
    pub fn with_ancestors(&self, ids: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let places: HashMap<String, usize> =
            self.runs.iter().enumerate().map(|(at, run)| (run.id(), at)).collect();
        let mut needed = BTreeSet::new();
        let mut waiting: Vec<String> = ids.into_iter().collect();
        while let Some(id) = waiting.pop() {
            let parents = places.get(&id).and_then(|at| self.made_from.get(*at));
            if needed.insert(id) {
                waiting.extend(parents.into_iter().flatten().map(|parent| parent.run.clone()));
            }
        }
        needed
    }

    /// Returns everything that the runs with these names were made from, without these runs themselves, unless one of
    /// them was made from another.
    pub fn ancestors(&self, ids: &BTreeSet<String>) -> BTreeSet<String> {
        let made = self.runs.iter().zip(&self.made_from).filter(|(run, _)| ids.contains(&run.id()));
        self.with_ancestors(made.flat_map(|(_, parents)| parents).map(|parent| parent.run.clone()))
    }

    /// Returns the name of the run that a path leads into, if there is one.
    pub fn run_at(&self, path: &Path) -> Option<String> {
        run_at(self.root, path).filter(|id| self.runs.iter().any(|run| run.id() == *id))
    }

    /// Returns what a dataset is used by: runs that were trained or scored on it, or whose starting weights were, imported runs
    /// that answer its items, and datasets that keep its splits.
    ///
    /// # Errors
    ///
    /// Returns an error when the datasets cannot be listed.
    pub fn dependents_of_dataset(&self, store: &Store, hash: &str) -> Result<Dependents, StoreError> {
        let uses = |run: &&Run| {
            let record = run.record();
            record.dataset == hash || record.lineage.iter().any(|seen| seen == hash)
        };
        let follows = |dataset: &&Dataset| {
            dataset.record().history.continues.as_deref() == Some(hash) && dataset.record().hash != hash
        };
        let foreign = store.runs()?.foreign;
        let foreign = foreign.iter().filter(|run| run.record().dataset.as_deref() == Some(hash));
        Ok(Dependents {
            runs: self.runs.iter().filter(uses).map(Run::id).chain(foreign.map(ForeignRun::id)).collect(),
            datasets: store.datasets()?.iter().filter(follows).map(|one| one.record().hash.clone()).collect(),
            ..Dependents::default()
        })
    }
}

/// Returns the runs that a run was made from.
fn parents(root: &Path, run: &Run, by_key: &HashMap<&str, Vec<String>>) -> Vec<Parent> {
    let itself = |run: String| Parent { run, soup: None };
    let record = run.record();
    let mut parents = Vec::new();
    if let Base::Run { run: base, key } = &record.base {
        let same = by_key.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
        // A run that was trained again has another name, and the same weights. Where there is none, what was started from
        // cannot be read, or is gone.
        match same.contains(base) || same.is_empty() {
            true => parents.push(itself(base.clone())),
            false => parents.extend(same.iter().cloned().map(itself)),
        }
    }
    if let ModelSource::Folder(folder) = &record.plan.model.from {
        parents.extend(run_at(root, folder).map(itself));
        // What a damaged record of a soup would say is unknown; the soup itself does not need its runs.
        let averaged = Origin::read(folder).ok().flatten().map(|origin| origin.runs).unwrap_or_default();
        parents.extend(averaged.into_iter().map(|run| Parent { run, soup: Some(folder.clone()) }));
    }
    parents.retain(|parent| parent.run != run.id());
    parents
}

/// Returns the name of the run that a path leads into.
fn run_at(root: &Path, path: &Path) -> Option<String> {
    let below = |path: &Path, root: &Path| -> Option<String> {
        let mut names = path.strip_prefix(root).ok()?.iter();
        let (experiment, run) = (names.next()?.to_str()?, names.next()?.to_str()?);
        Some(format!("{experiment}/{run}"))
    };
    let real = || below(&fs::canonicalize(path).ok()?, &fs::canonicalize(root).ok()?);
    below(path, root).or_else(real)
}

/// Returns the names of the reports that show a run. What is no report that can be read shows none.
fn reports(root: &Path, id: &str) -> Result<Vec<String>, StoreError> {
    let folders = subfolders(&root.join("reports"))?;
    let showing = folders.into_iter().filter(|folder| shows(folder, id));
    Ok(showing
        .filter_map(|folder| folder.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect())
}

fn shows(report: &Path, id: &str) -> bool {
    let Some((experiment, run)) = id.split_once('/') else { return false };
    let Ok(text) = read_file(&report.join("report.json")) else { return false };
    let Ok(report) = serde_json::from_slice::<Value>(&text) else { return false };
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let own = |entry: &Value| entry["experiment"] == experiment;
    if list(&report, "foreign").iter().any(|shown| shown["run"] == id) {
        return true;
    }
    let entries = list(&report, "experiments");
    entries
        .iter()
        .filter(|entry| own(entry))
        .any(|entry| list(entry, "runs").iter().any(|shown| shown["run"] == run))
}
