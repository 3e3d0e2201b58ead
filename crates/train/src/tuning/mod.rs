//! Decides which weights a run trains, and which weights result.

mod adapter_files;
mod adapters;
mod average;
mod interpolation;

use std::collections::HashMap;

use cliptune_clip::names;
use cliptune_clip::weights::Tower;
use cliptune_experiment::{LogitScale, Seed, TrainPlan, Tune};
use tch::Tensor;

use crate::error::TrainError;
use crate::model::{Parameter, Parameters};
pub use adapter_files::save_adapter;
pub use adapters::Adapters;
use average::Average;
pub use interpolation::{Interpolated, interpolate};

/// The largest logit_scale, ln 100. This is OpenAI's bound; without it the temperature runs away on small data.
const MAX_LOGIT_SCALE: f64 = 4.605_170_185_988_091;

/// A model in training: its weights, the adapters over them, and the choice of which of these move.
#[derive(Debug)]
pub struct Tuned<'a> {
    parameters: &'a Parameters,
    /// The adapters of LoRA; if there are any, nothing else moves.
    adapters: Option<Adapters>,
    /// Whether the temperature must be kept within its bounds.
    clamps: bool,
    average: Option<Average>,
}

impl<'a> Tuned<'a> {
    /// Lets autograd record the weights that the plan moves and no others.
    ///
    /// # Errors
    ///
    /// Returns an error when the plan unlocks more layers than there are.
    pub fn new(parameters: &'a Parameters, plan: &TrainPlan, seed: Seed) -> Result<Self, TrainError> {
        check_layers(parameters, plan.tune)?;
        parameters.unlock(plan.tune, plan.logit_scale);
        let adapters = match plan.tune {
            Tune::Lora { lora } => Some(Adapters::new(parameters, lora, seed)?),
            Tune::Full | Tune::LockedImage { .. } | Tune::LockedText { .. } | Tune::Projections => None,
        };
        // SigLIP's temperature is not bounded: published models start above 100, and the first step would move it.
        let bounded = parameters.find(names::LOGIT_BIAS).is_none();
        let clamps = bounded && plan.logit_scale == LogitScale::Learned;
        let mut tuned = Self { parameters, adapters, clamps, average: None };
        if let Some(decay) = plan.ema {
            tuned.average = Some(Average::new(&tuned.moving(), decay)?);
        }
        Ok(tuned)
    }

    /// Returns the weights as they are in training.
    pub fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// Returns the adapters that LoRA lays over the weights.
    pub fn adapters(&self) -> Option<&Adapters> {
        self.adapters.as_ref()
    }

    /// Returns the weights that move.
    pub fn moving(&self) -> Vec<&Parameter> {
        match &self.adapters {
            Some(adapters) => adapters.parameters().collect(),
            None => self.parameters.iter().filter(|one| one.tensor.requires_grad()).collect(),
        }
    }

    /// Returns the number of elements in the weights that move.
    pub fn len(&self) -> usize {
        self.moving().iter().map(|one| one.spec.len()).sum()
    }

    /// Checks whether nothing moves.
    pub fn is_empty(&self) -> bool {
        self.moving().is_empty()
    }

    /// Does what has to follow every update: keeps the temperature within its bounds, and updates the average.
    pub fn follow_update(&self) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        if self.clamps {
            let mut logit_scale = self.parameters.tensor(names::LOGIT_SCALE)?.shallow_clone();
            let _ = logit_scale.f_clamp_(0.0, MAX_LOGIT_SCALE)?;
        }
        self.average.as_ref().map_or(Ok(()), |average| average.follow(&self.moving()))
    }

    /// Returns the values that are evaluated and kept of the weights that move: their average over all updates, if
    /// there is one.
    pub fn kept(&self) -> Vec<(String, &Tensor)> {
        match &self.average {
            Some(average) => average.named().collect(),
            None => self.named_moving().collect(),
        }
    }

    fn named_moving(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.moving().into_iter().map(|one| (one.spec.name.clone(), &one.tensor))
    }

    /// Iterates over everything that updates change, by the names in a checkpoint.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let averaged = self.average.iter().flat_map(Average::named);
        self.named_moving().chain(averaged.map(|(name, tensor)| (format!("{name}.average"), tensor)))
    }

    /// Returns the model as it would be exported now: averaged if there is an average, with the adapters merged into
    /// their weights, and with every row of the token embedding. Unchanged tensors are shared, not copied.
    pub fn evaluated(&self) -> Result<Parameters, TrainError> {
        let _guard = tch::no_grad_guard();
        let kept: HashMap<String, &Tensor> = self.kept().into_iter().collect();
        let changed = match &self.adapters {
            Some(adapters) => adapters.merged(self.parameters, &kept)?,
            None => kept.into_iter().map(|(name, tensor)| (name, tensor.detach())).collect(),
        };
        self.parameters.replaced(changed).whole()
    }
}

/// Refuses to unlock more layers than a tower has.
fn check_layers(parameters: &Parameters, tune: Tune) -> Result<(), TrainError> {
    let (tower, unlocked) = match tune {
        Tune::LockedImage { unlocked_layers } => (Tower::Vision, unlocked_layers),
        Tune::LockedText { unlocked_layers } => (Tower::Text, unlocked_layers),
        Tune::Full | Tune::Projections | Tune::Lora { .. } => return Ok(()),
    };
    let of_tower = |one: &&Parameter| one.spec.part.tower() == Some(tower);
    let deepest = parameters.iter().filter(of_tower).map(|one| one.spec.depth).max().unwrap_or(0);
    let layers = deepest.saturating_sub(1);
    if unlocked <= layers { Ok(()) } else { Err(TrainError::UnlockedLayers { unlocked, layers }) }
}
