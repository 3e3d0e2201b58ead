//! What a run trains, and the weights that come of it.

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

/// The largest logit_scale, ln 100: OpenAI's bound, without which the temperature runs away on small data.
const MAX_LOGIT_SCALE: f64 = 4.605_170_185_988_091;

/// A model in training: its weights, what is laid over them, and which of all that moves.
#[derive(Debug)]
pub struct Tuned<'a> {
    parameters: &'a Parameters,
    /// LoRA's, which then are all that moves.
    adapters: Option<Adapters>,
    /// Whether the temperature has to be kept within its bounds.
    clamps: bool,
    average: Option<Average>,
}

impl<'a> Tuned<'a> {
    /// Lets autograd record the weights that the plan moves and no others.
    ///
    /// # Errors
    ///
    /// When the plan unlocks more layers than there are.
    pub fn new(parameters: &'a Parameters, plan: &TrainPlan, seed: Seed) -> Result<Self, TrainError> {
        check_layers(parameters, plan.tune)?;
        parameters.unlock(plan.tune, plan.logit_scale);
        let adapters = match plan.tune {
            Tune::Lora { lora } => Some(Adapters::new(parameters, lora, seed)?),
            Tune::Full | Tune::LockedImage { .. } | Tune::LockedText { .. } | Tune::Projections => None,
        };
        // SigLIP's is not bounded: published ones start above 100, and a first step would move them.
        let bounded = parameters.find(names::LOGIT_BIAS).is_none();
        let clamps = bounded && plan.logit_scale == LogitScale::Learned;
        let mut tuned = Self { parameters, adapters, clamps, average: None };
        if let Some(decay) = plan.ema {
            tuned.average = Some(Average::new(&tuned.moving(), decay)?);
        }
        Ok(tuned)
    }

    /// The weights as they are in training.
    pub fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// What LoRA adds to them.
    pub fn adapters(&self) -> Option<&Adapters> {
        self.adapters.as_ref()
    }

    /// What moves.
    pub fn moving(&self) -> Vec<&Parameter> {
        match &self.adapters {
            Some(adapters) => adapters.parameters().collect(),
            None => self.parameters.iter().filter(|one| one.tensor.requires_grad()).collect(),
        }
    }

    /// Numbers in what moves.
    pub fn len(&self) -> usize {
        self.moving().iter().map(|one| one.spec.len()).sum()
    }

    /// Whether nothing moves.
    pub fn is_empty(&self) -> bool {
        self.moving().is_empty()
    }

    /// What has to follow every update: the bounds of the temperature, and the average.
    pub fn follow_update(&self) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        if self.clamps {
            let mut logit_scale = self.parameters.tensor(names::LOGIT_SCALE)?.shallow_clone();
            let _ = logit_scale.f_clamp_(0.0, MAX_LOGIT_SCALE)?;
        }
        self.average.as_ref().map_or(Ok(()), |average| average.follow(&self.moving()))
    }

    /// The values of what moves that are evaluated and kept: the average of all updates where there is one.
    pub fn kept(&self) -> Vec<(String, &Tensor)> {
        match &self.average {
            Some(average) => average.named().collect(),
            None => self.named_moving().collect(),
        }
    }

    fn named_moving(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.moving().into_iter().map(|one| (one.spec.name.clone(), &one.tensor))
    }

    /// All that updates change, by the names of a checkpoint.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let averaged = self.average.iter().flat_map(Average::named);
        self.named_moving().chain(averaged.map(|(name, tensor)| (format!("{name}.average"), tensor)))
    }

    /// The model as it would be exported now: averaged where there is an average, with the adapters merged into their
    /// weights, and with every row of the token embedding. What is the same is shared, not copied.
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
