//! The errors of drawing a contest.

use std::io;
use std::path::PathBuf;

use cliptune_durable::DurableError;

/// The reason why a contest could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of cartoons is outside the range that can be dealt into folds.
    #[error("{cartoons} cartoons asked for, but a contest has between {fewest} and {most}")]
    Cartoons {
        /// The number of cartoons that was asked for.
        cartoons: usize,
        /// The smallest number of cartoons that fills every fold.
        fewest: usize,
        /// The largest number of cartoons that the vocabulary has distinct captions for.
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
        /// The folder that holds the contest.
        folder: PathBuf,
        /// The options of the contest that is there.
        found: String,
        /// The options of the contest that was asked for.
        wanted: String,
    },
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The sheet of paper has no area.
    #[error("cannot draw on paper of {width}x{height} pixels")]
    Paper {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
    },
    /// The JPEG encoder refused a drawing.
    #[error("cannot encode a cartoon as JPEG")]
    Jpeg(#[source] image::ImageError),
    /// No caption was left for a cartoon.
    #[error("cannot write {captions} different captions for cartoon {contest_number}")]
    Captions {
        /// The contest number of the cartoon.
        contest_number: usize,
        /// The number of captions that the cartoon needed.
        captions: usize,
    },
    /// The wrong options of a fold could not be dealt.
    #[error("cannot deal the wrong options of fold {fold}: too many of its cartoons look alike")]
    WrongOptions {
        /// The number of the fold.
        fold: usize,
    },
    /// The table could not be written.
    #[error("cannot write the table {}", path.display())]
    Table {
        /// The path of the parquet file.
        path: PathBuf,
        /// The error from DuckDB.
        #[source]
        source: duckdb::Error,
    },
    /// The note about the contest could not be written.
    #[error("cannot write {}", path.display())]
    Note {
        /// The path of the note.
        path: PathBuf,
        /// The error from the serializer.
        #[source]
        source: serde_json::Error,
    },
}
