//! Why a model cannot be applied.

use std::path::PathBuf;
use std::{fmt, io};

use cliptune_clip::model_folder::FolderError;
use cliptune_durable::DurableError;
use cliptune_encode::EncodeError;
use cliptune_encode::graph::GraphError;
use cliptune_encode::runtime::RuntimeError;
use cliptune_experiment::Precision;
use cliptune_onnx::OnnxError;
use cliptune_sources::SourceError;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit, format};

/// What a command looks for at the paths that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// Images.
    Images,
    /// Images, or texts in files of lines and in tables.
    ImagesOrTexts,
}

impl Sought {
    fn advice(self) -> &'static str {
        match self {
            Self::Images => {
                "name image files, a folder or a glob of them, or .tar or .parquet files that hold images"
            }
            Self::ImagesOrTexts => {
                "name images, folders or globs of them, .tar or .parquet files that hold images, .txt files with a text in each line, or \
                 tables with --column"
            }
        }
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Images => "images",
            Self::ImagesOrTexts => "images or texts",
        })
    }
}

/// Why a model cannot be applied to something.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store, an image or a run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// ONNX Runtime is missing or unusable.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model cannot be used, or cannot encode something.
    #[error(transparent)]
    Encode(Box<EncodeError>),
    /// A model folder cannot be read.
    #[error(transparent)]
    Model(#[from] FolderError),
    /// The graphs of a model folder cannot be written.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Something cannot be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// Remote files cannot be fetched.
    #[error(transparent)]
    Sources(#[from] SourceError),
    /// A file operation failed; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A model has no graphs in a precision.
    #[error("{model} has no graphs in {precision}")]
    NoPrecision {
        /// The model.
        model: String,
        /// The precision.
        precision: Precision,
    },
    /// A file of texts has none.
    #[error("{} has no texts", path.display())]
    NoTexts {
        /// The file.
        path: PathBuf,
    },
    /// A file has more texts than are ranked at once.
    #[error("{} has more than {} texts", path.display(), format::count(*most as u64))]
    TooManyTexts {
        /// The file.
        path: PathBuf,
        /// The most texts that are ranked at once.
        most: usize,
    },
    /// Classes are named several times.
    #[error("{} of {} {} the name of a class", format::counted(*lines as u64, "line"), path.display(), format::agreed(*lines as u64, "repeats", "repeat"))]
    RepeatedClass {
        /// The file.
        path: PathBuf,
        /// The number of lines that repeat an earlier one.
        lines: usize,
    },
    /// There is nothing at some paths.
    #[error("there are no {sought} at {}", listed(paths))]
    Nothing {
        /// What there could be.
        sought: Sought,
        /// The paths.
        paths: Vec<PathBuf>,
    },
    /// None of the inputs can be embedded, or there are none.
    #[error("{}", nothing_embedded(*inputs, noun))]
    NothingEmbedded {
        /// The number of inputs.
        inputs: u64,
        /// What they are.
        noun: &'static str,
    },
    /// Images and texts are to be embedded into one file, or neither.
    #[error("one file has the embeddings of images or of texts, not of both")]
    ImagesAndTexts,
    /// A file has columns, and none is named.
    #[error("{} is a table, and no column of it is named", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
    },
    /// A column is named of a file that has none.
    #[error("{} is no table with columns", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
    },
    /// An address has nothing that can be embedded.
    #[error("there is nothing to embed at {address}")]
    NothingElsewhere {
        /// The address.
        address: String,
    },
    /// The file that is to be made has the name of a folder.
    #[error("{} is a folder and not the name of a file", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// Something has the name of the file that is to be made.
    #[error("{} is there already", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// There is no folder for the file that is to be made.
    #[error("there is no folder {}", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Another process embeds into the same file.
    #[error("another process works on {}", path.display())]
    InUse {
        /// The folder of its journal.
        path: PathBuf,
    },
    /// An earlier call for the same file had another model, another precision or another version of it.
    #[error("{} was begun with another model, precision or version", path.display())]
    OtherJob {
        /// The folder of the journal.
        path: PathBuf,
    },
    /// A file is not one that can be searched.
    #[error("{} cannot be searched: {problem}", path.display())]
    NotEmbeddings {
        /// The file.
        path: PathBuf,
        /// Why it cannot.
        problem: &'static str,
    },
    /// The model that made the embeddings is not where it was.
    #[error("the model that made the embeddings, {model}, is not there")]
    LostModel {
        /// What it was called.
        model: String,
    },
    /// A query is to be encoded by another model than the embeddings.
    #[error("{model} did not make these embeddings: their cosines would mean nothing")]
    OtherModel {
        /// The model of the query.
        model: String,
        /// What the model of the embeddings was called.
        made_by: String,
    },
    /// The embeddings have a precision that this version does not know.
    #[error("the embeddings were computed in {precision}, which is unknown here")]
    UnknownPrecision {
        /// The precision.
        precision: String,
    },
    /// The image that is searched for cannot be used.
    #[error("cannot search for {}: {problem}", image.display())]
    UnusableQuery {
        /// The image.
        image: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The model sees no direction in an input.
    #[error("the model computes {computed} for {name}")]
    NoDirection {
        /// The input.
        name: String,
        /// What the embedding consists of.
        computed: &'static str,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

fn nothing_embedded(inputs: u64, noun: &str) -> String {
    match inputs {
        0 => format!("there are no {noun}s in what is to be embedded"),
        _ => format!("none of {} can be embedded", format::counted(inputs, noun)),
    }
}

impl From<EncodeError> for ApplyError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(Box::new(error))
    }
}

impl Diagnostic for ApplyError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Nothing { sought, .. } => sought.advice().to_owned(),
            Self::Store(StoreError::Packed { .. }) => "name the others one by one or with a glob, without this one".to_owned(),
            Self::Store(error) => return error.hint(),
            Self::Runtime(error) => error.advice(),
            Self::Encode(error) => return hint_about_model(error),
            Self::Model(error) => return error.hint(),
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::Sources(error) => return hint_about_source(error),
            Self::NoPrecision { .. } => {
                "a run has the precisions that its `export.onnx` names, int8 only where it was kept; `cliptune show RUN` says which"
                    .to_owned()
            }
            Self::NoTexts { .. } => "it has one text in a line; empty lines do not count".to_owned(),
            Self::TooManyTexts { .. } => {
                "`cliptune embed` takes any number of texts, and `cliptune search` finds the best for an image".to_owned()
            }
            Self::ImagesAndTexts => "make two files: call it once for the images, and once for the texts".to_owned(),
            Self::NoColumn { .. } => "--column names it".to_owned(),
            Self::NoTable { .. } => "--column is for .parquet, .csv, .tsv and .jsonl files".to_owned(),
            Self::NoFolder { .. } => "make it first".to_owned(),
            Self::Folder { path } => format!("name a file in it: --to {}", path.join("embeddings.parquet").display()),
            Self::Occupied { .. } => "name another file, or move this one away".to_owned(),
            Self::OtherJob { .. } => "--restart forgets it and begins anew; another --to leaves it as it is".to_owned(),
            Self::NotEmbeddings { .. } => "`cliptune embed` makes a file that can be searched".to_owned(),
            Self::LostModel { .. } => "--model names the run or the folder; --store the store that it is in".to_owned(),
            Self::OtherModel { made_by, .. } => {
                format!("they were made by {made_by}, or by what had that name then; --model names its run or its folder")
            }
            Self::NoDirection { .. } => DIVERGED.to_owned(),
            _ => return None,
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Encode(error) => match &**error {
                EncodeError::Store(error) => error.exit(),
                _ => Exit::Failed,
            },
            Self::Sources(error) => error.exit(),
            Self::NoTexts { .. }
            | Self::Nothing { .. }
            | Self::Folder { .. }
            | Self::NoPrecision { .. }
            | Self::TooManyTexts { .. }
            | Self::RepeatedClass { .. }
            | Self::ImagesAndTexts
            | Self::NoColumn { .. }
            | Self::NoTable { .. }
            | Self::NothingElsewhere { .. }
            | Self::Occupied { .. }
            | Self::NoFolder { .. }
            | Self::NotEmbeddings { .. }
            | Self::LostModel { .. }
            | Self::OtherModel { .. }
            | Self::OtherJob { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// The advice about weights that compute nothing of use.
const DIVERGED: &str = "the weights have diverged or were broken before: take another model";

/// Returns what to do about an address, where options are at hand and no experiment.
fn hint_about_source(error: &SourceError) -> Option<String> {
    let hint = match error {
        SourceError::NotListed { .. } | SourceError::NotHeld { .. } | SourceError::PartsHeld { .. } => {
            "run the same command without --offline: what it fetches stays in the cache"
        }
        SourceError::Credentials { .. } => "public data needs none: --anonymous sends none",
        SourceError::Denied { has_credentials: true, .. } => {
            "check what the account may read; for public data, --anonymous sends none"
        }
        other => return other.hint(),
    };
    Some(hint.to_owned())
}

/// Returns what to do about a model that cannot be used.
fn hint_about_model(error: &EncodeError) -> Option<String> {
    let hint = match error {
        EncodeError::Store(error) => return error.hint(),
        EncodeError::Graph(GraphError::Contradiction(_)) => {
            "its model/ and onnx/ belong to different models: put the files back as they were written"
        }
        EncodeError::Graph(_) | EncodeError::Weights(_) | EncodeError::Onnx(_) => {
            "the graphs are damaged or of another program: `cliptune run` exports them again"
        }
        EncodeError::NoDirection { .. } => DIVERGED,
        EncodeError::NoPrecision { .. }
        | EncodeError::Config(_)
        | EncodeError::Tokenizer(_)
        | EncodeError::Image(_) => return None,
    };
    Some(hint.to_owned())
}
