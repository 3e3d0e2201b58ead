//! Rewrites the paths in records after data has moved, once it is certain that the same data lies in the new place.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, ModelSource, TableFormat, TableSource};
use serde::Serialize;

use crate::dataset::RECORD as DATASET;
use crate::dataset_record::{DatasetRecord, Sources};
use crate::error::StoreError;
use crate::hold::lock;
use crate::lock::StoreLock;
use crate::paths::{Paths, Placed};
use crate::regular::is_absent;
use crate::run::{RECORD as RUN, Run};
use crate::run_record::{Base, RunRecord};
use crate::store::{Store, subfolders};

/// A record with the paths that change in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Relocated {
    /// The file of the record, below the store.
    pub record: String,
    /// Each path that changes, with the one that takes its place.
    pub paths: Vec<[PathBuf; 2]>,
}

/// The records that name paths below a folder that has moved.
#[derive(Debug)]
pub struct Relocation {
    runs: Vec<Change<RunRecord>>,
    datasets: Vec<Change<DatasetRecord>>,
    /// The records that cannot be read, and therefore stay as they are.
    pub damage: Vec<StoreError>,
}

/// A record before and after its paths change.
#[derive(Debug)]
struct Change<T> {
    file: PathBuf,
    before: T,
    after: T,
    relocated: Relocated,
}

/// A folder that has moved.
struct Moved<'a> {
    from: &'a Path,
    to: &'a Path,
}

impl Moved<'_> {
    fn applied(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(self.from).ok()?;
        Some(if below.as_os_str().is_empty() { self.to.to_path_buf() } else { self.to.join(below) })
    }

    /// Returns the change of a record, if there is one.
    fn change<T: Placed>(&self, store: &Store, file: PathBuf) -> Result<Option<Change<T>>, StoreError> {
        let before: T = Paths::of(store.root()).read(&file)?;
        let mut after = before.clone();
        let paths = std::cell::RefCell::new(Vec::new());
        after.replace_paths(&|path| match self.applied(path) {
            Some(new) => {
                let pair = [path.to_path_buf(), new.clone()];
                let mut paths = paths.borrow_mut();
                if !paths.contains(&pair) {
                    paths.push(pair);
                }
                new
            }
            None => path.to_path_buf(),
        });
        let paths = paths.into_inner();
        let record = file.strip_prefix(store.root()).unwrap_or(&file).display().to_string();
        let relocated = Relocated { record, paths };
        Ok((!relocated.paths.is_empty()).then_some(Change { file, before, after, relocated }))
    }
}

impl Store {
    /// Finds the records, those in the trash included, that name paths below a folder.
    ///
    /// # Errors
    /// Returns an error when the store cannot be listed.
    pub fn relocation(&self, from: &Path, to: &Path) -> Result<Relocation, StoreError> {
        let moved = Moved { from, to };
        let mut found = Relocation { runs: Vec::new(), datasets: Vec::new(), damage: Vec::new() };
        let removed = subfolders(&self.trash_folder())?.into_iter().map(|entry| entry.join("content"));
        let removed: Vec<PathBuf> = removed.collect();
        for folder in self.run_folders()?.iter().chain(&removed) {
            found.runs.extend(look(&moved, self, folder.join(RUN), &mut found.damage));
        }
        for folder in subfolders(&self.datasets_folder())?.iter().chain(&removed) {
            found.datasets.extend(look(&moved, self, folder.join(DATASET), &mut found.damage));
        }
        Ok(found)
    }
}

fn look<T: Placed>(
    moved: &Moved<'_>,
    store: &Store,
    file: PathBuf,
    damage: &mut Vec<StoreError>,
) -> Option<Change<T>> {
    if is_absent(&file) {
        return None;
    }
    moved.change(store, file).unwrap_or_else(|error| {
        damage.push(error);
        None
    })
}

impl Relocation {
    /// Returns the records that change, with their paths.
    pub fn records(&self) -> Vec<&Relocated> {
        let datasets = self.datasets.iter().map(|change| &change.relocated);
        datasets.chain(self.runs.iter().map(|change| &change.relocated)).collect()
    }

    /// Makes sure that what the records would name is, by its content, what they were made from. Progress is in bytes.
    ///
    /// # Errors
    /// Returns an error when something in the new place is missing or another.
    pub fn verify(&self, store: &Store, on_progress: &(dyn Fn(u64, u64) + Sync)) -> Result<(), StoreError> {
        let mut verified = HashSet::new();
        for Change { before, after, .. } in &self.datasets {
            let parts = Parts::of(
                &before.plan,
                &after.plan,
                before.sources.images_folders != after.sources.images_folders,
            );
            if verified.insert(parts.subject(&after.plan, &after.hash)) {
                parts.verify(store, &after.plan, &after.sources, on_progress)?;
            }
        }
        for Change { before, after, .. } in &self.runs {
            let (before_data, data) = (&before.plan.data, &after.plan.data);
            let parts = Parts::of(before_data, data, false);
            if parts.any() && verified.insert(parts.subject(data, &after.dataset)) {
                match self.sources(store, &after.dataset)? {
                    Some(sources) => parts.verify(store, data, &sources, on_progress)?,
                    None => verify_whole(store, after, on_progress)?,
                }
            }
            if before.plan.model.from != after.plan.model.from {
                verify_model(store, after)?;
            }
        }
        Ok(())
    }

    /// Returns what the sources of a dataset were, wherever its record is.
    fn sources(&self, store: &Store, hash: &str) -> Result<Option<Sources>, StoreError> {
        let changing = self.datasets.iter().find(|change| change.after.hash == hash);
        match changing {
            Some(change) => Ok(Some(change.after.sources.clone())),
            None => Ok(store.dataset(hash)?.map(|dataset| dataset.record().sources.clone())),
        }
    }

    /// Rewrites the records, one after the other. A process that is killed in between leaves each of them as it was or as
    /// it is to be, and the rest for the next time.
    ///
    /// # Errors
    /// Returns an error when a process writes one of the runs, or when a record cannot be written.
    pub fn apply(self, store: &Store, _: &StoreLock) -> Result<(), StoreError> {
        let paths = Paths::of(store.root());
        for change in &self.datasets {
            change.apply(&paths)?;
        }
        for change in &self.runs {
            let folder = change.file.parent().unwrap_or(&change.file);
            let _held = lock(folder)?;
            change.apply(&paths)?;
        }
        Ok(())
    }
}

impl<T: Placed + PartialEq> Change<T> {
    fn apply(&self, paths: &Paths) -> Result<(), StoreError> {
        match paths.read::<T>(&self.file)? == self.before {
            true => paths.write(&self.file, &self.after),
            // Somebody has changed the record since it was looked at.
            false => Err(StoreError::in_use(&self.file)),
        }
    }
}

/// The parts of a plan's sources that have moved.
struct Parts {
    images: bool,
    table: bool,
}

impl Parts {
    fn of(before: &DataPlan, after: &DataPlan, folders: bool) -> Self {
        let (images, table) = (before.images != after.images || folders, before.metadata != after.metadata);
        // A table that lies with the images moves with them.
        Self { images, table: table || (images && after.metadata.format == TableFormat::Beside) }
    }

    fn any(&self) -> bool {
        self.images || self.table
    }

    /// Returns what is verified once, however many records name it.
    fn subject(&self, plan: &DataPlan, dataset: &str) -> String {
        serde_json::json!([plan.images, plan.metadata, dataset, self.images, self.table]).to_string()
    }

    /// Reads the parts that have moved and compares them with what a dataset was made from. Others may be away.
    fn verify(
        &self,
        store: &Store,
        plan: &DataPlan,
        sources: &Sources,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), StoreError> {
        let mut moved = plan.clone();
        if plan.metadata.format != TableFormat::Beside {
            if !self.images {
                moved.images.clear();
            }
            if !self.table {
                moved.metadata = TableSource { locations: Vec::new(), format: TableFormat::Csv, table: None };
            }
        }
        let found = store.source_hashes(&moved, on_progress)?;
        if self.images && found.images_hash != sources.images_hash {
            return Err(other("the images", plan.images.iter().map(ToString::to_string)));
        }
        if self.table && found.table_hash != sources.table_hash {
            return Err(other("the table", plan.metadata.locations.iter().map(ToString::to_string)));
        }
        Ok(())
    }
}

/// Verifies the sources of a run whose dataset is not in the store: all of them together make its hash.
fn verify_whole(
    store: &Store,
    record: &RunRecord,
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), StoreError> {
    let data = &record.plan.data;
    match store.source_hashes(data, on_progress)?.dataset_hash(data) == record.dataset {
        true => Ok(()),
        false => Err(other("the sources", data.images.iter().map(ToString::to_string))),
    }
}

fn verify_model(store: &Store, record: &RunRecord) -> Result<(), StoreError> {
    let (ModelSource::Folder(folder), Base::Folder { hash }) = (&record.plan.model.from, &record.base) else {
        return Ok(());
    };
    let folder = Run::open(folder.clone()).map_or_else(|_| folder.clone(), |run| run.model_folder());
    match store.model_hash(&folder)? == *hash {
        true => Ok(()),
        false => Err(other("the model", [folder.display().to_string()].into_iter())),
    }
}

fn other(what: &'static str, places: impl Iterator<Item = String>) -> StoreError {
    StoreError::OtherContent { what, place: places.collect::<Vec<_>>().join(", ") }
}
