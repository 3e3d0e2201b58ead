//! What can go wrong while drawing a contest.

use std::io;
use std::path::PathBuf;

use cliptune_durable::DurableError;

/// Why a contest could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of cartoons is outside of what can be dealt into folds.
    #[error("{cartoons} cartoons asked for, but a contest has between {fewest} and {most}")]
    Cartoons {
        /// The number asked for.
        cartoons: usize,
        /// The fewest cartoons that fill every fold.
        fewest: usize,
        /// The most cartoons the vocabulary has distinct captions for.
        most: usize,
    },
    /// The folder holds something that this contest must not overwrite.
    #[error("{} exists and is not an empty folder; remove it or choose another folder", .0.display())]
    Occupied(PathBuf),
    /// The folder already holds a contest, drawn with other options.
    #[error(
        "{} already holds another contest ({found}, not {wanted}); remove it or choose another folder",
        folder.display()
    )]
    OtherContest {
        /// The folder.
        folder: PathBuf,
        /// What the contest there was drawn with.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A sheet of paper without area.
    #[error("cannot draw on paper of {width}x{height} pixels")]
    Paper {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The JPEG encoder refused a drawing.
    #[error("cannot encode a cartoon as JPEG")]
    Jpeg(#[source] image::ImageError),
    /// No caption was left for a cartoon.
    #[error("cannot write {captions} different captions for cartoon {contest_number}")]
    Captions {
        /// The cartoon.
        contest_number: usize,
        /// How many captions it was to have.
        captions: usize,
    },
    /// The wrong options of a fold could not be dealt.
    #[error("cannot deal the wrong options of fold {fold}: too many of its cartoons look alike")]
    WrongOptions {
        /// The fold.
        fold: usize,
    },
    /// The table could not be written.
    #[error("cannot write the table {}", path.display())]
    Table {
        /// The parquet file.
        path: PathBuf,
        /// What DuckDB says.
        #[source]
        source: duckdb::Error,
    },
    /// The note about the contest could not be written.
    #[error("cannot write {}", path.display())]
    Note {
        /// The note.
        path: PathBuf,
        /// What the serializer says.
        #[source]
        source: serde_json::Error,
    },
}
