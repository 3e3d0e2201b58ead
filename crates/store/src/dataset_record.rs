//! `dataset.json`: what a dataset is made from and what became of every image and row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cliptune_experiment::{DataPlan, ExperimentName, Join, LabelReading, Split, TaskKind};
use cliptune_terminal::format::{count, counted};
use serde::{Deserialize, Serialize};

/// The record of one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// The version of this record and of the ingest procedure.
    pub format_version: u32,
    /// BLAKE3 over the recipe, the contents of all sources and [`History::continues`]; the folder's name begins with it.
    pub hash: String,
    /// The kind of items.
    pub task: TaskKind,
    /// The classes that every item's label counts, in order, where items have no texts of their own. Empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The data part of the plan that the dataset was made for.
    pub plan: DataPlan,
    /// The contents of the sources.
    pub sources: Sources,
    /// Anything about how the sources were read that a user should know.
    #[serde(default)]
    pub notes: SourceNotes,
    /// The counts of both sides of the join.
    pub join: JoinCounts,
    /// The number of images and rows that were left out, by reason.
    pub rejects: BTreeMap<String, u64>,
    /// The counts of what became of the joined rows.
    pub items: ItemCounts,
    /// The items, groups, images and components of each split, in the order train, validation, test.
    pub splits: BTreeMap<String, SplitCounts>,
    /// What crosses splits. Of a split by component, at most images that look alike do.
    pub leaks: Leaks,
    /// The datasets that came before this one, and what has changed since.
    #[serde(default)]
    pub history: History,
    /// The hashes that the tables had when they were written.
    #[serde(default)]
    pub tables: TableHashes,
}

impl DatasetRecord {
    /// Checks whether it is known which images look alike.
    pub fn knows_near_duplicates(&self) -> bool {
        self.plan.verify.sees_pixels()
    }
}

/// The BLAKE3 of each table beside the record, in 64 hexadecimal digits. Every reader of a table compares the hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHashes {
    /// The hash of `items.parquet`.
    pub items: String,
    /// The hash of `rejects.parquet`.
    pub rejects: String,
}

/// The place of a dataset in the succession of those that its experiments have had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The experiments that the dataset was made for.
    pub experiments: BTreeSet<ExperimentName>,
    /// The number of datasets that came before it, each following the previous one.
    pub generation: u32,
    /// The hash of the dataset whose splits this one keeps; `None` when its own sources and the seed alone decide the
    /// splits.
    pub continues: Option<String>,
    /// What has changed since the previous dataset; `None` for the first one.
    pub changes: Option<Changes>,
}

/// How a dataset differs from the previous one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The hash of the previous dataset.
    pub since: String,
    /// How the images of items differ, compared by content and path.
    pub images: Difference,
    /// How the rows of items differ, compared by content.
    pub rows: Difference,
    /// The items that were in another split before, counted by the two splits.
    pub moved: Vec<Move>,
    /// The number of components that tie together items that were in several splits before.
    pub merges: u64,
}

/// The numbers of images or rows that are new, gone, or present with another content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The number of new ones.
    pub added: u64,
    /// The number of those that are gone.
    pub removed: u64,
    /// The number of those whose content has changed.
    pub changed: u64,
}

/// The items that moved from one split to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The split that they were in.
    pub from: Split,
    /// The split that they are in now.
    pub to: Split,
    /// The number of items that moved.
    pub items: u64,
}

/// The contents of the sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The absolute paths of the folders that item images are relative to, in the order of the plan.
    pub images_folders: Vec<String>,
    /// BLAKE3 over all image names and contents.
    pub images_hash: String,
    /// BLAKE3 of what is read of the table.
    pub table_hash: String,
    /// The sizes of both, for whoever looks for them elsewhere.
    #[serde(default)]
    pub bytes: SourceBytes,
}

/// The sizes of the sources in bytes. They are 0 in datasets that were made before they were recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBytes {
    /// The size of all images.
    pub images: u64,
    /// The size of all files of the table.
    pub table: u64,
}

/// Notes on how the sources were read, where a user might expect something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceNotes {
    /// The join that was found; `None` where the plan declares one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<FoundJoin>,
    /// The single reading that was used for all labels; `None` for pairs.
    pub label: Option<LabelReading>,
    /// The number of files in the images folder whose names are not those of images, by extension.
    pub passed_over: BTreeMap<String, u64>,
    /// The number of images with an EXIF rotation, which is not applied.
    pub rotated_images: u64,
    /// The number of images of 16 bits per sample, which are reduced to 8.
    pub deep_images: u64,
    /// One reject for each reason that comes with a value: the image or row, and the value that was refused.
    pub reject_examples: BTreeMap<String, String>,
    /// A few keys of images that no row looks for.
    pub unmatched_image_keys: Vec<String>,
    /// A few keys that rows look for and that no image has.
    pub unmatched_row_keys: Vec<String>,
}

/// A join that nobody declares: a column whose values name images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundJoin {
    /// The column, and what of an image it names.
    #[serde(flatten)]
    pub join: Join,
    /// The number of rows that have a value in the column.
    pub rows: u64,
    /// The number of these whose value names an image.
    pub rows_matched: u64,
    /// The number of images.
    pub images: u64,
    /// The number of these that a value names.
    pub images_matched: u64,
}

impl fmt::Display for FoundJoin {
    /// Writes `image name = file, found: 58 of 59 rows name 12 of 13 images`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Join { image, metadata } = &self.join;
        let (image, matched) = (image.as_written(), count(self.rows_matched));
        let (rows, named) = (counted(self.rows, "row"), count(self.images_matched));
        let images = counted(self.images, "image");
        write!(f, "image {image} = {metadata}, found: {matched} of {rows} name {named} of {images}")
    }
}

/// The counts of both sides of the join.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinCounts {
    /// The number of image files found.
    pub images: u64,
    /// The number of table rows read (before `where`).
    pub rows: u64,
    /// The number of images with at least one row.
    pub images_matched: u64,
    /// The number of rows with an image.
    pub rows_matched: u64,
    /// The number of rows that `where` and `sample` left out.
    pub rows_filtered: u64,
    /// The number of rows of each matched image.
    pub rows_per_image: Spread,
    /// The number of matched images that have only one row.
    pub images_with_one_row: u64,
}

/// How a number varies among the things that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// The smallest number.
    pub fewest: u64,
    /// The number in the middle, or the lower one of two.
    pub median: u64,
    /// The largest number.
    pub most: u64,
}

/// The counts of what became of the joined rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCounts {
    /// The number of items.
    pub items: u64,
    /// The number of rows that they were made from.
    pub rows: u64,
    /// The number of these rows that were folded into an item that an equal row before them had made.
    pub rows_folded: u64,
    /// The number of groups.
    pub groups: u64,
    /// The number of items of each group.
    pub items_per_group: Spread,
    /// The number of connected components of groups.
    pub components: u64,
    /// The number of items with each multiplicity.
    pub multiplicities: BTreeMap<u64, u64>,
    /// The number of items with each number of texts.
    pub texts_per_item: BTreeMap<u64, u64>,
}

/// The counts of one split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// The number of items.
    pub items: u64,
    /// The number of groups.
    pub groups: u64,
    /// The number of items that each group has in the split.
    pub items_per_group: Spread,
    /// The number of distinct images.
    pub images: u64,
    /// The number of connected components.
    pub components: u64,
}

/// The counts of what is in more than one split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// The number of items (by the contents of image, texts and label) in more than one split.
    pub items: u64,
    /// The number of groups in more than one split.
    pub groups: u64,
    /// The number of images (by content) in more than one split.
    pub images: u64,
    /// The number of pairs of different images that look alike and are in different splits.
    /// [`DatasetRecord::knows_near_duplicates`] tells whether they were counted.
    pub near_duplicates: u64,
    /// The first of these pairs, each by the names of its images.
    pub near_duplicate_examples: Vec<[String; 2]>,
    /// The number of texts in more than one split.
    pub texts: u64,
}

impl Leaks {
    /// Returns how much of each kind is in more than one split, with the word for one of it. Kinds of which nothing is are
    /// left out.
    pub fn by_kind(&self) -> Vec<(u64, &'static str)> {
        let kinds = [
            (self.items, "item"),
            (self.groups, "group"),
            (self.images, "image"),
            (self.near_duplicates, "near-duplicate pair"),
            (self.texts, "text"),
        ];
        kinds.into_iter().filter(|(number, _)| *number > 0).collect()
    }

    /// Checks whether a model can remember images from another split.
    pub fn has_images(&self) -> bool {
        self.items + self.groups + self.images > 0
    }
}
