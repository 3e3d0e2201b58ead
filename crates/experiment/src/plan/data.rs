//! `data`: images, a table, and how they become items.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::label::Label;
use super::location::Location;
use super::require::Require;
use super::sample::Sample;
use super::split::SplitPlan;
use super::templates::Templates;
use crate::language::words;

/// `data`: the images, the table, how they join, and how the items are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataPlan {
    /// The folders, files or globs of image files, at least one. Their images are taken together, in this order.
    pub images: Vec<Location>,
    /// The table that holds the texts.
    pub metadata: TableSource,
    /// How remote sources are reached.
    pub access: Access,
    /// The rule that decides which image belongs to which row. When absent, the column is found that names the images. It
    /// follows from the sources, so that they and the recipe still say which dataset is made of them.
    pub join: Option<Join>,
    /// The meaning of the columns.
    pub columns: Columns,
    /// An SQL condition over the joined row; rows that fail it are left out.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// The rows that are drawn from those, if not all are taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sample: Option<Sample>,
    /// Whether rows of the same group, texts and label become one item with a multiplicity.
    pub deduplicate: bool,
    /// How far each image is examined before it becomes part of an item.
    pub verify: Verify,
    /// How much of the sources has to arrive in the dataset.
    pub require: Require,
    /// The rule that assigns items to splits.
    pub split: SplitPlan,
}

impl DataPlan {
    /// Returns the path of every source that is on this machine, for whoever writes or reads paths in another form.
    pub fn local_paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let all = self.images.iter_mut().chain(&mut self.metadata.locations);
        all.filter_map(|location| match location {
            Location::Local(path) => Some(path),
            Location::Remote(_) => None,
        })
    }
}

words! {
    /// How far each image is examined before it becomes part of an item.
    pub enum Verify {
        /// The whole file is read and decoded as training will decode it.
        Whole = "whole",
        /// The whole file is read, and its header is decoded. An image whose pixels are damaged fails in training.
        Header = "header",
        /// No file is opened. An image is known by its path, its size and its time, and one that is damaged fails in training.
        None = "none",
    }
}

impl Verify {
    /// Checks whether all pixels of an image are looked at, so that it is known how the image looks.
    pub fn sees_pixels(self) -> bool {
        self == Self::Whole
    }
}

/// A table and its format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSource {
    /// The files or globs whose rows are one table, in the order in which they are read. There are none if the table lies
    /// with the images.
    pub locations: Vec<Location>,
    /// The format of all files, which follows from their names.
    pub format: TableFormat,
    /// The name of the table within a database. When absent, the database has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

impl TableSource {
    /// Returns the table that lies in one place.
    pub fn at(location: impl Into<Location>, format: TableFormat) -> Self {
        Self { locations: vec![location.into()], format, table: None }
    }

    /// Returns the table that lies with the images.
    pub fn beside() -> Self {
        Self { locations: Vec::new(), format: TableFormat::Beside, table: None }
    }
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
    /// The file is a file or a stream of Arrow's IPC format.
    Arrow,
    /// The file is a database of SQLite or DuckDB.
    Database,
    /// The file is a tar archive as WebDataset has them, with a row for each sample.
    Tar,
    /// The table is no file of its own but lies with the images.
    Beside,
}

/// `data.join`: the keys of the two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The key of an image file.
    pub image: ImageKey,
    /// The key of a table row: a column or an SQL expression over the row.
    pub metadata: String,
}

impl Join {
    /// Returns the join with the table that lies with the images, which names each by its path.
    pub fn beside() -> Self {
        Self { image: ImageKey::Path, metadata: "image".to_owned() }
    }
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

impl ImageKey {
    /// Returns the key as an experiment writes it.
    pub fn as_written(&self) -> &str {
        match self {
            Self::Path => "path",
            Self::Name => "name",
            Self::Stem => "stem",
            Self::Sql(sql) => sql,
        }
    }
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
    /// A row has an image and its class, which is one of the classes of all rows.
    Classes {
        /// The column with the name of the class.
        class: String,
        /// The templates whose prompts stand for a class.
        templates: Templates,
    },
}

impl Task {
    /// Returns the kind without the columns, for records and tables.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Choice { .. } => TaskKind::Choice,
            Self::Pairs { .. } => TaskKind::Pairs,
            Self::Classes { .. } => TaskKind::Classes,
        }
    }

    /// Returns the templates whose prompts stand for a candidate text. Captions and choices are prompts themselves.
    pub fn templates(&self) -> Templates {
        match self {
            Self::Choice { .. } | Self::Pairs { .. } => Templates::plain(),
            Self::Classes { templates, .. } => templates.clone(),
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
    /// An item is an image of one of the dataset's classes.
    Classes,
}
