//! The resolved plan: what one run does, with every default filled in and every path absolute.
//!
//! A plan is made once from the YAML and never changes. The tools take it as it is; nothing downstream looks at
//! YAML, defaults or overrides again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cliptune_hub::HubId;
use serde::{Deserialize, Serialize};

use crate::language::{Vocabulary, options, word, words};
use crate::shape::Shape;
use crate::values::{ExperimentName, Fraction, Seed};

mod augment;
mod checkpoint;
mod label;
mod objective;
mod optimizer;
mod schedule;
mod train;
mod tune;

pub use augment::{Augment, ColorJitter, RandomErasing, RandomResizedCrop};
pub use checkpoint::CheckpointInterval;
pub use label::{Label, LabelReading};
pub use objective::{Objective, Reduction};
pub use optimizer::{OptimizerPlan, UpdateRule};
pub use schedule::{Decay, Schedule, Warmup};
pub use train::{Compute, Select, TrainPlan};
pub use tune::{LogitScale, Lora, LoraTarget, LoraTargets, Tune};

/// One experiment file: the runs it stands for, in the order of its matrix and seeds.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The experiment's name.
    pub name: ExperimentName,
    /// The YAML file it was read from.
    pub file: PathBuf,
    /// What the author says it is.
    pub description: Option<String>,
    /// One plan per matrix point and seed; never empty.
    pub plans: Vec<Plan>,
}

/// One run to be: one set of settings and one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The experiment it belongs to.
    pub experiment: ExperimentName,
    /// What the author says the experiment is.
    pub description: Option<String>,
    /// The dataset.
    pub data: DataPlan,
    /// Where the weights start from.
    pub model: ModelPlan,
    /// How they are trained; `None` scores the model as it is.
    pub train: Option<TrainPlan>,
    /// How often training saves what it goes on from. Runs recorded before there was a choice have the default.
    #[serde(default)]
    pub checkpoint: CheckpointInterval,
    /// What is exported.
    pub export: ExportPlan,
    /// What is scored.
    pub score: ScorePlan,
    /// The run's seed: initial weights and the order of the data.
    pub seed: Seed,
    /// The point of `matrix:` this run stands at, by dotted key; empty without a matrix.
    pub axes: BTreeMap<String, serde_json::Value>,
}

/// `data:` – images, a table, how they join, and how the items are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataPlan {
    /// An absolute folder, file or glob of image files.
    pub images: PathBuf,
    /// The table of texts.
    pub metadata: TableSource,
    /// Which image belongs to which row.
    pub join: Join,
    /// Which columns mean what.
    pub columns: Columns,
    /// An SQL condition over the joined row; rows that fail it are left out.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Whether rows of the same group, texts and label become one item with a multiplicity.
    pub deduplicate: bool,
    /// How items are assigned to splits.
    pub split: SplitPlan,
}

/// A table and its format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSource {
    /// The absolute path of a file, or a glob whose files are one table.
    pub path: PathBuf,
    /// Taken from the file name.
    pub format: TableFormat,
}

/// What kind of file the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma- or tab-separated text with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// `data.join:` – the two sides' keys.
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

/// `data.columns:` – which table columns mean what. Each is the name of a column or an SQL expression over the row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// What is to be learned from a row.
    pub task: Task,
    /// The row's own identifier; the row number when absent.
    pub id: Option<String>,
    /// What must not cross a split; the image when absent.
    pub group: Option<String>,
    /// Further text columns (text or lists of text) whose words a tokenizer trained from scratch should know.
    pub vocabulary: Vec<String>,
}

/// The two kinds of item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// N candidate texts, one right.
    Choice {
        /// The list of texts.
        choices: String,
        /// Which of them is right.
        label: Label,
    },
    /// An image with its own caption.
    Pairs {
        /// The caption.
        text: String,
    },
}

impl Task {
    /// The kind alone, for records and tables.
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
    /// N candidate texts, one right.
    Choice,
    /// An image with its own caption.
    Pairs,
}

/// `data.split:` – who goes where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitPlan {
    /// The unit that is assigned as a whole.
    pub by: SplitBy,
    /// The share of joined rows in each split (of items, by row); unused for [`SplitBy::Column`].
    pub shares: SplitShares,
    /// Seeds the assignment.
    pub seed: Seed,
}

/// Shares of the three splits; they sum to one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitShares {
    /// Share of `train`.
    pub train: Fraction,
    /// Share of `validation`.
    pub validation: Fraction,
    /// Share of `test`.
    pub test: Fraction,
}

/// The unit of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// Connected components of groups and the texts (or other columns) they share.
    Component {
        /// The columns that connect rows beside the group. Empty: the item's own texts. Two datasets of the same
        /// images get the same split when they name the same columns.
        across: Vec<String>,
    },
    /// Each group on its own; texts may cross.
    Group,
    /// Each item on its own; images and texts may cross. Leaks, and the report says so.
    Row,
    /// A column or an SQL expression that gives `train`, `validation` or `test`.
    Column(String),
}

words! {
    /// A part of a dataset.
    pub enum Split {
        /// Weights are fitted to it.
        Train = "train",
        /// Choices, such as that of an epoch, are made on it.
        Validation = "validation",
        /// Results are reported on it.
        Test = "test",
    }
}

impl Split {
    /// All splits in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Returns the name used in files and folders.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `model:` – where the weights start from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPlan {
    /// The starting point.
    pub from: ModelSource,
    /// How an image becomes a square; `None`: as the starting point's preprocessor says.
    pub image_fit: Option<ImageFit>,
}

/// The starting point of a run's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelSource {
    /// Random weights of a declared architecture.
    Scratch(Architecture),
    /// A folder as Hugging Face or open_clip lays it out.
    Folder(PathBuf),
    /// A model on the Hugging Face Hub.
    Hub(HubId),
    /// The model of another experiment's run.
    Run(RunReference),
}

/// As YAML has it.
impl std::fmt::Display for ModelSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scratch(_) => f.write_str("scratch"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Hub(id) => id.fmt(f),
            Self::Run(reference) => reference.fmt(f),
        }
    }
}

/// `run:NAME` or `run:NAME@SEED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReference {
    /// The experiment.
    pub experiment: ExperimentName,
    /// Which of its seeds; `None` when it has a single run.
    pub seed: Option<Seed>,
}

impl std::fmt::Display for RunReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "run:{}@{seed}", self.experiment),
            None => write!(f, "run:{}", self.experiment),
        }
    }
}

/// `model.architecture:` – the sizes of a CLIP trained from random weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// Side of the square image in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels; divides `image_size`.
    pub patch_size: usize,
    /// The vision transformer.
    pub vision: Transformer,
    /// The text transformer.
    pub text: Transformer,
    /// Longest text in tokens, both ends included.
    pub context_length: usize,
    /// Size of the BPE vocabulary trained on the train split's texts.
    pub vocab_size: usize,
    /// Size of the shared embedding.
    pub projection_dim: usize,
    /// The activation of both transformers.
    pub activation: Activation,
    /// The initial value of logit_scale (a logarithm).
    pub logit_scale: f64,
}

/// Sizes of one transformer. The MLP is four times as wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transformer {
    /// Width of the residual stream; a multiple of `heads`.
    pub width: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Number of attention heads.
    pub heads: usize,
}

words! {
    /// The activation of the MLPs.
    pub enum Activation {
        /// The approximation x·σ(1.702x), as in OpenAI's CLIP.
        QuickGelu = "quick_gelu",
        /// The exact Gaussian error linear unit.
        Gelu = "gelu",
    }
}

words! {
    /// How an image becomes a square.
    pub enum ImageFit {
        /// The shorter side is resized, and the middle is kept.
        Crop = "crop",
        /// The longer side is resized, and the rest is filled.
        Pad = "pad",
        /// Both sides are resized, whatever that does to the proportions.
        Squash = "squash",
    }
}

impl ImageFit {
    /// The word in the language.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}

const PRECISION: Shape = word::<Precision>();
const SPLIT: Shape = word::<Split>();

options! {
    /// `export`: what is written beside the model.
    pub struct ExportPlan {
        /// The precisions of the ONNX graphs.
        onnx: Vec<Precision> = "[fp32]", Shape::set(&PRECISION, 0);
        /// The validation accuracy (for pairs: recall@1) that int8 may lose; if it loses as much, it is not kept. Only with
        /// `int8` in `onnx`; 0.01 when absent.
        int8_margin: Option<Fraction>;
    }
}

impl ExportPlan {
    /// The precisions that are made from the fp32 graphs and compared with them on the validation split.
    pub fn reduced(&self) -> impl Iterator<Item = Precision> + '_ {
        self.onnx.iter().copied().filter(|precision| *precision != Precision::Fp32)
    }

    /// A precision is kept only if its validation accuracy falls by less than this; `None`: whatever it loses.
    pub fn margin(&self, precision: Precision) -> Option<Fraction> {
        self.int8_margin.filter(|_| precision == Precision::Int8)
    }
}

words! {
    /// The precision of exported weights.
    pub enum Precision {
        /// 32-bit floats, which are the numbers that were trained.
        Fp32 = "fp32",
        /// 16-bit floats, which take half the space and are meant for GPUs.
        Fp16 = "fp16",
        /// 8-bit integers, which take a quarter of the space and are meant for CPUs. They are kept only within `int8_margin`.
        Int8 = "int8",
    }
    planned &["bf16"];
}

impl Precision {
    /// Returns the name used in files, tables and YAML.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

options! {
    /// `score`: what is evaluated.
    pub struct ScorePlan {
        /// The splits to score.
        splits: Vec<Split> = "[validation, test]", Shape::set(&SPLIT, 1);
    }
}
