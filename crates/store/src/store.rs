//! The root folder of the store, and the places of everything in it.

use std::path::{Path, PathBuf};

use cliptune_durable::StagedFolder;
use cliptune_experiment::{DataPlan, ExperimentName, RESERVED_NAMES};
use fs_err as fs;
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::any_run::AnyRun;
use crate::dataset::Dataset;
use crate::digests::cache_file;
use crate::error::StoreError;
use crate::foreign_run::{ForeignRun, is_named_so};
use crate::hold::settle;
use crate::inputs::Inputs;
use crate::inspections::Inspections;
use crate::reading::Reading;
use crate::regular::is_folder;
use crate::run::{Run, RunStatus};
use crate::run_record::RunRecord;
use crate::source_hashes::SourceHashes;

/// The number of hexadecimal digits of a dataset's hash in its folder's name.
pub(crate) const FOLDER_DIGITS: usize = 16;

/// A folder with datasets and runs. Opening it creates nothing.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// All runs of a store.
#[derive(Debug, Default)]
pub struct Listing {
    /// The runs that cliptune has made and that can be read, by experiment and then by age, the oldest first.
    pub runs: Vec<Run>,
    /// The runs that were imported, in the same order.
    pub foreign: Vec<ForeignRun>,
    /// The folders that should be runs but cannot be read, each with the error. One bad run never hides the others.
    pub damaged: Vec<(PathBuf, StoreError)>,
}

impl Listing {
    /// Returns all runs that can be read: those that cliptune has made, and then those that were imported.
    pub(crate) fn all(self) -> impl Iterator<Item = AnyRun> {
        let foreign = self.foreign.into_iter().map(AnyRun::from);
        self.runs.into_iter().map(AnyRun::from).chain(foreign)
    }
}

impl Store {
    /// Opens the store at a folder that may not exist yet.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let root = std::path::absolute(root).map_err(|error| {
            let said =
                format!("the working folder, which the store `{}` is in, is gone: {error}", root.display());
            std::io::Error::new(error.kind(), said)
        })?;
        if root.exists() && !root.is_dir() {
            let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(std::io::Error::new(error.kind(), format!("{error}: `{}`", root.display())).into());
        }
        Ok(Self { root })
    }

    /// Opens the store at a folder that has to be there.
    ///
    /// # Errors
    /// Returns an error when there is no such folder.
    pub fn existing(root: &Path) -> Result<Self, StoreError> {
        let store = Self::open(root)?;
        match store.root.is_dir() {
            true => Ok(store),
            false => Err(StoreError::NoStore { path: store.root }),
        }
    }

    /// Returns the store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder for everything that can be computed again: digests and decoded pixels.
    pub fn cache_folder(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Returns the folder of a report.
    pub fn report_folder(&self, name: &str) -> PathBuf {
        self.root.join("reports").join(name)
    }

    /// Reads the sources of a plan in their current state. Files that have not changed since the last call are not
    /// read again.
    ///
    /// Progress is in bytes (done, total), and is only reported when there is something to read.
    pub fn inputs(
        &self,
        plan: &DataPlan,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Inputs, StoreError> {
        self.inputs_by(plan, &Reading::quietly(on_progress))
    }

    /// Does the same in a given way.
    pub fn inputs_by(&self, plan: &DataPlan, reading: &Reading<'_>) -> Result<Inputs, StoreError> {
        Inputs::read(&self.cache_folder(), plan, reading)
    }

    /// Reads the hashes of the sources of a plan in their current state, as [`inputs`](Self::inputs) does, but makes nothing of images
    /// of which none has changed.
    ///
    /// # Errors
    ///
    /// Returns an error when a source is missing or cannot be read.
    pub fn source_hashes(
        &self,
        plan: &DataPlan,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<SourceHashes, StoreError> {
        SourceHashes::read(&self.cache_folder(), plan, on_progress)
    }

    /// Returns what is remembered about the contents of the images of a plan, as far as the plan has them examined.
    /// `check` names the inspection with everything else that its findings depend on, such as its version.
    pub fn inspections<T: Serialize + DeserializeOwned + Clone + PartialEq>(
        &self,
        plan: &DataPlan,
        check: &str,
    ) -> Inspections<T> {
        let subject = json!([check, plan.verify, plan.images]).to_string();
        Inspections::open(cache_file(&self.cache_folder(), "inspections", &subject))
    }

    /// Opens the dataset with the given hash, if it exists.
    pub fn dataset(&self, hash: &str) -> Result<Option<Dataset>, StoreError> {
        let dataset = Dataset::open(self.dataset_folder(hash))?;
        // The folder's name contains only the beginning of the hash.
        Ok(dataset.filter(|dataset| dataset.record().hash == hash))
    }

    /// Opens all datasets whose records can be read, in the order of their folders' names.
    pub fn datasets(&self) -> Result<Vec<Dataset>, StoreError> {
        Ok(self.datasets_and_damage()?.0)
    }

    /// Opens all datasets, in the order of their folders' names, and returns the errors about those that cannot be read.
    pub fn datasets_and_damage(&self) -> Result<(Vec<Dataset>, Vec<StoreError>), StoreError> {
        let (mut datasets, mut damage) = (Vec::new(), Vec::new());
        for folder in subfolders(&self.datasets_folder())? {
            match Dataset::open(folder) {
                Ok(found) => datasets.extend(found),
                Err(error) => damage.push(error),
            }
        }
        Ok((datasets, damage))
    }

    /// Stages the folder of a dataset, which gets its name when it is committed.
    pub fn stage_dataset(&self, hash: &str) -> Result<StagedFolder, StoreError> {
        Ok(StagedFolder::beside(&self.dataset_folder(hash))?)
    }

    /// Gives a staged dataset its name. If another process has made the dataset in the meantime, an intact one is
    /// kept and a damaged one is replaced.
    pub fn commit_dataset(&self, staged: StagedFolder, hash: &str) -> Result<PathBuf, StoreError> {
        match self.dataset(hash) {
            Ok(Some(there)) if there.verify().is_ok() => Ok(there.folder().to_path_buf()),
            // Such as what a newer cliptune has written.
            Err(error) if !error.is_damage() => Err(error),
            _ => Ok(staged.replace()?),
        }
    }

    /// Returns the folder of all datasets, which is also where they are staged.
    pub fn datasets_folder(&self) -> PathBuf {
        self.root.join("datasets")
    }

    pub(crate) fn dataset_folder(&self, hash: &str) -> PathBuf {
        self.datasets_folder().join(hash.get(..FOLDER_DIGITS).unwrap_or(hash))
    }

    /// Starts a run by making its folder, which no other process can share, with `run.json`, and locking it.
    ///
    /// When the name in the record is taken, the run gets a suffix (`-2`), also in its record.
    ///
    /// # Errors
    /// Returns an error when the experiment has the name that a run was imported by, or when nothing can be written.
    pub fn create_run(&self, mut record: RunRecord) -> Result<Run, StoreError> {
        let experiment = self.root.join(record.experiment.as_str());
        if let Some(foreign) = subfolders(&experiment)?.iter().find(|folder| is_named_so(folder)) {
            let by = self.id_of(foreign);
            return Err(StoreError::NameTaken { name: record.experiment.to_string(), by });
        }
        let name = record.run.clone();
        for attempt in 1_u32.. {
            if attempt > 1 {
                record.run = format!("{name}-{attempt}");
            }
            let folder = experiment.join(&record.run);
            if folder.exists() {
                continue;
            }
            // A run is never visible without its record, no matter when its process is killed.
            let staged = StagedFolder::beside(&folder)?;
            let run = Run::begin(staged.path(), folder.clone(), record.clone())?;
            if staged.try_claim()? {
                return Ok(run);
            }
        }
        Err(StoreError::in_use(&experiment.join(name)))
    }

    /// Lists all runs.
    pub fn runs(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for experiment in self.experiment_folders()? {
            list_runs(&experiment, &mut listing)?;
        }
        Ok(listing)
    }

    fn experiment_folders(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut folders = subfolders(&self.root)?;
        folders.retain(|folder| {
            !folder.file_name().is_some_and(|name| RESERVED_NAMES.iter().any(|kept| name == *kept))
        });
        Ok(folders)
    }

    /// Returns the folders of all runs without reading any of them, by experiment and then by name.
    pub fn run_folders(&self) -> Result<Vec<PathBuf>, StoreError> {
        let experiments = self.experiment_folders()?;
        let runs = experiments.par_iter().map(|experiment| subfolders(experiment));
        let runs: Vec<Vec<PathBuf>> = runs.collect::<Result<_, _>>()?;
        Ok(runs.into_iter().flatten().collect())
    }

    /// Opens the run in one of the folders of [`run_folders`](Self::run_folders).
    pub fn run_in(&self, folder: &Path) -> Result<Run, StoreError> {
        Run::open(folder.to_path_buf())
    }

    /// Lists the runs of one experiment.
    pub(crate) fn runs_of(&self, experiment: &ExperimentName) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        list_runs(&self.root.join(experiment.as_str()), &mut listing)?;
        Ok(listing)
    }

    /// Waits until it is known of each run of an experiment with the given key whether the host that writes it lives. Nobody knows
    /// that of another host at the first look. Whoever has the claim to the run's work waits for nothing but that.
    ///
    /// # Errors
    /// Returns an error when the runs or their claims cannot be read.
    pub fn settle_writers(&self, experiment: &ExperimentName, key: &str) -> Result<(), StoreError> {
        let runs = self.runs_of(experiment)?.runs;
        let mut written =
            runs.iter().filter(|run| run.record().key == key && run.status() == RunStatus::Running);
        written.try_for_each(|run| settle(run.folder()))
    }

    /// Returns the newest run of an experiment with the given key that ended before it was complete. It can be
    /// continued.
    pub fn find_unfinished(&self, experiment: &ExperimentName, key: &str) -> Result<Option<Run>, StoreError> {
        let mut runs = self.runs_of(experiment)?.runs;
        let is_unfinished = |status| !matches!(status, RunStatus::Done | RunStatus::Running);
        runs.retain(|run| run.record().key == key && is_unfinished(run.status()));
        Ok(runs.pop())
    }
}

fn list_runs(experiment: &Path, listing: &mut Listing) -> Result<(), StoreError> {
    let (mut runs, mut foreign) = (Vec::new(), Vec::new());
    for folder in subfolders(experiment)? {
        match AnyRun::open(folder.clone()) {
            Ok(AnyRun::Own(run)) => runs.push(*run),
            Ok(AnyRun::Foreign(run)) => foreign.push(*run),
            Err(error) => listing.damaged.push((folder, error)),
        }
    }
    runs.sort_by(|a, b| a.record().started.cmp(&b.record().started).then_with(|| a.folder().cmp(b.folder())));
    foreign.sort_by(|a, b| a.folder().cmp(b.folder()));
    listing.runs.append(&mut runs);
    listing.foreign.append(&mut foreign);
    Ok(())
}

/// Returns the folders in a folder, sorted, without those whose names start with a dot. If the folder does not exist, or is
/// none, there are none.
pub(crate) fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !is_folder(folder)? {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_symlink() && is_folder(&entry.path())? {
            folders.push(entry.path());
        }
    }
    // Their paths differ in the last part alone, so that their bytes have the order of their parts, and are compared sooner.
    folders.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn folders_are_listed_through_links_unless_these_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["b", ".hidden"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::write(at("file"), "").unwrap();
        for (target, link) in [
            ("b", "a"),
            ("file", "to-a-file"),
            ("nowhere", "dangling"),
            ("loop", "loop"),
            ("file/below", "below"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        assert_eq!(subfolders(root.path()).unwrap(), ["a", "b"].map(at));
        assert!(subfolders(&at("missing")).unwrap().is_empty());
    }
}
