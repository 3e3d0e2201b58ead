//! A dataset on disk, which consists of `dataset.json`, `items.parquet` and `rejects.parquet`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cliptune_experiment::{ExperimentName, Split};

use crate::dataset_record::{DatasetRecord, TableHashes};
use crate::error::{Damage, StoreError};
use crate::identity::DATASET_FORMAT;
use crate::item::Item;
use crate::item_image::ItemImage;
use crate::parquet::{self, Table};
use crate::record::{read_record, write_record};
use crate::regular::{expect_hash, file_hash, is_absent};
use crate::reject::Reject;

const RECORD: &str = "dataset.json";
const ITEMS: &str = "items.parquet";
const REJECTS: &str = "rejects.parquet";

const ITEMS_TABLE: Table = Table {
    columns: &[
        ("item_id", "VARCHAR"),
        ("id", "VARCHAR"),
        ("ids", "VARCHAR[]"),
        ("group", "VARCHAR"),
        ("split", "VARCHAR"),
        ("image", "VARCHAR"),
        ("image_hash", "VARCHAR"),
        ("width", "INTEGER"),
        ("height", "INTEGER"),
        ("texts", "VARCHAR[]"),
        ("label", "INTEGER"),
        ("multiplicity", "INTEGER"),
        ("vocabulary", "VARCHAR[]"),
    ],
    order: &["group", "item_id", "split", "id"],
};

const REJECTS_TABLE: Table = Table {
    columns: &[
        ("side", "VARCHAR"),
        ("key", "VARCHAR"),
        ("join_key", "VARCHAR"),
        ("reason", "VARCHAR"),
        ("detail", "VARCHAR"),
    ],
    order: &["side", "reason", "key", "detail"],
};

/// A complete dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    folder: PathBuf,
    record: DatasetRecord,
}

/// An item together with the values that the file stores in addition to its fields.
#[derive(serde::Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    item: &'a Item,
    multiplicity: usize,
}

/// Writes the files of a dataset into a folder that is being staged. The record is written last.
pub fn write_dataset(
    folder: &Path,
    record: &DatasetRecord,
    items: &[Item],
    rejects: &[Reject],
) -> Result<(), StoreError> {
    let rows: Vec<Row<'_>> = items.iter().map(|item| Row { item, multiplicity: item.ids.len() }).collect();
    parquet::write(&folder.join(ITEMS), &ITEMS_TABLE, &rows)?;
    parquet::write(&folder.join(REJECTS), &REJECTS_TABLE, rejects)?;
    let tables =
        TableHashes { items: file_hash(&folder.join(ITEMS))?, rejects: file_hash(&folder.join(REJECTS))? };
    write_record(&folder.join(RECORD), &DatasetRecord { tables, ..record.clone() })
}

impl Dataset {
    pub(crate) fn open(folder: PathBuf) -> Result<Option<Self>, StoreError> {
        let path = folder.join(RECORD);
        if is_absent(&path) {
            return Ok(None);
        }
        Ok(Some(Self { record: read_record(&path, DATASET_FORMAT)?, folder }))
    }

    /// Returns the folder of the dataset.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the record, which says what the dataset is made from and what became of every image and row.
    pub fn record(&self) -> &DatasetRecord {
        &self.record
    }

    /// Reads the items of one split, or of all splits, ordered by group and identity.
    ///
    /// # Errors
    ///
    /// Returns an error when the table has changed since it was written, or when an item contradicts itself.
    pub fn items(&self, split: Option<Split>) -> Result<Vec<Item>, StoreError> {
        let path = self.intact(ITEMS, &self.record.tables.items)?;
        let items: Vec<Item> = parquet::read(&path, split.map(|split| ("split", split.as_str())))?;
        match items.iter().find_map(Item::flaw) {
            Some(flaw) => Err(StoreError::damaged(&path, Damage::Contradiction(flaw))),
            None => Ok(items),
        }
    }

    /// Checks that both tables are unchanged since they were written.
    ///
    /// # Errors
    ///
    /// Returns an error when a table is missing or has changed.
    pub fn verify(&self) -> Result<(), StoreError> {
        let TableHashes { items, rejects } = &self.record.tables;
        self.intact(ITEMS, items)?;
        self.intact(REJECTS, rejects)?;
        Ok(())
    }

    /// Returns the path of a table after checking that it is unchanged since it was written. Every reader goes
    /// through here.
    fn intact(&self, name: &str, written: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(name);
        expect_hash(&path, written)?;
        Ok(path)
    }

    /// Returns the path of an item's image file.
    pub fn image_path(&self, item: &Item) -> PathBuf {
        Path::new(&self.record.sources.images_folder).join(&item.image)
    }

    /// Returns the image of an item, ready to be read.
    pub fn image(&self, item: &Item) -> ItemImage {
        ItemImage::new(self.image_path(item), item.image_hash.clone())
    }

    /// Returns the content hashes of the images of one split, or of all splits. They tell whether two datasets share
    /// images.
    pub fn image_hashes(&self, split: Option<Split>) -> Result<BTreeSet<String>, StoreError> {
        Ok(self.items(split)?.into_iter().map(|item| item.image_hash).collect())
    }

    /// Returns the content hashes of the images that a training on this dataset sees. Weights are fitted to the train
    /// split and chosen by the validation split.
    pub fn trained_on(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut images = self.image_hashes(Some(Split::Train))?;
        images.extend(self.image_hashes(Some(Split::Validation))?);
        Ok(images)
    }

    /// Reads the images and rows that are in no item.
    pub fn rejects(&self) -> Result<Vec<Reject>, StoreError> {
        parquet::read(&self.intact(REJECTS, &self.record.tables.rejects)?, None)
    }

    /// Returns the path of the parquet file of the items, for queries.
    pub fn items_file(&self) -> PathBuf {
        self.folder.join(ITEMS)
    }

    /// Returns the path of the parquet file of the rejects, for queries.
    pub fn rejects_file(&self) -> PathBuf {
        self.folder.join(REJECTS)
    }

    /// Returns the same dataset with its images in another folder. A dataset is identified by its content, so moving
    /// the folder does not make a new dataset.
    #[must_use]
    pub fn with_images_folder(mut self, folder: &Path) -> Self {
        self.record.sources.images_folder = folder.to_string_lossy().into_owned();
        self
    }

    /// Records where the images are now, and adds the given experiments to those that use the dataset.
    pub fn adopt(self, folder: &Path, experiments: &[ExperimentName]) -> Result<Self, StoreError> {
        let mut adopted = self.clone().with_images_folder(folder);
        adopted.record.history.experiments.extend(experiments.iter().cloned());
        if adopted.record != self.record {
            write_record(&adopted.folder.join(RECORD), &adopted.record)?;
        }
        Ok(adopted)
    }
}
