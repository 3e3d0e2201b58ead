//! What was found.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// What was found, in the order in which it is shown.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// The name of the experiment.
    pub experiment: String,
    /// What they are a sample of, in words: `joined rows`.
    pub what: String,
    /// How many there are in all.
    pub total: u64,
    /// Those that are shown.
    pub samples: Vec<Sample>,
}

/// An image with the row that joined it, or one of them alone.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The image file, if there is one.
    pub image: Option<SampleImage>,
    /// The row of the table, if there is one.
    pub row: Option<Row>,
    /// What became of it.
    pub outcome: Outcome,
}

/// An image.
#[derive(Clone, Debug)]
pub struct SampleImage {
    /// The path as SQL sees it.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// Where it lies: in a file of its own, or within another.
    pub file: PathBuf,
    /// What reads it from there.
    pub read: ReadImage,
}

impl PartialEq for SampleImage {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl Eq for SampleImage {}

/// A function that reads an image. Its error is a phrase.
pub type ReadImage = fn(&Path) -> Result<Vec<u8>, String>;

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What the row is called: its own identifier, or else its number.
    pub name: String,
    /// All columns with their values, in the order of the table.
    pub columns: Vec<(String, Value)>,
    /// The texts that the experiment reads from it, if it reads any.
    pub texts: Option<Texts>,
}

/// The texts of a row, as the experiment reads them.
#[derive(Clone, Debug)]
pub struct Texts {
    /// The column or the SQL that gives them.
    pub from: String,
    /// The texts in order.
    pub texts: Vec<String>,
    /// The index of the right one, if that is known.
    pub right: Option<usize>,
}

/// What became of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is an item, alone or with other rows that are the same.
    Item {
        /// The identity of the item.
        item_id: String,
        /// The dataset that has the item, and the split that it is in there. `None` as long as there is no dataset.
        place: Option<Place>,
    },
    /// It is in no item.
    Rejected {
        /// The reason.
        reason: String,
        /// The value that was refused, or a decoder's words. May be empty.
        detail: String,
    },
    /// What it becomes is not known before the experiment says how its labels are read.
    Unknown,
}

/// Where an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The hash of the dataset.
    pub dataset: String,
    /// The split, or `None` if the dataset does not have the item.
    pub split: Option<String>,
}
