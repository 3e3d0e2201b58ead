//! The weights of one model as tensors.

use std::collections::HashMap;

use cliptune_clip::ClipConfig;
use cliptune_clip::names;
use cliptune_clip::weights::{Init, Part, Tower, WeightSpec, weights};
use cliptune_experiment::{LogitScale, Seed, Tune};
use tch::{Device, Kind, Tensor};

use super::token_rows::TokenRows;
use crate::error::TrainError;

/// A weight and its tensor.
#[derive(Debug)]
pub struct Parameter {
    /// The specification of the weight.
    pub spec: WeightSpec,
    /// The values of the weight, as f32 on the model's device.
    pub tensor: Tensor,
}

/// All weights of a model, in the order of [`weights`].
#[derive(Debug)]
pub struct Parameters {
    list: Vec<Parameter>,
    index: HashMap<String, usize>,
    /// The token embedding that was left, if only some of its rows are in the list.
    token_rows: Option<TokenRows>,
}

impl Parameters {
    /// Creates the parameters from a list in the order of [`weights`].
    pub(super) fn new(list: Vec<Parameter>) -> Self {
        let index = list.iter().enumerate().map(|(row, one)| (one.spec.name.clone(), row)).collect();
        Self { list, index, token_rows: None }
    }

    /// Draws the weights from their initial distributions.
    ///
    /// They are drawn on the CPU, so that a seed gives the same weights on every device.
    pub fn random(config: &ClipConfig, seed: Seed, device: Device) -> Result<Self, TrainError> {
        tch::manual_seed(i64::from(seed.0));
        let draw = |spec: WeightSpec| -> Result<Parameter, TrainError> {
            let tensor = initial(&spec)?.f_to_device(device)?;
            Ok(Parameter { spec, tensor })
        };
        Ok(Self::new(weights(config).into_iter().map(draw).collect::<Result<_, _>>()?))
    }

    /// Iterates over all parameters.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.list.iter()
    }

    /// Iterates over names and tensors, as files hold them.
    pub fn named(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.list.iter().map(|parameter| (parameter.spec.name.clone(), &parameter.tensor))
    }

    /// Returns the tensor with this name. If the interpreter gets an error here, the definition asks for a weight that
    /// [`weights`] does not list.
    pub fn tensor(&self, name: &str) -> Result<&Tensor, TrainError> {
        Ok(&self.list[self.row(name)?].tensor)
    }

    fn row(&self, name: &str) -> Result<usize, TrainError> {
        let row = self.index.get(name).copied();
        row.ok_or_else(|| TrainError::Torch(format!("there is no weight {name}")))
    }

    /// Returns the tensor with a name that not every model has.
    pub fn find(&self, name: &str) -> Option<&Tensor> {
        self.index.get(name).map(|&row| &self.list[row].tensor)
    }

    /// Returns exp(logit_scale), the factor of the cosines.
    pub fn logit_scale(&self) -> Result<f64, TrainError> {
        Ok(number(self.tensor(names::LOGIT_SCALE)?)?.exp())
    }

    /// Returns the number that is added to the logits, if the model has such a weight.
    pub fn logit_bias(&self) -> Result<Option<f64>, TrainError> {
        self.find(names::LOGIT_BIAS).map(number).transpose()
    }

    /// Returns the weights for a way of tuning when only these ids are looked up. A token embedding that moves is
    /// reduced to their rows. All other tensors are shared, not copied.
    pub fn with_token_rows(&self, tune: Tune, ids: &[i64]) -> Result<Self, TrainError> {
        let shared = self.replaced(HashMap::new());
        let name = names::weight(names::TOKEN_EMBEDDING);
        let spec = &self.list[self.row(&name)?].spec;
        // Whether the temperature is fixed does not matter for a table.
        if !moves(tune, LogitScale::Fixed, spec) {
            return Ok(shared);
        }
        let token_rows = TokenRows::new(self.tensor(&name)?, ids)?;
        shared.with_token_embedding(token_rows.rows()?, Some(token_rows))
    }

    /// Returns the weights with every row of the token embedding.
    pub fn whole(self) -> Result<Self, TrainError> {
        let Some(token_rows) = &self.token_rows else { return Ok(self) };
        let table = token_rows.whole(self.tensor(&names::weight(names::TOKEN_EMBEDDING))?)?;
        self.with_token_embedding(table, None)
    }

    fn with_token_embedding(
        mut self,
        tensor: Tensor,
        token_rows: Option<TokenRows>,
    ) -> Result<Self, TrainError> {
        let row = self.row(&names::weight(names::TOKEN_EMBEDDING))?;
        self.list[row].spec.shape[0] = tensor.size2()?.0 as usize;
        self.list[row].tensor = tensor;
        Ok(Self { token_rows, ..self })
    }

    /// Returns how many numbers are in the rows of the token embedding that are left out.
    pub fn left_out(&self) -> usize {
        self.token_rows.as_ref().map_or(0, TokenRows::left_out)
    }

    /// Looks up the rows of a table that `ids` name: `[…]` → `[…, D]`.
    pub(super) fn looked_up(&self, module: &str, ids: &Tensor) -> Result<Tensor, TrainError> {
        let table = self.tensor(&names::weight(module))?;
        let look_up = |places| Ok(Tensor::f_embedding(table, places, -1, false, false)?);
        match &self.token_rows {
            Some(rows) if module == names::TOKEN_EMBEDDING => look_up(&rows.places(ids)?),
            _ => look_up(ids),
        }
    }

    /// Lets autograd record the weights that `tune` moves and no others.
    pub fn unlock(&self, tune: Tune, logit_scale: LogitScale) {
        for parameter in &self.list {
            let _ = parameter.tensor.set_requires_grad(moves(tune, logit_scale, &parameter.spec));
        }
    }

    /// Returns these weights with some replaced by others of the same names. Tensors are shared, not copied.
    pub fn replaced(&self, mut others: HashMap<String, Tensor>) -> Self {
        let parameter = |one: &Parameter| Parameter {
            tensor: others.remove(&one.spec.name).unwrap_or_else(|| one.tensor.detach()),
            spec: one.spec.clone(),
        };
        Self {
            list: self.list.iter().map(parameter).collect(),
            index: self.index.clone(),
            token_rows: self.token_rows.as_ref().map(TokenRows::shared),
        }
    }

    /// Returns the number of elements in all weights.
    pub fn len(&self) -> usize {
        self.list.iter().map(|parameter| parameter.spec.len()).sum()
    }

    /// Checks whether there are no weights, which is never the case.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Checks whether a way of tuning moves a weight.
fn moves(tune: Tune, logit_scale: LogitScale, spec: &WeightSpec) -> bool {
    let in_image = spec.part.tower() == Some(Tower::Vision);
    match (tune, spec.part) {
        // The adapters, which are laid over the weights, move instead.
        (Tune::Lora { .. }, _) => false,
        (_, Part::LogitScale) => logit_scale == LogitScale::Learned,
        (Tune::Full, _) => true,
        (Tune::LockedImage { unlocked_layers }, _) => !in_image || is_unlocked(spec, unlocked_layers),
        (Tune::LockedText { unlocked_layers }, _) => in_image || is_unlocked(spec, unlocked_layers),
        (Tune::Projections, part) => matches!(part, Part::VisualProjection | Part::TextProjection),
    }
}

/// Checks whether a locked tower's weight belongs to its last layers, which move.
fn is_unlocked(spec: &WeightSpec, unlocked_layers: usize) -> bool {
    unlocked_layers > 0 && spec.depth <= unlocked_layers
}

/// Returns the value of a weight that is a single number, whose shape may be `[]` or `[1]`.
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

/// Converts a shape to libtorch's integers.
pub(super) fn torch_shape(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&size| size as i64).collect()
}
