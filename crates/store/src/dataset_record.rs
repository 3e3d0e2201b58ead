//! `dataset.json`: what a dataset is made from and what became of every image and row.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_experiment::{DataPlan, ExperimentName, LabelReading, Split, TaskKind};
use serde::{Deserialize, Serialize};

/// The record of one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Version of this record and of the ingest procedure.
    pub format_version: u32,
    /// BLAKE3 over the recipe, the contents of all sources and [`History::continues`]; the folder's name begins with it.
    pub hash: String,
    /// The kind of items.
    pub task: TaskKind,
    /// What was asked for.
    pub plan: DataPlan,
    /// The sources' contents.
    pub sources: Sources,
    /// What a person should know about how the sources were read.
    #[serde(default)]
    pub notes: SourceNotes,
    /// Both sides of the join.
    pub join: JoinCounts,
    /// Why images and rows were left out, by reason, with counts.
    pub rejects: BTreeMap<String, u64>,
    /// What became of the joined rows.
    pub items: ItemCounts,
    /// Each split: items, groups, images, components; in the order train, validation, test.
    pub splits: BTreeMap<String, SplitCounts>,
    /// What crosses splits, in counts; all zero for a component split.
    pub leaks: Leaks,
    /// Which datasets came before it, and what has changed since.
    #[serde(default)]
    pub history: History,
    /// What its tables hashed to when they were written.
    #[serde(default)]
    pub tables: TableHashes,
}

/// BLAKE3 of the tables beside the record: 64 hexadecimal digits each. Whoever reads a table compares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHashes {
    /// The hash of `items.parquet`.
    pub items: String,
    /// The hash of `rejects.parquet`.
    pub rejects: String,
}

/// Where a dataset stands among those that its experiments had before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The experiments that it was made for.
    pub experiments: BTreeSet<ExperimentName>,
    /// How many datasets came before it, each following the other.
    pub generation: u32,
    /// The hash of the dataset whose splits it keeps; `None` where its own sources and the seed decide alone.
    pub continues: Option<String>,
    /// What has changed since the dataset before; `None` for the first.
    pub changes: Option<Changes>,
}

/// How a dataset differs from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The hash of the dataset before.
    pub since: String,
    /// Images of items, by content and path.
    pub images: Difference,
    /// Rows of items, by content.
    pub rows: Difference,
    /// Items that were in another split before.
    pub moved: Vec<Move>,
    /// Components that tie together what was in several splits before.
    pub merges: u64,
}

/// How many images or rows are new, gone, or there with another content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// How many are new.
    pub added: u64,
    /// How many are gone.
    pub removed: u64,
    /// How many have another content.
    pub changed: u64,
}

/// Items that went from one split to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The split that they were in.
    pub from: Split,
    /// The split that they are in now.
    pub to: Split,
    /// How many items.
    pub items: u64,
}

/// Contents of the sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Absolute folder that item images are relative to.
    pub images_folder: String,
    /// BLAKE3 over all image names and contents.
    pub images_hash: String,
    /// BLAKE3 of the table.
    pub table_hash: String,
}

/// How the sources were read, where a person could expect something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceNotes {
    /// The one way in which all labels were read; `None` for pairs.
    pub label: Option<LabelReading>,
    /// The number of files in the images folder that are no images by their name, by extension.
    pub passed_over: BTreeMap<String, u64>,
    /// The number of images with an EXIF rotation, which is not applied.
    pub rotated_images: u64,
    /// The number of images of 16 bits per sample, which are reduced to 8.
    pub deep_images: u64,
    /// A reject for each reason that comes with a value: which image or row, and the value that was refused.
    pub reject_examples: BTreeMap<String, String>,
    /// A few keys of images that no row looks for.
    pub unmatched_image_keys: Vec<String>,
    /// A few keys that rows look for and no image has.
    pub unmatched_row_keys: Vec<String>,
}

/// Both sides of the join.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JoinCounts {
    /// Image files found.
    pub images: u64,
    /// Table rows read (before `where`).
    pub rows: u64,
    /// Images with at least one row.
    pub images_matched: u64,
    /// Rows with an image.
    pub rows_matched: u64,
    /// Rows that `where` left out.
    pub rows_filtered: u64,
    /// Fewest, median and most rows per matched image.
    pub rows_per_image: (u64, f64, u64),
}

/// What became of the joined rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCounts {
    /// Items.
    pub items: u64,
    /// Groups.
    pub groups: u64,
    /// Connected components of groups and texts.
    pub components: u64,
    /// How many items have a multiplicity, by multiplicity.
    pub multiplicities: BTreeMap<u64, u64>,
    /// How many items have a number of texts, by number.
    pub texts_per_item: BTreeMap<u64, u64>,
}

/// One split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// Items.
    pub items: u64,
    /// Groups.
    pub groups: u64,
    /// Distinct images.
    pub images: u64,
    /// Connected components.
    pub components: u64,
}

/// What stands on both sides of a split border.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// Groups in more than one split.
    pub groups: u64,
    /// Images (by content) in more than one split.
    pub images: u64,
    /// Texts in more than one split.
    pub texts: u64,
}
