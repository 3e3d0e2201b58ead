//! Images and rows whose join nobody declares, and that cannot be found.

use std::path::PathBuf;

use cliptune_experiment::ImageKey;
use cliptune_propose::scalar;
use cliptune_store::{FoundJoin, as_named};
use cliptune_terminal::{Diagnostic, Exit};

use crate::shown::shown_all;

/// The join of images and rows, which the experiment does not declare, cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// No column names the images of an experiment that does not say how the two sides join.
    #[error("no column of {} names the images{}", as_named(path), nearest_to(nearest.as_deref()))]
    NotFound {
        /// The path of the table.
        path: PathBuf,
        /// The columns that the table has.
        columns: Vec<String>,
        /// The paths of a few images.
        images: Vec<String>,
        /// The column that names the most images, if any names one.
        nearest: Option<Box<FoundJoin>>,
        /// The SQL that makes names of images of what a column has.
        below: Option<String>,
    },
    /// Several columns name images, and not the same ones.
    #[error(
        "several columns of {} name images, and not the same ones{}",
        as_named(path),
        lines_of(candidates)
    )]
    Ambiguous {
        /// The path of the table.
        path: PathBuf,
        /// The columns, the best one first.
        candidates: Vec<FoundJoin>,
    },
}

/// Says which column comes nearest to naming the images.
fn nearest_to(nearest: Option<&FoundJoin>) -> String {
    nearest.map(|found| format!("; the nearest is {found}")).unwrap_or_default()
}

/// Lists joins that were found, one per line.
fn lines_of(candidates: &[FoundJoin]) -> String {
    candidates.iter().map(|found| format!("\n{found}")).collect()
}

/// Writes a join the way an experiment declares it.
fn declared_join(image: &ImageKey, metadata: &str) -> String {
    format!("`join: {{ image: {}, metadata: {} }}`", image.as_written(), scalar(metadata))
}

impl Diagnostic for JoinError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { below: Some(sql), .. } => Some(format!(
                "the names of images are at the end of its values: {}",
                declared_join(&ImageKey::Name, sql)
            )),
            Self::NotFound { columns, images, .. } => Some(format!(
                "say how they join: `join: {{ image: name, metadata: COLUMN }}`, where image is path, name, stem or an SQL \
                 expression; images are called {}; the columns are {}",
                shown_all(images),
                columns.join(", ")
            )),
            Self::Ambiguous { candidates, .. } => candidates.first().map(|best| {
                format!("say which one, as in {}", declared_join(&best.join.image, &best.join.metadata))
            }),
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
