//! Runs that were imported. Such a run has a record of its own and perhaps scores, and never a model: nothing can train it, go on
//! with it or start from it, because it is no [`Run`](crate::Run).

use std::path::{Path, PathBuf};

use cliptune_durable::StagedFolder;
use cliptune_experiment::{ExperimentName, Split};

use crate::any_run::Listed as _;
use crate::dataset::Dataset;
use crate::error::{Damage, StoreError};
use crate::foreign_record::{FOREIGN_FORMAT, ForeignRecord};
use crate::items::ItemSlice;
use crate::looks;
use crate::prediction::Prediction;
use crate::record::{read_record, stage_record};
use crate::regular::is_absent;
use crate::run::to_the_second;
use crate::score_record::Scores;
use crate::scores::{FOLDER as SCORES, write_scores_into};
use crate::standings::unless_damaged;
use crate::store::{Store, subfolders};

/// The name of the record.
pub(crate) const RECORD: &str = "foreign.json";

/// What the names of the folders of imported runs end with.
const SUFFIX: &str = "-foreign";

/// A run that was imported.
#[derive(Clone, Debug)]
pub struct ForeignRun {
    folder: PathBuf,
    record: ForeignRecord,
}

impl ForeignRun {
    /// Checks whether a folder that has no record of a run of cliptune's holds one that was imported. One that has lost its record
    /// still has the name of its folder.
    pub(crate) fn is_at(folder: &Path) -> bool {
        is_named_so(folder) || !is_absent(&folder.join(RECORD))
    }

    pub(crate) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        let path = folder.join(RECORD);
        if is_absent(&path) {
            return Err(StoreError::damaged(&path, Damage::Missing));
        }
        Ok(Self { record: read_record(&path, FOREIGN_FORMAT)?, folder })
    }

    /// Returns the run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the run's record.
    pub fn record(&self) -> &ForeignRecord {
        &self.record
    }

    /// Returns the run's name in the store, `<name>/<run>`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.record.name, self.record.run)
    }

    /// Returns what the run was imported from, with the version where it is told: `mlflow 3.4.0`.
    pub fn origin(&self) -> String {
        match &self.record.tool_version {
            Some(version) => format!("{} {version}", self.record.tool),
            None => self.record.tool.to_string(),
        }
    }
}

/// An imported run that is being made. Dropping it removes it.
#[derive(Debug)]
pub struct StagedForeign {
    staged: StagedFolder,
    folder: PathBuf,
    record: ForeignRecord,
    is_tested: bool,
}

/// What became of an imported run.
#[derive(Debug)]
pub enum Published {
    /// It is in the store now.
    New(ForeignRun),
    /// The same was imported before, and nothing was added.
    There(ForeignRun),
}

/// Returns the name of the folder of a run that is imported now, from the time and the identity of what is imported.
pub fn foreign_name(imported: &str, content: &str) -> String {
    format!("{}-{}{SUFFIX}", to_the_second(imported), content.get(..6).unwrap_or(content))
}

impl Store {
    /// Begins to make an imported run.
    ///
    /// # Errors
    /// Returns an error when nothing can be written into the store.
    pub fn stage_foreign(&self, record: ForeignRecord) -> Result<StagedForeign, StoreError> {
        let folder = self.root().join(record.name.as_str()).join(&record.run);
        let staged = StagedFolder::beside(&folder)?;
        stage_record(&staged.path().join(RECORD), &record)?;
        Ok(StagedForeign { staged, folder, record, is_tested: false })
    }

    /// Writes the scores of a split of an imported run again, in place of those that are damaged or of an earlier procedure.
    ///
    /// # Errors
    /// Returns an error when the run was removed meanwhile, or when something cannot be written.
    pub fn rescore_foreign(
        &self,
        run: &ForeignRun,
        scores: &Scores,
        predictions: &[Prediction],
        items: ItemSlice<'_>,
    ) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        if is_absent(&run.folder.join(RECORD)) {
            return Err(StoreError::Gone { path: run.folder.clone() });
        }
        let staged = StagedFolder::beside(&run.scores_folder(scores.split))?;
        write_scores_into(staged.path(), scores, predictions, items)?;
        if scores.split == Split::Test {
            looks::record_foreign(self.root(), run)?;
        }
        staged.replace()?;
        Ok(())
    }

    /// Returns the imported run that has this identity, if there is one.
    ///
    /// # Errors
    /// Returns an error when the store cannot be listed.
    pub fn foreign_with(&self, content: &str) -> Result<Option<ForeignRun>, StoreError> {
        Ok(all(self)?.into_iter().find(|run| run.record.content == content))
    }

    /// Makes sure that a name means nothing yet, so that a run can be imported by it.
    ///
    /// # Errors
    /// Returns an error when it is the name of an experiment or of another run, or when the store cannot be listed.
    pub fn expect_free(&self, name: &ExperimentName) -> Result<(), StoreError> {
        // Runs that cannot be read keep the name of their experiment; what a killed import has left keeps none.
        let has_runs = !subfolders(&self.root().join(name.as_str()))?.is_empty();
        let of_folder = || has_runs.then(|| format!("the experiment {name}"));
        match self.meaning_of(name.as_str(), None)?.or_else(of_folder) {
            Some(by) => Err(StoreError::NameTaken { name: name.to_string(), by }),
            None => Ok(()),
        }
    }
}

/// Checks whether a folder has a name that only imported runs have.
pub(crate) fn is_named_so(folder: &Path) -> bool {
    folder.as_os_str().as_encoded_bytes().ends_with(SUFFIX.as_bytes())
}

/// Returns the imported runs of the store that some datasets lie in that are to be shown beside an experiment, as their records say.
/// Those whose records are damaged, or of a newer cliptune, are left out: whoever lists runs names them.
///
/// # Errors
/// Returns an error when the store cannot be listed or a record cannot be read.
pub fn imported_beside<'d>(
    datasets: impl IntoIterator<Item = &'d Dataset>,
    is_beside: impl Fn(&ExperimentName) -> bool,
) -> Result<Vec<ForeignRun>, StoreError> {
    let Some(root) = datasets.into_iter().find_map(|dataset| dataset.folder().parent()?.parent()) else {
        return Ok(Vec::new());
    };
    let mut found = all(&Store::open(root)?)?;
    found.retain(|run| run.record.experiment.as_ref().is_some_and(&is_beside));
    Ok(found)
}

/// Returns the imported runs of a store whose records this program can make sense of. Only their folders are read: a store may have
/// thousands of others.
fn all(store: &Store) -> Result<Vec<ForeignRun>, StoreError> {
    let mut found = Vec::new();
    for folder in store.run_folders()?.into_iter().filter(|folder| is_named_so(folder)) {
        match unless_damaged(ForeignRun::open(folder).map(Some)) {
            // That of a newer cliptune is no reason to import or to report nothing.
            Err(StoreError::Version { .. }) => {}
            read => found.extend(read?),
        }
    }
    Ok(found)
}

impl StagedForeign {
    /// Writes the scores of a split, which were computed from the predictions. `items` are those of the split.
    ///
    /// # Errors
    /// Returns an error when something cannot be written.
    pub fn write_scores(
        &mut self,
        scores: &Scores,
        predictions: &[Prediction],
        items: ItemSlice<'_>,
    ) -> Result<(), StoreError> {
        let folder = self.staged.path().join(SCORES).join(scores.split.as_str());
        fs_err::create_dir_all(&folder)?;
        self.is_tested |= scores.split == Split::Test;
        write_scores_into(&folder, scores, predictions, items)
    }

    /// Gives the run its place in the store, as a whole, unless the same is there already.
    ///
    /// # Errors
    /// Returns an error when the name has come to mean something else, or when something cannot be written.
    pub fn publish(self, store: &Store) -> Result<Published, StoreError> {
        let _lock = store.lock()?;
        if let Some(there) = store.foreign_with(&self.record.content)? {
            return Ok(Published::There(there));
        }
        store.expect_free(&self.record.name)?;
        let run = ForeignRun { folder: self.folder, record: self.record };
        if self.is_tested {
            looks::record_foreign(store.root(), &run)?;
        }
        self.staged.claim()?;
        Ok(Published::New(run))
    }
}
