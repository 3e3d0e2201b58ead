//! The weights of one model as tensors.

use std::collections::HashMap;

use cliptune_clip::ClipConfig;
use cliptune_clip::names;
use cliptune_clip::weights::{Init, Part, WeightSpec, weights};
use cliptune_experiment::{Seed, Tune};
use tch::{Device, Kind, Tensor};

use crate::error::TrainError;

/// A weight and its tensor.
#[derive(Debug)]
pub struct Parameter {
    /// What it is.
    pub spec: WeightSpec,
    /// Its values: f32 on the model's device.
    pub tensor: Tensor,
}

/// All weights of a model, in the order of [`weights`].
#[derive(Debug)]
pub struct Parameters {
    list: Vec<Parameter>,
    index: HashMap<String, usize>,
}

impl Parameters {
    /// The parameters in the order of [`weights`].
    pub(super) fn new(list: Vec<Parameter>) -> Self {
        let index = list.iter().enumerate().map(|(row, one)| (one.spec.name.clone(), row)).collect();
        Self { list, index }
    }

    /// Weights drawn from their initial distributions.
    ///
    /// Drawn on the CPU, so that a seed means the same weights on every device.
    pub fn random(config: &ClipConfig, seed: Seed, device: Device) -> Result<Self, TrainError> {
        tch::manual_seed(i64::from(seed.0));
        let draw = |spec: WeightSpec| -> Result<Parameter, TrainError> {
            let tensor = initial(&spec)?.f_to_device(device)?;
            Ok(Parameter { spec, tensor })
        };
        Ok(Self::new(weights(config).into_iter().map(draw).collect::<Result<_, _>>()?))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.list.iter()
    }

    /// Names and tensors, as files hold them.
    pub fn named(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.list.iter().map(|parameter| (parameter.spec.name.clone(), &parameter.tensor))
    }

    /// Names and tensors of the weights that [`unlock`](Self::unlock) has let move.
    pub fn moving(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.named().filter(|(_, tensor)| tensor.requires_grad())
    }

    /// Makes the weights that move equal to another model's.
    pub fn copy_moving(&self, other: &Self) -> Result<(), TrainError> {
        let _guard = tch::no_grad_guard();
        for (name, tensor) in self.moving() {
            tensor.shallow_clone().f_copy_(other.tensor(&name)?)?;
        }
        Ok(())
    }

    /// The tensor of that name; an error from the interpreter's side means the definition asks for a weight that
    /// [`weights`] does not list.
    pub fn tensor(&self, name: &str) -> Result<&Tensor, TrainError> {
        let row =
            self.index.get(name).ok_or_else(|| TrainError::Torch(format!("there is no weight {name}")))?;
        Ok(&self.list[*row].tensor)
    }

    /// The tensor of a name that not every model has.
    pub fn find(&self, name: &str) -> Option<&Tensor> {
        self.index.get(name).map(|&row| &self.list[row].tensor)
    }

    /// exp(logit_scale), the factor of the cosines.
    pub fn logit_scale(&self) -> Result<f64, TrainError> {
        Ok(number(self.tensor(names::LOGIT_SCALE)?)?.exp())
    }

    /// What is added to the logits, if the model has such a weight.
    pub fn logit_bias(&self) -> Result<Option<f64>, TrainError> {
        self.find(names::LOGIT_BIAS).map(number).transpose()
    }

    /// Lets autograd record the weights that `tune` moves and no others; returns them.
    pub fn unlock(&self, tune: Tune) -> Vec<&Parameter> {
        let (moving, locked): (Vec<_>, Vec<_>) =
            self.list.iter().partition(|parameter| moves(tune, parameter.spec.part));
        for (parameters, requires_grad) in [(&moving, true), (&locked, false)] {
            for parameter in parameters {
                let _ = parameter.tensor.set_requires_grad(requires_grad);
            }
        }
        moving
    }

    /// Number of weights' elements.
    pub fn len(&self) -> usize {
        self.list.iter().map(|parameter| parameter.spec.len()).sum()
    }

    /// Whether there are none; never true.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Whether a way of tuning moves the weights of a part.
pub(super) fn moves(tune: Tune, part: Part) -> bool {
    match tune {
        Tune::Full => true,
        Tune::LockedImage => !matches!(part, Part::Vision | Part::VisualProjection),
        Tune::LockedText => !matches!(part, Part::Text | Part::TextProjection),
        Tune::Projections => {
            matches!(part, Part::VisualProjection | Part::TextProjection | Part::LogitScale)
        }
    }
}

/// The value of a weight of one number, whose shape may be `[]` or `[1]`.
fn number(tensor: &Tensor) -> Result<f64, TrainError> {
    Ok(f64::try_from(&tensor.f_sum(Kind::Float)?)?)
}

fn initial(spec: &WeightSpec) -> Result<Tensor, TrainError> {
    let shape = torch_shape(&spec.shape);
    let options = (Kind::Float, Device::Cpu);
    Ok(match spec.init {
        Init::Normal(std) => Tensor::f_randn(shape, options)?.f_mul_scalar(std)?,
        Init::Constant(value) => Tensor::f_full(shape, value, options)?,
    })
}

/// A shape as libtorch counts.
pub(super) fn torch_shape(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&size| size as i64).collect()
}
