//! Everything that can go wrong with files in the store. Every message names the path.

use std::io;
use std::path::{Path, PathBuf};

use cliptune_clip::model_folder::NotAModel;
use cliptune_durable::{self as durable, DurableError};
use cliptune_experiment::ExperimentName;
use cliptune_hub::HubError;
use cliptune_sources::SourceError;
use cliptune_terminal::format::counted;
use cliptune_terminal::{Diagnostic, Exit};

use crate::worker::Worker;

/// An error that the store can return.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// JSON could not be read or written.
    #[error("damaged record {}", path.display())]
    Json {
        /// The file with the JSON.
        path: PathBuf,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// A file of the store is not as it was written.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// The evidence of the damage.
        source: Damage,
    },
    /// The starting weights are not the ones that the run's identity names.
    #[error("{} has changed, though its time and size have not", path.display())]
    ChangedModel {
        /// The model folder.
        path: PathBuf,
    },
    /// A record was written by another version of cliptune.
    #[error(
        "{} has format version {found}, this cliptune reads version {supported}: {} cliptune has written it",
        path.display(),
        if found > supported { "a newer" } else { "an older" }
    )]
    Version {
        /// The path of the record.
        path: PathBuf,
        /// The version that the record has.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// The record of a model folder cannot be trusted to say what the model was made from.
    #[error("{} does not tell which datasets the model has seen", path.display())]
    Origin {
        /// The path of the record.
        path: PathBuf,
    },
    /// The starting weights have already seen some of the test images in training.
    #[error(
        "{} of {experiment} {} seen in training by the model it starts from",
        counted(*images as u64, "test image"),
        if *images == 1 { "was" } else { "were" }
    )]
    Leak {
        /// The experiment whose test images were seen.
        experiment: ExperimentName,
        /// The number of test images that were seen.
        images: usize,
    },
    /// A parquet file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Table {
        /// `read` or `write`.
        action: &'static str,
        /// The parquet file.
        path: PathBuf,
        /// DuckDB's error.
        source: duckdb::Error,
    },
    /// The images of a plan do not exist.
    #[error("there are no images at {}", path.display())]
    NoImages {
        /// The folder, file or glob that the plan names.
        path: PathBuf,
        /// The part that is missing.
        missing: MissingImages,
    },
    /// The plan declares its images by an invalid glob.
    #[error("impossible glob {}", path.display())]
    Glob {
        /// The glob.
        path: PathBuf,
        /// The parser's error.
        source: globset::Error,
    },
    /// A file has a name that neither a table nor JSON can hold.
    #[error("the file name is not valid UTF-8: {}", path.display())]
    FileName {
        /// The path of the file.
        path: PathBuf,
    },
    /// An image has changed since its dataset was made.
    #[error("{} has changed since its dataset was made", path.display())]
    ImageChanged {
        /// The path of the image file.
        path: PathBuf,
    },
    /// Files that lie elsewhere cannot be fetched, or are not in the cache.
    #[error(transparent)]
    Remote(Box<SourceError>),
    /// A file that images lie within cannot be read.
    #[error("cannot read the images in {}: {problem}", path.display())]
    Packed {
        /// The path of the archive or the parquet file.
        path: PathBuf,
        /// A description of what is wrong with it.
        problem: String,
    },
    /// No table is named, and none lies with the images.
    #[error("no table lies with the images at {}", path.display())]
    NoTableBeside {
        /// The folder, file or glob of the images.
        path: PathBuf,
    },
    /// The table of a plan does not exist.
    #[error("there is no table {}", path.display())]
    NoTable {
        /// The path or glob that the plan names.
        path: PathBuf,
    },
    /// A folder that should hold model weights holds something else.
    #[error(transparent)]
    NotAModel(#[from] NotAModel),
    /// The cache of the Hugging Face Hub could not be read.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// What lies in the new place of something that has moved is something else.
    #[error("{what} at {place} differ from those that the records name")]
    OtherContent {
        /// What was looked at, as a plural or collective noun.
        what: &'static str,
        /// The place.
        place: String,
    },
    /// A plan starts from a run that neither exists nor is planned.
    #[error("there is no run of {reference} to start from")]
    NoBase {
        /// The reference, `run:NAME` or `run:NAME@SEED`.
        reference: String,
    },
    /// A plan starts from an experiment whose sources could not be read.
    #[error("where {reference} stands, which it starts from, cannot be told")]
    UnknownBase {
        /// The reference, `run:NAME` or `run:NAME@SEED`.
        reference: String,
    },
    /// A plan starts from an experiment that has several runs.
    #[error("{reference} stands for {count} runs")]
    AmbiguousBase {
        /// The reference, `run:NAME` or `run:NAME@SEED`.
        reference: String,
        /// The number of runs that the reference stands for.
        count: usize,
    },
    /// The weights of a run are needed, but were removed.
    #[error("the weights of {run} were removed")]
    NoWeights {
        /// The run's name.
        run: String,
    },
    /// A folder cannot be moved to the trash, because it is a link or lies on another file system.
    #[error("{} is a link or lies on another file system than the store", path.display())]
    Immovable {
        /// The folder.
        path: PathBuf,
    },
    /// Something stands where a folder is to be restored.
    #[error("{} is there already", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
    },
    /// The run that weights belong to is not in the store.
    #[error("there is no run {} that its weights could go to", path.display())]
    NothingToRestoreTo {
        /// The place of the run.
        path: PathBuf,
    },
    /// A run cannot have a name that already means something else.
    #[error("{name} is already the name of {by}")]
    NameTaken {
        /// The name.
        name: String,
        /// The experiment or the run that has it.
        by: String,
    },
    /// Another process is at the same work.
    #[error("{worker} is at work on {what}")]
    Busy {
        /// What it works on.
        what: String,
        /// The process.
        worker: Worker,
    },
    /// The folder of a run that this process writes is not there any more.
    #[error("the folder of the run was removed or replaced while it was written: {}", path.display())]
    Gone {
        /// The run's folder.
        path: PathBuf,
    },
    /// The run is being written by another process, or it is not being written by this one.
    #[error("run {} is being written by another process", path.display())]
    InUse {
        /// The run's folder.
        path: PathBuf,
    },
    /// A run that was to be continued is already complete.
    #[error("another process has finished run {}", path.display())]
    Finished {
        /// The run's folder.
        path: PathBuf,
    },
}

/// The evidence that a file of the store is not as it was written.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Something that is not a regular file has the file's name.
    #[error("it is not a regular file")]
    NotAFile,
    /// A record does not begin with a checksum.
    #[error("it does not begin with a checksum, as every record does")]
    NoChecksum,
    /// A record was changed or cut short.
    #[error("its content is not what its checksum is of: it was changed or cut short after it was written")]
    Checksum,
    /// A file that a record names does not exist.
    #[error("it is missing")]
    Missing,
    /// A file was changed or cut short, so that it does not have the hash that a record says.
    #[error("it was changed or cut short after it was written")]
    Content,
    /// Some lines of a log cannot be read.
    #[error("{} cannot be read", counted(*.0 as u64, "line"))]
    Lines(usize),
    /// The record is that of something else.
    #[error("it is the record of {0}")]
    Foreign(String),
    /// A table is intact, but contains an item that contradicts itself.
    #[error("{0}")]
    Contradiction(String),
    /// A record is intact, but this program would not have written it.
    #[error(transparent)]
    Json(serde_json::Error),
}

/// The reason why there are no images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingImages {
    /// Nothing exists at that path.
    Path,
    /// The folder exists, but contains no image files.
    Folder,
    /// The glob matches no file.
    Glob,
}

impl From<SourceError> for StoreError {
    fn from(error: SourceError) -> Self {
        Self::Remote(Box::new(error))
    }
}

impl StoreError {
    /// Makes the error that says that a file is not as it was written.
    pub(crate) fn damaged(path: &Path, source: Damage) -> Self {
        Self::Damaged { path: path.to_path_buf(), source }
    }

    /// Checks whether the error means that a file of the store cannot be used, so that its content has to be made
    /// again: it is damaged, has an older version, or is a table that cannot be read. The other errors say nothing
    /// about the file. What a newer cliptune has written is whole, and is not made again over its head.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Json { .. } | Self::Table { action: "read", .. } => true,
            Self::Version { found, supported, .. } => found < supported,
            _ => false,
        }
    }

    /// Returns the file that is damaged, if the error is about one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Damaged { path, .. } | Self::Json { path, .. } | Self::Version { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Returns the error and its causes in one line.
    pub fn in_one_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let message = error.to_string();
            if !line.contains(&message) {
                line = format!("{line}: {message}");
            }
            cause = error.source();
        }
        line
    }

    /// Returns advice on what the user can do about the error.
    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Io(error) => return durable::advice(error).map(str::to_owned),
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::Hub(error) => return error.hint(),
            Self::Json { path, .. } | Self::Damaged { path, .. } => restoring(path),
            Self::Version { found, supported, .. } if found > supported => {
                "use the cliptune that has written it, or a newer one; nothing of it is touched".to_owned()
            }
            Self::Version { path, .. } => return other_version(path),
            Self::ChangedModel { .. } => {
                "put an intact copy of the model there; where the change is meant, `touch` the file that has changed"
                    .to_owned()
            }
            Self::Leak { .. } => "give both experiments the same images, groups and `data.split`, naming the same columns in \
                 `split.across`"
                .to_owned(),
            Self::Origin { path } => restoring(path),
            Self::Table { action: "write", .. } => "look at the free space and the permissions of the store".to_owned(),
            Self::Table { path, .. } => restoring(path),
            Self::NoImages { missing: MissingImages::Folder, .. } => {
                format!(
                    "data.images takes files ending in {} below that folder, or where there are none, .tar or .parquet files",
                    crate::image_files::EXTENSIONS.join(", ")
                )
            }
            Self::NoImages { .. } => {
                "data.images is relative to the experiment file; look at the path with cliptune check".to_owned()
            }
            Self::ImageChanged { .. } => {
                "put the old file back, or run the command again: `cliptune run` makes a new dataset of the files as they are".to_owned()
            }
            Self::Remote(error) => return error.hint(),
            Self::Packed { .. } => "`data.images` can name the files that are to be read, one by one or with a glob".to_owned(),
            Self::NoTableBeside { .. } => {
                "name it with `data.metadata`; a table that lies with the images is in the samples of `.tar` shards, in the rows of \
                 parquet files, or in one metadata.jsonl, metadata.csv or metadata.parquet in each folder, all of one kind"
                    .to_owned()
            }
            Self::NoTable { .. } => {
                "data.metadata is relative to the experiment file; look at the path with cliptune check".to_owned()
            }
            Self::Glob { .. } => "use *, ?, [a-z], {a,b} and ** as a whole folder name".to_owned(),
            Self::FileName { .. } => "rename the file".to_owned(),
            Self::NotAModel(error) => error.hint(),
            Self::NoBase { .. } => "run that experiment first, or name it on the same command line".to_owned(),
            Self::UnknownBase { .. } => "the warning about that experiment says why".to_owned(),
            Self::AmbiguousBase { reference, .. } => format!("name one by its seed: {reference}@0"),
            Self::NoWeights { run } => format!(
                "`cliptune restore {run}` brings them back while they are in the trash; once they are not, \
                 `cliptune rm {run}` and `cliptune run` train it again"
            ),
            Self::OtherContent { .. } => {
                "nothing was changed; new or changed data makes a new dataset: name it in the experiment".to_owned()
            }
            Self::Immovable { .. } => {
                "only what lies in the store itself can be moved to its trash; remove this by hand".to_owned()
            }
            Self::Occupied { .. } => "nothing is ever overwritten: remove that first, or move it away".to_owned(),
            Self::NothingToRestoreTo { .. } => "restore the run first; `cliptune restore --list` shows the trash".to_owned(),
            Self::NameTaken { .. } => {
                "choose another one; `cliptune rename RUN --remove` takes a name away from a run".to_owned()
            }
            Self::Finished { .. } => "run the command again".to_owned(),
            Self::InUse { .. } => "wait for it, or stop it first".to_owned(),
            Self::Busy { .. } => "--wait waits until that is done, and then does only what is left to do".to_owned(),
            Self::Gone { .. } => {
                "whatever was trained is lost with it; the same command trains the run again. `cliptune rm` refuses to \
                 remove a run that a process works on"
                    .to_owned()
            }
        };
        Some(advice)
    }
}

/// Says how the content of a damaged file can be restored. The advice never removes anything that cannot be made
/// again.
fn restoring(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let again = |command: &str| format!("`cliptune run` or `cliptune {command}` makes it again");
    match name {
        "dataset.json" | "items.parquet" | "rejects.parquet" => again("ingest"),
        "scores.json" | "predictions.parquet" | "choices.json" | "precisions.json" => again("score"),
        "parity.json" => {
            format!("{}, from the run's weights, which are untouched", again("train"))
        }
        _ if name.ends_with(".onnx") => {
            format!("{}, from the run's weights, which are untouched", again("train"))
        }
        "run.json" => {
            "nothing else in its folder is touched, and the weights in onnx/ stay; `cliptune run` trains the experiment \
             again in another folder"
                .to_owned()
        }
        "labels.json" => {
            "it holds nothing but the run's own name, tags, note and pin: put an intact copy there, or move it away and \
             give them again"
                .to_owned()
        }
        "events.jsonl" | "system.jsonl" => {
            "nothing but these lines is lost: they are missing from the curves and from what `query` sees".to_owned()
        }
        "trashed.json" => {
            "it says where the folder `content` beside it came from: move that back by hand".to_owned()
        }
        "origin.json" => {
            "it says which datasets the model has seen: put an intact copy there, or make the folder again with `cliptune \
             soup` or `cliptune export`; without it the model counts as one that has seen none of them"
                .to_owned()
        }
        _ => {
            "put an intact copy of the file there; where there is none, move the run's folder out of the store, and \
             `cliptune run` trains it again"
                .to_owned()
        }
    }
}

fn other_version(path: &Path) -> Option<String> {
    let is_run = path.file_name().is_some_and(|name| name == "run.json");
    is_run.then(|| {
        "its model stays usable by its path; `cliptune run` trains the experiment again in another folder"
            .to_owned()
    })
}

impl Diagnostic for StoreError {
    fn hint(&self) -> Option<String> {
        self.advice()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Remote(error) => error.exit(),
            Self::NoImages { .. }
            | Self::Glob { .. }
            | Self::NoTable { .. }
            | Self::NotAModel(_)
            | Self::NoBase { .. }
            | Self::NameTaken { .. }
            | Self::NoWeights { .. }
            | Self::OtherContent { .. }
            | Self::Occupied { .. }
            | Self::NothingToRestoreTo { .. }
            | Self::AmbiguousBase { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
