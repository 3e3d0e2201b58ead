//! A dataset on disk, which consists of `dataset.json`, `items.parquet` and `rejects.parquet`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cliptune_durable::StagedFolder;
use cliptune_experiment::{DataPlan, ExperimentName, Split};

use crate::dataset_record::{DatasetRecord, TableHashes};
use crate::dataset_tables::{ITEMS_FILE, REJECTS_FILE, write_items, write_rejects};
use crate::error::StoreError;
use crate::image_identity::ImageIdentity;
use crate::item::Item;
use crate::item_rows;
use crate::items::{ItemRef, Items, Part};
use crate::parquet::{self, open_database};
use crate::paths::Paths;
use crate::read_items::read_items;
use crate::regular::{expect_hash, is_absent};
use crate::reject::Reject;

pub(crate) const RECORD: &str = "dataset.json";

/// A complete dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    folder: PathBuf,
    record: DatasetRecord,
}

/// Completes a dataset that is being staged: writes the record, after the tables whose hashes it has. The disk is not waited for,
/// which the folder does before it gets its name.
///
/// # Errors
///
/// Returns an error when the record cannot be written.
pub fn write_dataset(staged: &StagedFolder, record: &DatasetRecord) -> Result<(), StoreError> {
    Paths::around(staged.path()).stage(&staged.path().join(RECORD), record)
}

/// Writes a dataset of items and rejects that are in memory into the folder that it is staged in.
///
/// # Errors
///
/// Returns an error when a file cannot be written.
pub fn write_dataset_rows(
    staged: &StagedFolder,
    record: &DatasetRecord,
    items: &[Item],
    rejects: &[Reject],
) -> Result<(), StoreError> {
    let folder = staged.path();
    let failed = |source| StoreError::Table { action: "write", path: folder.join(ITEMS_FILE), source };
    let database = open_database().map_err(failed)?;
    item_rows::load(&database, items, rejects).map_err(failed)?;
    let [items, rejects] = item_rows::queries();
    let tables = TableHashes {
        items: write_items(folder, &database, &items)?,
        rejects: write_rejects(folder, &database, &rejects)?,
    };
    write_dataset(staged, &DatasetRecord { tables, ..record.clone() })
}

impl Dataset {
    pub(crate) fn open(folder: PathBuf) -> Result<Option<Self>, StoreError> {
        let path = folder.join(RECORD);
        if is_absent(&path) {
            return Ok(None);
        }
        Ok(Some(Self { record: Paths::around(&folder).read(&path)?, folder }))
    }

    /// Returns the folder of the dataset.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the record, which says what the dataset is made from and what became of every image and row.
    pub fn record(&self) -> &DatasetRecord {
        &self.record
    }

    /// Reads some parts of the items of some splits, in the order of these splits. Within a split, items are ordered by
    /// group and identity.
    ///
    /// # Errors
    ///
    /// Returns an error when the table has changed since it was written, or when an item contradicts itself.
    pub fn columns(&self, splits: &[Split], parts: &[Part]) -> Result<Items, StoreError> {
        let path = self.intact(ITEMS_FILE, &self.record.tables.items)?;
        let folders = self.record.sources.images_folders.iter().map(PathBuf::from).collect();
        read_items(&path, splits, parts, self.record.classes.len(), folders)
    }

    /// Reads the items of one split, or of all splits, one by one. Each of them takes the memory of all of its texts, so
    /// that only small datasets should be read in this way.
    ///
    /// # Errors
    ///
    /// Returns an error when the table has changed since it was written, or when an item contradicts itself.
    pub fn items(&self, split: Option<Split>) -> Result<Vec<Item>, StoreError> {
        let items = match split {
            Some(split) => self.columns(&[split], &Part::ALL)?,
            None => self.columns(&Split::ALL, &Part::ALL)?,
        };
        Ok(items.all().iter().map(ItemRef::to_item).collect())
    }

    /// Checks that both tables are unchanged since they were written.
    ///
    /// # Errors
    ///
    /// Returns an error when a table is missing or has changed.
    pub fn verify(&self) -> Result<(), StoreError> {
        let TableHashes { items, rejects } = &self.record.tables;
        self.intact(ITEMS_FILE, items)?;
        self.intact(REJECTS_FILE, rejects)?;
        Ok(())
    }

    /// Returns the errors about tables that are missing or have changed.
    pub(crate) fn verify_each(&self) -> Vec<StoreError> {
        let TableHashes { items, rejects } = &self.record.tables;
        let tables = [self.intact(ITEMS_FILE, items), self.intact(REJECTS_FILE, rejects)];
        tables.into_iter().filter_map(Result::err).collect()
    }

    /// Returns the path of a table after checking that it is unchanged since it was written. Every reader goes
    /// through here.
    fn intact(&self, name: &str, written: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(name);
        expect_hash(&path, written)?;
        Ok(path)
    }

    /// Returns the paths of the items and of the rejects, for queries, after checking that both are unchanged.
    ///
    /// # Errors
    ///
    /// Returns an error when a table is missing or has changed.
    pub fn verified_tables(&self) -> Result<[PathBuf; 2], StoreError> {
        self.verify()?;
        Ok([self.items_file(), self.rejects_file()])
    }

    /// Returns the path of an item's image file.
    pub fn image_path(&self, item: &Item) -> PathBuf {
        let folder = self.record.sources.images_folders.get(item.folder as usize);
        Path::new(folder.map_or("", String::as_str)).join(&item.image)
    }

    /// Returns what the images of one split, or of all splits, are known by. It tells whether two datasets share
    /// images.
    pub fn image_hashes(&self, split: Option<Split>) -> Result<BTreeSet<ImageIdentity>, StoreError> {
        let splits = split.map_or(Split::ALL.to_vec(), |split| vec![split]);
        Ok(self.columns(&splits, &[Part::Image])?.identities().collect())
    }

    /// Returns what the images that a training on this dataset sees are known by. Weights are fitted to the train
    /// split and chosen by the validation split.
    pub fn trained_on(&self) -> Result<BTreeSet<ImageIdentity>, StoreError> {
        Ok(self.columns(&[Split::Train, Split::Validation], &[Part::Image])?.identities().collect())
    }

    /// Reads the rows that were refused and the images that no row can use.
    pub fn rejects(&self) -> Result<Vec<Reject>, StoreError> {
        parquet::read(&self.intact(REJECTS_FILE, &self.record.tables.rejects)?)
    }

    /// Returns the path of the parquet file of the items, for queries.
    pub fn items_file(&self) -> PathBuf {
        self.folder.join(ITEMS_FILE)
    }

    /// Returns the path of the parquet file of the rejects, for queries.
    pub fn rejects_file(&self) -> PathBuf {
        self.folder.join(REJECTS_FILE)
    }

    /// Returns the same dataset with its images in other folders. A dataset is identified by its content, so moving
    /// a folder does not make a new dataset.
    #[must_use]
    pub fn with_images_folders(mut self, folders: &[PathBuf]) -> Self {
        let folders = folders.iter().map(|folder| folder.to_string_lossy().into_owned());
        self.record.sources.images_folders = folders.collect();
        self
    }

    /// Records where the sources are now, and adds the given experiments to those that use the dataset.
    pub fn adopt(
        self,
        plan: &DataPlan,
        folders: &[PathBuf],
        experiments: &[ExperimentName],
    ) -> Result<Self, StoreError> {
        let mut adopted = self.clone().with_images_folders(folders);
        // One folder can be named in several ways, and experiments that share a dataset need not agree.
        if adopted.record.sources != self.record.sources {
            adopted.record.plan.images.clone_from(&plan.images);
        }
        adopted.record.plan.metadata.clone_from(&plan.metadata);
        adopted.record.history.experiments.extend(experiments.iter().cloned());
        if adopted.record != self.record {
            Paths::around(&adopted.folder).write(&adopted.folder.join(RECORD), &adopted.record)?;
        }
        Ok(adopted)
    }
}
