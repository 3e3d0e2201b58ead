//! The reasons why scoring can fail.

use std::path::PathBuf;

use cliptune_encode::EncodeError;
use cliptune_encode::graph::GraphError;
use cliptune_encode::runtime::RuntimeError;
use cliptune_experiment::{LoadError, Precision, Split};
use cliptune_native::ORT_DISABLE_TELEMETRY;
use cliptune_onnx::OnnxError;
use cliptune_statistics::Unusable;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit};

/// The reason why scoring failed.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The program cannot start itself again with telemetry turned off.
    #[error("cliptune-score cannot start itself again with ONNX Runtime's telemetry turned off")]
    Restart(#[source] std::io::Error),
    /// The experiments cannot be loaded.
    #[error(transparent)]
    Experiments(#[from] LoadError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// ONNX Runtime is missing or unusable.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model cannot be used, or cannot encode something.
    #[error(transparent)]
    Encode(Box<EncodeError>),
    /// A graph cannot be made in another precision, or what it is compared with cannot be read.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// No statistics can be computed from the items.
    #[error(transparent)]
    Statistics(#[from] Unusable),
    /// Some plans have no finished run.
    #[error("not trained yet: {}", runs.join(", "))]
    NotTrained {
        /// The experiment and seed of each of these plans.
        runs: Vec<String>,
        /// The experiment files of these plans.
        files: Vec<PathBuf>,
    },
    /// The run has no exported graphs.
    #[error("{run} has no ONNX graphs")]
    NotExported {
        /// The run.
        run: String,
    },
    /// The dataset of the run is no longer in the store.
    #[error("the dataset of {run} is not in the store any more")]
    NoDataset {
        /// The run.
        run: String,
    },
    /// The split has no items.
    #[error("the {split} split of {run} has no items")]
    EmptySplit {
        /// The run.
        run: String,
        /// The split.
        split: Split,
    },
    /// The model prepares images differently from what the run was planned with.
    #[error("{run} was planned with image_fit {planned}, but its model has {found}")]
    OtherFit {
        /// The run.
        run: String,
        /// The `image_fit` that the plan names.
        planned: &'static str,
        /// The `image_fit` that the model folder and the graphs name.
        found: &'static str,
    },
    /// The parity sample is empty or malformed.
    #[error("onnx/parity.json of {run} has nothing to compare with")]
    NoSample {
        /// The run.
        run: String,
    },
    /// The parity sample belongs to another dataset.
    #[error("onnx/parity.json of {run} has item {item}, which is not in its dataset")]
    ForeignSample {
        /// The run.
        run: String,
        /// The item of the sample that is not in the dataset.
        item: String,
    },
    /// The run does not pass the parity gate: a graph's logit differs too much from libtorch's.
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
        /// The logit that libtorch computed.
        libtorch: f64,
        /// The logit that ONNX Runtime computed.
        onnx: f64,
    },
    /// The dataset has no validation items by which reduced precisions could be judged.
    #[error("the reduced precisions of {run} cannot be judged: its dataset has no validation items")]
    NothingToJudgeBy {
        /// The run.
        run: String,
    },
    /// A reduced precision gives an unusable embedding where fp32 gives a usable one.
    #[error("{precision} computes {computed} for {input}; fp32 does not")]
    TooCoarse {
        /// The reduced precision.
        precision: Precision,
        /// The text or image whose embedding is unusable.
        input: String,
        /// What the embedding consists of: `NaN`, `infinite numbers` or `nothing but zeros`.
        computed: &'static str,
    },
    /// A logit that libtorch recorded when the run was exported is not a finite number.
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
        /// The logit that libtorch computed.
        computed: f64,
    },
}

impl From<EncodeError> for ScoreError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(Box::new(error))
    }
}

/// The advice about files of a run that do not go together.
const PUT_BACK: &str = "put the files of model/ and onnx/ back as the run wrote them, or move the run's folder out of the store \
                        and train it again: scores of a model that is fed in another way than it was trained mean nothing";
/// The advice about a run whose export nobody can use.
const EXPORT_AGAIN: &str = "the export is damaged or of another program: move the run's folder out of the store, and \
                            `cliptune run` trains it again";
/// The advice about weights that compute nothing of use.
const DIVERGED: &str = "the weights have diverged or were broken before: train with a lower learning rate, or start from \
                        other weights";

/// Returns what to do about a run's model that cannot be used.
fn hint_about_model(error: &EncodeError) -> Option<String> {
    match error {
        EncodeError::Store(error) => error.hint(),
        EncodeError::Graph(GraphError::Contradiction(_)) => Some(PUT_BACK.to_owned()),
        EncodeError::Graph(_) | EncodeError::Weights(_) | EncodeError::Onnx(_) => {
            Some(EXPORT_AGAIN.to_owned())
        }
        EncodeError::NoDirection { .. } => Some(DIVERGED.to_owned()),
        EncodeError::NoPrecision { .. }
        | EncodeError::Config(_)
        | EncodeError::Tokenizer(_)
        | EncodeError::Image(_) => None,
    }
}

impl Diagnostic for ScoreError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Encode(error) => return hint_about_model(error),
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
            Self::OtherFit { .. } => PUT_BACK.to_owned(),
            Self::NoSample { .. } | Self::ForeignSample { .. } => EXPORT_AGAIN.to_owned(),
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
            Self::TrainedNotFinite { .. } => DIVERGED.to_owned(),
            _ => return None,
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_) => Exit::Usage,
            Self::Store(error) => error.exit(),
            Self::Encode(error) => match &**error {
                EncodeError::Store(error) => error.exit(),
                _ => Exit::Failed,
            },
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
