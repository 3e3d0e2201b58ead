//! Sources that no experiment is about yet, and of which none can be proposed.

use std::path::PathBuf;

use cliptune_store::{StoreError, as_named};
use cliptune_terminal::{Diagnostic, Exit, shell_word};

use super::{IngestError, JoinError};
use crate::shown::{named_few, shown, shown_all};

/// No experiment can be proposed for sources that none is about yet.
#[derive(Debug, thiserror::Error)]
pub enum GuessError {
    /// Something is wrong with sources that no experiment is about yet, so that the way out is another one.
    #[error(transparent)]
    ForNew(Box<IngestError>),
    /// Sources that no experiment is about yet are not there.
    #[error(transparent)]
    NoSources(Box<StoreError>),
    /// No table is named for images that no experiment is about yet, and none lies with them.
    #[error("no table lies with the images at {}", path.display())]
    NoTable {
        /// The folder, file or glob of the images.
        path: PathBuf,
        /// Files nearby that could be meant.
        near: Vec<PathBuf>,
    },
    /// The first line of a table is no header.
    #[error("{} has no header: its first line names the image {}", as_named(path), shown(image))]
    NoHeader {
        /// The path of the table.
        path: PathBuf,
        /// What the image is called.
        image: String,
    },
    /// A table that no experiment is about yet has no rows.
    #[error("{} has no rows", as_named(path))]
    NoRows {
        /// The path of the table.
        path: PathBuf,
    },
    /// No column of a table that no experiment is about yet says anything of its images.
    #[error("nothing in {} can be captions, classes or choices", as_named(path))]
    NothingToLearn {
        /// The path of the table.
        path: PathBuf,
        /// The columns that the table has.
        columns: Vec<String>,
    },
}

impl Diagnostic for GuessError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ForNew(error) => match &**error {
                IngestError::WhichTable { tables, .. } => {
                    let first = tables.first()?;
                    format!("--table names one of them: --table {}", shell_word(first))
                }
                IngestError::Join(JoinError::NotFound { columns, images, .. }) => format!(
                    "give the table a column that has the name of each row's image, such as {}, or write the experiment yourself, with \
                     an SQL expression for it in data.join; the columns are {}",
                    shown_all(images),
                    named_few(columns)
                ),
                other => return other.hint(),
            },
            Self::NoSources(_) => {
                "--images and --metadata name files, folders, globs or addresses; paths are relative to the folder that you are in"
                    .to_owned()
            }
            Self::NoTable { near, .. } => match near.as_slice() {
                [] => "name it with --metadata; where folders are classes, every image lies in one of them, and a class has three \
                       images or more"
                    .to_owned(),
                [first, ..] => format!("is it {}? name it with --metadata", as_named(first)),
            },
            Self::NoHeader { .. } => {
                "write a line above it that says what the columns are, such as file,caption".to_owned()
            }
            Self::NoRows { .. } => "a table has a row for each image, or several".to_owned(),
            Self::NothingToLearn { columns, .. } => format!(
                "captions are a column of texts, classes a column of few values, choices a list of texts, or columns such as option_1 \
                 and option_2, beside a column that says which one is right; the columns are {}",
                named_few(columns)
            ),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
