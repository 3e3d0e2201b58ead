//! The starting point of a run: configuration, weights, tokenizer and preprocessing.

use std::path::Path;

use cliptune_clip::config::{
    self, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig, VisionPooling,
};
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_clip::tokenizer::Tokenizer;
use cliptune_clip::{ClipConfig, ModelFolder};
use cliptune_experiment::{
    Activation, Architecture, ImageFit, ModelSource, Objective, Plan, Templates, Transformer,
};
use cliptune_store::{ItemSlice, ResolvedBase, Standing};
use tch::Device;

use crate::data::TextBank;
use crate::error::TrainError;
use crate::model::{self, Parameters};
use crate::objective::needs_logit_bias;

/// A model before training.
#[derive(Debug)]
pub struct Start {
    /// The sizes of the model.
    pub config: ClipConfig,
    /// The weights of the model.
    pub parameters: Parameters,
    /// The tokenizer, which turns text into ids.
    pub tokenizer: Tokenizer,
    /// The preprocessor, which turns image files into pixels.
    pub preprocessor: Preprocessor,
    /// The tensors of the checkpoint that have no place in the model.
    pub extra: Vec<String>,
}

impl Start {
    /// Draws a model from scratch (with a tokenizer made from the train split's words), or reads the one that the plan
    /// starts from.
    pub fn open(standing: &Standing, train_items: ItemSlice<'_>, device: Device) -> Result<Self, TrainError> {
        let plan = &standing.plan;
        let mut start = match (&plan.model.from, &standing.base) {
            (ModelSource::Scratch(architecture), _) => scratch(architecture, standing, train_items, device)?
                .checked("a model from scratch", device)?,
            (_, ResolvedBase::Folder { path, .. }) => Self::from_folder(path, device)?,
            (_, ResolvedBase::Run { run: Some(run), .. }) => Self::from_folder(&run.model_folder(), device)?,
            (_, ResolvedBase::Hub { cached: Some((snapshot, _)), .. }) => {
                Self::from_folder(&snapshot.folder, device)?
            }
            (ModelSource::Run(_) | ModelSource::Hub(_), _) => return Err(TrainError::no_base(plan)),
            (ModelSource::Folder(path), _) => Self::from_folder(path, device)?,
        };
        if let Some(fit) = plan.model.image_fit {
            start.preprocessor.fit = image_fit(fit);
        }
        Ok(start)
    }

    /// Refuses an objective for which the model lacks weights.
    ///
    /// # Errors
    ///
    /// Returns an error for an objective that needs a logit_bias when the model has none.
    pub(crate) fn suits(&self, objective: Objective, plan: &Plan) -> Result<(), TrainError> {
        if needs_logit_bias(objective) && self.parameters.logit_bias()?.is_none() {
            return Err(TrainError::NoLogitBias {
                experiment: plan.experiment.to_string(),
                objective: objective.as_str(),
            });
        }
        Ok(())
    }

    /// Reads a model folder.
    ///
    /// # Errors
    ///
    /// Returns an error when a file is missing, damaged or inconsistent with the others, or the model does not compute
    /// finite numbers.
    pub fn from_folder(folder: &Path, device: Device) -> Result<Self, TrainError> {
        let model = ModelFolder::open(folder)?;
        model.checkpoint.check_values()?;
        let start = Self {
            parameters: model::load_checkpoint(&model.checkpoint, &model.config, device)?,
            extra: model.checkpoint.extra().to_vec(),
            config: model.config,
            tokenizer: model.tokenizer,
            preprocessor: model.preprocessor,
        };
        start.checked(&format!("the model in {}", folder.display()), device)
    }

    /// Returns this starting point, or an error if its model does not compute finite numbers.
    fn checked(self, what: &str, device: Device) -> Result<Self, TrainError> {
        let text = TextBank::encode(&self.tokenizer, &["a"], &Templates::plain())?.tensor(&[0], device)?;
        match model::fault(&self.parameters, &self.config, &text, device)? {
            Some(fault) => Err(TrainError::NotFinite { what: what.to_owned(), fault }),
            None => Ok(self),
        }
    }

    /// Writes the model folder except for the weights, which training has changed.
    pub fn save(&self, folder: &Path) -> Result<(), TrainError> {
        fs_err::create_dir_all(folder)?;
        let config = self.config.to_json()?;
        cliptune_durable::write_atomic(&folder.join(config::CONFIG_FILE), config.as_bytes())?;
        self.tokenizer.save(folder)?;
        Ok(self.preprocessor.save(folder)?)
    }
}

/// Draws a model from scratch. Its tokenizer learns the words of the train split and of the prompts of all classes, which
/// every item is compared with.
fn scratch(
    architecture: &Architecture,
    standing: &Standing,
    train_items: ItemSlice<'_>,
    device: Device,
) -> Result<Start, TrainError> {
    let plan = &standing.plan;
    let templates = plan.data.columns.task.templates();
    let classes = standing.dataset.iter().flat_map(|dataset| &dataset.record().classes);
    let prompts: Vec<String> = classes.flat_map(|class| templates.prompts(class)).collect();
    let own = train_items.iter().flat_map(|item| item.texts().chain(item.vocabulary()));
    let words: Vec<&str> = own.chain(prompts.iter().map(String::as_str)).collect();
    let tokenizer = Tokenizer::train(&words, architecture.vocab_size, architecture.context_length)?;
    let config = clip_config(architecture, &tokenizer);
    Ok(Start {
        parameters: Parameters::random(&config, plan.seed, device)?,
        preprocessor: Preprocessor::openai(architecture.image_size as u32, Fit::Crop),
        tokenizer,
        config,
        extra: Vec::new(),
    })
}

/// Returns the configuration of a declared architecture, with the vocabulary that the words could fill.
fn clip_config(architecture: &Architecture, tokenizer: &Tokenizer) -> ClipConfig {
    ClipConfig {
        vision: VisionConfig {
            image_size: architecture.image_size,
            patch_size: architecture.patch_size,
            pooling: VisionPooling::ClassToken,
            transformer: transformer(architecture.vision, architecture.activation),
        },
        text: TextConfig {
            vocab_size: tokenizer.vocab_size(),
            context_length: architecture.context_length,
            pooling: TextPooling::First(tokenizer.end_id()),
            transformer: transformer(architecture.text, architecture.activation),
        },
        projection_dim: architecture.projection_dim,
        logit_scale_init: architecture.logit_scale,
        family: Family::Clip,
    }
}

fn transformer(sizes: Transformer, activation: Activation) -> TransformerConfig {
    TransformerConfig {
        width: sizes.width,
        layers: sizes.layers,
        heads: sizes.heads,
        mlp_width: 4 * sizes.width,
        activation: match activation {
            Activation::QuickGelu => config::Activation::QuickGelu,
            Activation::Gelu => config::Activation::Gelu,
        },
        layer_norm_eps: 1e-5,
    }
}

fn image_fit(fit: ImageFit) -> Fit {
    match fit {
        ImageFit::Crop => Fit::Crop,
        ImageFit::Pad => Fit::Pad,
        ImageFit::Squash => Fit::Squash,
    }
}
