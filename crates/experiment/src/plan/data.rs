//! `data`: images, a table, and how they become items.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::label::Label;
use super::split::SplitPlan;

/// `data`: the images, the table, how they join, and how the items are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataPlan {
    /// An absolute folder, file or glob of image files.
    pub images: PathBuf,
    /// The table that holds the texts.
    pub metadata: TableSource,
    /// The rule that decides which image belongs to which row.
    pub join: Join,
    /// The meaning of the columns.
    pub columns: Columns,
    /// An SQL condition over the joined row; rows that fail it are left out.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Whether rows of the same group, texts and label become one item with a multiplicity.
    pub deduplicate: bool,
    /// The rule that assigns items to splits.
    pub split: SplitPlan,
}

/// A table and its format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSource {
    /// The absolute path of a file, or a glob whose files are one table.
    pub path: PathBuf,
    /// The format, which follows from the file name.
    pub format: TableFormat,
}

/// The kind of file that the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// The file is Apache Parquet.
    Parquet,
    /// The file is text with separators and a header.
    Csv,
    /// The file has one JSON object in each line.
    Jsonl,
}

/// `data.join`: the keys of the two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The key of an image file.
    pub image: ImageKey,
    /// The key of a table row: a column or an SQL expression over the row.
    pub metadata: String,
}

/// The key of an image file in the join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKey {
    /// The path below the images folder, with forward slashes.
    Path,
    /// The file name with its extension.
    Name,
    /// The file name without its extension.
    Stem,
    /// An SQL expression over the columns of `file` (path, name, stem, extension, size).
    Sql(String),
}

/// `data.columns`: what the columns of the table mean. Each is a column name or an SQL expression over the row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// The task that a row poses, and the columns that hold it.
    pub task: Task,
    /// The row's own identifier. When absent, the number of the row is used.
    pub id: Option<String>,
    /// The value that must not occur in two splits. When absent, the image is used.
    pub group: Option<String>,
    /// Further columns of texts whose words a tokenizer that is trained from scratch should know.
    pub vocabulary: Vec<String>,
}

/// The task that a row poses, and the columns that hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// A row has several candidate texts, one of which is right.
    Choice {
        /// The column with the list of texts.
        choices: String,
        /// The column that tells which of the texts is right.
        label: Label,
    },
    /// A row has an image and its own caption.
    Pairs {
        /// The column with the caption.
        text: String,
    },
}

impl Task {
    /// Returns the kind without the columns, for records and tables.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Choice { .. } => TaskKind::Choice,
            Self::Pairs { .. } => TaskKind::Pairs,
        }
    }
}

/// The kind of a dataset's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// An item has several candidate texts, one of which is right.
    Choice,
    /// An item is an image and its own caption.
    Pairs,
}
