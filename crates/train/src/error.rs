//! The errors of training.

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use cliptune_clip::checkpoint::CheckpointError;
use cliptune_clip::image::ImageError;
use cliptune_clip::model_folder::FolderError;
use cliptune_clip::tokenizer::TokenizerError;
use cliptune_durable::DurableError;
use cliptune_experiment::{LoadError, ModelSource, Plan};
use cliptune_hub::HubError;
use cliptune_launcher::LauncherError;
use cliptune_native::LIBTORCH;
use cliptune_onnx::OnnxError;
use cliptune_store::StoreError;
use cliptune_terminal::{Diagnostic, Exit};
use cliptune_torch_bridge::{Fault as TorchFault, TorchError};
use tch::TchError;

use crate::divergence::Divergence;
use crate::launcher::{Fault, JoinError};
use crate::memory::MemoryShortage;

/// The reason why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The experiments cannot be used.
    #[error(transparent)]
    Experiments(#[from] LoadError),
    /// The store failed.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// The variable for a libtorch names a folder that is none.
    #[error("there is no libtorch in {}, which {LIBTORCH} names", folder.display())]
    NoLibtorch {
        /// The folder.
        folder: PathBuf,
    },
    /// The program could not start itself again with the libtorch that the variable names.
    #[error("cliptune-train cannot start itself again with the libtorch that {LIBTORCH} names")]
    OtherLibtorch {
        /// The variable that has the loader take it.
        variable: &'static str,
        /// The variable's value for that.
        path: OsString,
        /// The reason, unless the program was started again and the variable has not arrived.
        source: Option<io::Error>,
    },
    /// The dataset of an experiment has not been made yet.
    #[error("{experiment} has no dataset yet")]
    NoDataset {
        /// The name of the experiment.
        experiment: String,
    },
    /// A split that is needed has no items.
    #[error("the {split} split of {experiment} has no items")]
    EmptySplit {
        /// The name of the experiment.
        experiment: String,
        /// The name of the split.
        split: &'static str,
    },
    /// There are more processes than examples in a batch.
    #[error("{world} processes cannot share batches of {batch} items")]
    WorldTooLarge {
        /// The number of processes.
        world: usize,
        /// The number of examples in the first batch, which is whole unless the split is smaller.
        batch: usize,
    },
    /// The run that the starting weights come from does not exist.
    #[error("{experiment} starts from {base}, which has not been trained")]
    NoBase {
        /// The name of the experiment.
        experiment: String,
        /// The name of the experiment that it starts from.
        base: String,
    },
    /// A model folder cannot be used.
    #[error(transparent)]
    Model(#[from] FolderError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// A model cannot be obtained from the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The loss needs a weight that the model does not have.
    #[error("the {objective} objective needs a logit_bias, which {experiment} does not start with")]
    NoLogitBias {
        /// The name of the experiment.
        experiment: String,
        /// The name of the objective.
        objective: &'static str,
    },
    /// The plan unlocks more layers than there are.
    #[error("`unlocked_layers: {unlocked}`, but the locked tower has {layers} blocks")]
    UnlockedLayers {
        /// The number of layers that the plan unlocks.
        unlocked: usize,
        /// The number of blocks in the locked tower.
        layers: usize,
    },
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// An image could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// `model.safetensors` cannot be parsed or written.
    #[error("{} is not a usable safetensors file", path.display())]
    Safetensors {
        /// The path of the file.
        path: PathBuf,
        /// The reason why the file is not usable.
        source: safetensors::SafeTensorError,
    },
    /// A weight is missing or has another shape.
    #[error("{}: weight {name} {problem}", path.display())]
    Weight {
        /// The path of the file.
        path: PathBuf,
        /// The name of the weight.
        name: String,
        /// The problem with the weight.
        problem: String,
    },
    /// A model computes logits that are not finite numbers.
    #[error("{what} computes no finite numbers: {fault}")]
    NotFinite {
        /// The name of the model.
        what: String,
        /// The weight or the tower that causes it.
        fault: String,
    },
    /// A run cannot be continued from its checkpoint.
    #[error("cannot continue from the checkpoint {}", path.display())]
    Checkpoint {
        /// The path of the checkpoint file.
        path: PathBuf,
        /// The reason why it cannot be used.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The model's sizes or the position in the run cannot be written as JSON.
    #[error("cannot write JSON")]
    Json(#[from] serde_json::Error),
    /// A graph could not be exported.
    #[error("cannot export the model")]
    Onnx(#[from] OnnxError),
    /// libtorch failed.
    #[error("libtorch failed: {0}")]
    Torch(String),
    /// Another process of the training is gone or cannot be reached.
    #[error("the other processes cannot be reached any more: {0}")]
    Lost(String),
    /// The training was stopped because its loss leads nowhere.
    #[error("{0}")]
    Diverged(Box<Divergence>),
    /// There was not enough memory.
    #[error("{0}")]
    OutOfMemory(Box<MemoryShortage>),
    /// The variables of a launcher make no sense.
    #[error(transparent)]
    Launcher(#[from] LauncherError),
    /// The processes of a launcher do not come together.
    #[error(transparent)]
    Join(Box<JoinError>),
    /// A process of the training has failed, and all have ended.
    #[error(transparent)]
    Rank(Box<Fault>),
}

impl TrainError {
    /// Returns the error for a plan whose dataset does not exist.
    pub(crate) fn no_dataset(plan: &Plan) -> Self {
        Self::NoDataset { experiment: plan.experiment.to_string() }
    }

    /// Returns the error for a plan whose starting weights belong to a run that does not exist.
    pub(crate) fn no_base(plan: &Plan) -> Self {
        let base = match &plan.model.from {
            ModelSource::Run(reference) => reference.experiment.to_string(),
            ModelSource::Folder(path) => path.display().to_string(),
            ModelSource::Hub(id) => id.to_string(),
            ModelSource::Scratch(_) => "random weights".to_owned(),
        };
        Self::NoBase { experiment: plan.experiment.to_string(), base }
    }

    fn of_libtorch(message: &str) -> Self {
        if let Some(shortage) = MemoryShortage::of_libtorch(message) {
            return Self::OutOfMemory(Box::new(shortage));
        }
        // libtorch appends a C++ stack trace from the second line on.
        Self::Torch(message.lines().next().unwrap_or_default().to_owned())
    }
}

impl From<DurableError> for TrainError {
    fn from(error: DurableError) -> Self {
        StoreError::from(error).into()
    }
}

impl From<StoreError> for TrainError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<JoinError> for TrainError {
    fn from(error: JoinError) -> Self {
        Self::Join(Box::new(error))
    }
}

// fs-err has put the operation and the path into the message, and the store knows what to do about a full disk.
impl From<io::Error> for TrainError {
    fn from(error: io::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<TchError> for TrainError {
    fn from(error: TchError) -> Self {
        Self::of_libtorch(&error.to_string())
    }
}

impl From<TorchError> for TrainError {
    fn from(error: TorchError) -> Self {
        match error.fault() {
            TorchFault::Lost => Self::Lost(error.to_string()),
            _ => Self::of_libtorch(&error.to_string()),
        }
    }
}

impl Diagnostic for TrainError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Hub(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::Weights(error) => error.hint().map(str::to_owned),
            Self::Launcher(error) => error.hint(),
            Self::Join(error) => error.hint(),
            Self::Rank(fault) => fault.hint(),
            Self::NoLogitBias { .. } => Some("start from a SigLIP, or train with `contrastive`".to_owned()),
            Self::UnlockedLayers { .. } => Some("`tune: full` moves all of them".to_owned()),
            Self::NoLibtorch { .. } => Some(format!(
                "{LIBTORCH} is the folder above lib/libtorch_cpu.so; without it, the libtorch is taken that cliptune was built with"
            )),
            Self::OtherLibtorch { variable, path, source: Some(_) } => {
                Some(format!("start it with `{variable}={}`", path.to_string_lossy()))
            }
            Self::OtherLibtorch { variable, .. } => Some(format!(
                "the loader takes {variable} away from a program with capabilities or the rights of another user: start a copy \
                 without them"
            )),
            Self::NoDataset { .. } => Some("run `cliptune ingest` on it first, or `cliptune run`".to_owned()),
            Self::NoBase { base, .. } => {
                Some(format!("run `cliptune train` on {base} first, or `cliptune run`"))
            }
            Self::Checkpoint { .. } => {
                Some("the same command trains this run again from its beginning".to_owned())
            }
            Self::WorldTooLarge { batch, .. } => {
                Some(format!("start at most {batch} processes, or set a larger `train.batch_size`"))
            }
            Self::EmptySplit { .. } => Some("give it a share in `data.split`".to_owned()),
            Self::NotFinite { .. } => Some(
                "such a model can neither be trained nor scored: start from another copy of it, or train with a lower \
                 `train.optimizer.lr`"
                    .to_owned(),
            ),
            Self::Diverged(divergence) => Some(divergence.advice()),
            Self::OutOfMemory(shortage) => Some(shortage.advice()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_) | Self::NoLibtorch { .. } | Self::WorldTooLarge { .. } => Exit::Usage,
            Self::Store(error) => error.exit(),
            Self::Hub(error) => error.exit(),
            Self::Launcher(error) => error.exit(),
            Self::Join(error) => error.exit(),
            Self::Rank(fault) => fault.exit(),
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
