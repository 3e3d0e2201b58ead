//! Everything that can go wrong with files in the store. Every message names the path.

use std::io;
use std::path::{Path, PathBuf};

use cliptune_clip::model_folder::NotAModel;
use cliptune_durable::DurableError;
use cliptune_experiment::ExperimentName;
use cliptune_hub::HubError;
use cliptune_sources::{SourceError, copied_from};
use cliptune_terminal::format::{counted, in_one_line, visible};

use crate::table_column::TableForm;
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
    /// There is no store.
    #[error("there is no store in {}", path.display())]
    NoStore {
        /// The folder that it should be.
        path: PathBuf,
    },
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
    /// Lines of a log are of kinds that only a newer cliptune knows.
    #[error("{} has {} that a newer cliptune has written", path.display(), counted(*lines as u64, "line"))]
    NewerLines {
        /// The path of the log.
        path: PathBuf,
        /// The number of these lines.
        lines: usize,
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
    /// The plan names the same images twice, so that no row could tell one from itself.
    #[error("{one} and {other} are the same images")]
    ImagesTwice {
        /// The folder, file, glob or address that the plan names first.
        one: String,
        /// The one that it names later.
        other: String,
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
    #[error("cannot read the images in {}: {problem}", as_named(path))]
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
    /// What is in the trash cannot be moved back, because its place is on another file system by now.
    #[error("{} lies on another file system than the trash", place.display())]
    Unreachable {
        /// The place that it is to have again.
        place: PathBuf,
        /// The folder that it lies in.
        content: PathBuf,
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
    /// A person has stopped this process while it waited for another one.
    #[error("stopped while waiting for {worker}")]
    Interrupted {
        /// The process that it waited for.
        worker: Worker,
    },
    /// Another process took this one for dead, and has gone on with its work.
    #[error("{worker} has taken over {what}: this process had given no sign of life for two minutes")]
    TakenOver {
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
    /// Another process works on the run, or this one does not write it.
    #[error("{worker} is at work on {}", path.display())]
    InUse {
        /// The run's folder.
        path: PathBuf,
        /// The process.
        worker: Worker,
    },
    /// A table has no column of a name.
    #[error("{} has no column {column}", as_named(path))]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The name.
        column: String,
        /// The columns that it has.
        has: Vec<String>,
    },
    /// A column of a table holds neither texts nor images.
    #[error("column {column} of {} has the type {kind}: it holds neither texts nor images", as_named(path))]
    ColumnType {
        /// The table.
        path: PathBuf,
        /// The name of the column.
        column: String,
        /// Its type, as SQL or JSON calls it.
        kind: String,
        /// The columns that hold texts or images.
        usable: Vec<String>,
    },
    /// A table that is not of the store cannot be read.
    #[error("cannot read {}: {problem}", as_named(path))]
    ForeignTable {
        /// The table.
        path: PathBuf,
        /// How it should be written.
        form: TableForm,
        /// A description of what is wrong with it, with its place.
        problem: String,
    },
    /// The variable with the time that SQL may take has none.
    #[error(
        "CLIPTUNE_SQL_SECONDS is {}, which is no whole number of seconds from 1 to {}",
        visible(said),
        u32::MAX
    )]
    SqlSeconds {
        /// What the variable says.
        said: String,
    },
    /// The best run of an experiment is asked for, and none can be judged.
    #[error("no run of {name} is best: none has scores on the validation split")]
    NoBest {
        /// The name of the experiment.
        name: String,
    },
    /// A run of cliptune's is wanted, and the one that there is was imported.
    #[error("{run} was imported: it has no model, and cliptune can neither train nor go on with it")]
    Foreign {
        /// The run's name.
        run: String,
    },
    /// A run that was to be continued is already complete.
    #[error("another process has finished run {}", path.display())]
    Finished {
        /// The run's folder.
        path: PathBuf,
    },
}

/// Returns a path as its user knows it: that of a copy in the cache of remote sources is the address that it is a copy of.
pub fn as_named(path: &Path) -> String {
    copied_from(path).unwrap_or_else(|| path.display().to_string())
}

/// The evidence that a file of the store is not as it was written.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Something that is not a regular file has the file's name.
    #[error("it is not a regular file")]
    NotAFile,
    /// Something that is no folder has the name of one.
    #[error("it is not a folder")]
    NotAFolder,
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

    /// Makes the error that says that another process, of which nothing is known, works on something.
    pub(crate) fn in_use(path: &Path) -> Self {
        Self::InUse { path: path.to_path_buf(), worker: Worker::unknown() }
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
        in_one_line(self)
    }
}
