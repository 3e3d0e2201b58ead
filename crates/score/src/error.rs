//! Why scoring failed.

use std::path::PathBuf;

use cliptune_clip::ConfigError;
use cliptune_clip::checkpoint::CheckpointError;
use cliptune_clip::image::ImageError;
use cliptune_clip::tokenizer::TokenizerError;
use cliptune_experiment::{LoadError, Precision, Split};
use cliptune_native::ORT_DISABLE_TELEMETRY;
use cliptune_onnx::OnnxError;
use cliptune_statistics::Unusable;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit};

use crate::graph::GraphError;
use crate::runtime::RuntimeError;

/// Why scoring failed.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The program cannot start itself again with telemetry turned off.
    #[error("cliptune-score cannot start itself again with ONNX Runtime's telemetry turned off")]
    Restart(#[source] std::io::Error),
    /// The experiments are wrong.
    #[error(transparent)]
    Experiments(#[from] LoadError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// ONNX Runtime is missing or unusable.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A graph is missing or unusable.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The weights beside the graphs are unusable.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// A graph cannot be made in another precision, or what it is compared with cannot be read.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The model's configuration is missing or unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tokenizer is missing or unusable.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// An image or the preprocessing is unusable.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Nothing can be computed from the items.
    #[error(transparent)]
    Statistics(#[from] Unusable),
    /// Plans without a finished run.
    #[error("not trained yet: {}", runs.join(", "))]
    NotTrained {
        /// Experiment and seed of each.
        runs: Vec<String>,
        /// The files of their experiments.
        files: Vec<PathBuf>,
    },
    /// A run without graphs.
    #[error("{run} has no ONNX graphs")]
    NotExported {
        /// The run.
        run: String,
    },
    /// The dataset of a run is gone.
    #[error("the dataset of {run} is not in the store any more")]
    NoDataset {
        /// The run.
        run: String,
    },
    /// A split without items.
    #[error("the {split} split of {run} has no items")]
    EmptySplit {
        /// The run.
        run: String,
        /// The split.
        split: Split,
    },
    /// The model prepares images in another way than the run was planned with.
    #[error("{run} was planned with image_fit {planned}, but its model has {found}")]
    OtherFit {
        /// The run.
        run: String,
        /// What the plan says.
        planned: &'static str,
        /// What the model folder and the graphs say.
        found: &'static str,
    },
    /// The parity sample is empty or malformed.
    #[error("onnx/parity.json of {run} has nothing to compare with")]
    NoSample {
        /// The run.
        run: String,
    },
    /// The parity sample is of another dataset.
    #[error("onnx/parity.json of {run} has item {item}, which is not in its dataset")]
    ForeignSample {
        /// The run.
        run: String,
        /// The item.
        item: String,
    },
    /// The parity gate.
    #[error(
        "{run}: {graph} does not compute what was trained: text {text} of item {item} has logit {onnx:.6}, \
         libtorch's is {libtorch:.6}"
    )]
    Parity {
        /// The run.
        run: String,
        /// The graph that disagrees.
        graph: &'static str,
        /// The item of the sample.
        item: String,
        /// The number of the text in the item, from 0.
        text: usize,
        /// libtorch's logit.
        libtorch: f64,
        /// ONNX Runtime's logit.
        onnx: f64,
    },
    /// A dataset without validation items.
    #[error("the reduced precisions of {run} cannot be judged: its dataset has no validation items")]
    NothingToJudgeBy {
        /// The run.
        run: String,
    },
    /// An embedding that is only a number in 32 bits.
    #[error("{precision} computes {computed} for {input}; fp32 does not")]
    TooCoarse {
        /// The precision.
        precision: Precision,
        /// The text or the image.
        input: String,
        /// `NaN`, `infinite numbers` or `nothing but zeros`.
        computed: &'static str,
    },
    /// An embedding of zero length or of something that is not a number.
    #[error("{}: ONNX Runtime computes {computed} for {input}", graph.display())]
    NoDirection {
        /// The graph of the tower.
        graph: PathBuf,
        /// The text or the image.
        input: String,
        /// `NaN`, `infinite numbers` or `nothing but zeros`.
        computed: &'static str,
    },
    /// What libtorch wrote down when the run was exported is no number.
    #[error(
        "the model of {run} is unusable: libtorch itself computed {computed} for text {text} of item {item} when the run \
         was exported"
    )]
    TrainedNotFinite {
        /// The run.
        run: String,
        /// The item of the sample.
        item: String,
        /// The number of the text in the item, from 0.
        text: usize,
        /// The logit.
        computed: f64,
    },
}

impl Diagnostic for ScoreError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Restart(_) => format!("set {ORT_DISABLE_TELEMETRY}=1 in the environment"),
            Self::Runtime(error) => error.advice(),
            Self::NotTrained { files, .. } => {
                let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                format!("run `cliptune train {}` first", files.join(" "))
            }
            Self::NotExported { .. } => "add fp32 to export.onnx of the experiment and train it again".to_owned(),
            Self::NoDataset { .. } => "run `cliptune ingest` with the same experiment again".to_owned(),
            Self::EmptySplit { split, .. } => {
                format!("take {split} out of score.splits, or give it a share in data.split")
            }
            Self::Graph(GraphError::Contradiction(_)) | Self::OtherFit { .. } => {
                "put the files of model/ and onnx/ back as the run wrote them, or move the run's folder out of the \
                 store and train it again: scores of a model that is fed in another way than it was trained mean nothing"
                    .to_owned()
            }
            Self::Graph(_) | Self::Weights(_) | Self::NoSample { .. } | Self::ForeignSample { .. } => {
                "the export is damaged or of another program: move the run's folder out of the store, and `cliptune run` \
                 trains it again"
                    .to_owned()
            }
            Self::Parity { .. } => {
                "nothing was scored; please report this with the model's config.json, and do not deploy the export"
                    .to_owned()
            }
            Self::NothingToJudgeBy { .. } => {
                "take fp16 and int8 out of export.onnx, or give validation a share in data.split".to_owned()
            }
            Self::TooCoarse { precision, .. } => {
                format!("the model's numbers do not fit into it: take {precision} out of export.onnx")
            }
            Self::NoDirection { .. } | Self::TrainedNotFinite { .. } => {
                "the weights have diverged or were broken before: train with a lower learning rate, or start from other \
                 weights"
                    .to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_) => Exit::Usage,
            Self::Store(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn rendered(&self) -> Option<String> {
        match self {
            Self::Experiments(error) => Some(error.rendered()),
            _ => None,
        }
    }
}
