//! Low-rank adapters (LoRA; Hu et al. 2021).

use std::collections::HashMap;

use cliptune_clip::names;
use cliptune_clip::weights::{Init, Role, WeightSpec};
use cliptune_experiment::{Lora, LoraTarget, Seed};
use cliptune_random::Random;
use tch::{Device, Kind, Tensor};

use crate::error::TrainError;
use crate::model::{Parameter, Parameters};

/// The adapters over the linear layers of both towers' blocks: W·x becomes W·x + alpha/rank · B·A·x.
#[derive(Debug)]
pub struct Adapters {
    lora: Lora,
    list: Vec<Adapter>,
    /// The place of each module's adapter in the list.
    index: HashMap<String, usize>,
}

/// The adapter over one layer.
#[derive(Debug)]
struct Adapter {
    module: String,
    /// The matrix A, `[rank, inputs]`.
    down: Parameter,
    /// The matrix B, `[outputs, rank]`.
    up: Parameter,
}

/// Returns the names, within a block, of the modules of a target.
fn modules(target: LoraTarget) -> &'static [&'static str] {
    let [query, key, value] = &names::QKV;
    match target {
        LoraTarget::Query => std::slice::from_ref(query),
        LoraTarget::Key => std::slice::from_ref(key),
        LoraTarget::Value => std::slice::from_ref(value),
        LoraTarget::Out => &[names::ATTENTION_OUT],
        LoraTarget::Mlp => &[names::MLP_IN, names::MLP_OUT],
    }
}

/// Returns the names, within a block, of the modules of all targets.
pub(super) fn targeted(lora: &Lora) -> impl Iterator<Item = &'static str> {
    lora.targets.iter().flat_map(|target| modules(target).iter().copied())
}

impl Adapters {
    /// Creates adapters that change nothing yet: A is drawn as by `torch.nn.Linear` (as in the authors' `loralib` and
    /// in PEFT), and B is zero.
    pub fn new(parameters: &Parameters, lora: Lora, seed: Seed) -> Result<Self, TrainError> {
        let mut random = Random::new(u64::from(seed.0));
        let targets: Vec<&str> = targeted(&lora).collect();
        let mut list = Vec::new();
        for parameter in parameters.iter() {
            if let Some(module) = module_of(&parameter.spec.name, &targets) {
                list.push(adapter(module, parameter, lora.rank.get(), &mut random)?);
            }
        }
        let index = list.iter().enumerate().map(|(at, one)| (one.module.clone(), at)).collect();
        Ok(Self { lora, list, index })
    }

    /// Returns the settings of the adapters.
    pub fn lora(&self) -> &Lora {
        &self.lora
    }

    /// Iterates over all matrices, with PEFT's names: `<module>.lora_A.weight` and `<module>.lora_B.weight`.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.list.iter().flat_map(|one| [&one.down, &one.up])
    }

    /// Checks whether there is an adapter over a layer.
    pub fn has(&self, module: &str) -> bool {
        self.index.contains_key(module)
    }

    fn scale(&self) -> f64 {
        self.lora.alpha / self.lora.rank.get() as f64
    }

    /// Computes what an adapter adds to the output of a layer for the input `[…, inputs]`, or `None` if the layer has
    /// no adapter. Inputs are dropped as in training.
    pub fn addition(&self, module: &str, x: &Tensor) -> Result<Option<Tensor>, TrainError> {
        let Some(adapter) = self.index.get(module).map(|&at| &self.list[at]) else { return Ok(None) };
        let kind = x.kind();
        let dropped =
            if self.lora.dropout > 0.0 { Some(x.f_dropout(self.lora.dropout, true)?) } else { None };
        let low =
            dropped.as_ref().unwrap_or(x).f_linear(&adapter.down.tensor.f_to_kind(kind)?, None::<&Tensor>)?;
        let added = low.f_linear(&adapter.up.tensor.f_to_kind(kind)?, None::<&Tensor>)?;
        Ok(Some(added.f_mul_scalar(self.scale())?))
    }

    /// Returns the weights that the adapters change, with the given values of the adapters added to them.
    pub fn merged(
        &self,
        parameters: &Parameters,
        values: &HashMap<String, &Tensor>,
    ) -> Result<HashMap<String, Tensor>, TrainError> {
        let merge = |adapter: &Adapter| -> Result<_, TrainError> {
            let name = names::weight(&adapter.module);
            let product = value(&adapter.up, values)
                .f_matmul(value(&adapter.down, values))?
                .f_mul_scalar(self.scale())?;
            Ok((name.clone(), parameters.tensor(&name)?.f_add(&product)?))
        };
        self.list.iter().map(merge).collect()
    }
}

/// Returns the given value of a matrix, or the matrix's own if none is given.
fn value<'a>(matrix: &'a Parameter, given: &HashMap<String, &'a Tensor>) -> &'a Tensor {
    given.get(&matrix.spec.name).copied().unwrap_or(&matrix.tensor)
}

/// Returns the module of a weight if it is one of a block's targets.
fn module_of<'a>(weight: &'a str, targets: &[&str]) -> Option<&'a str> {
    let module = weight.strip_suffix(".weight")?;
    let (_, below) = module.split_once(names::LAYERS)?;
    let (_, part) = below.split_once('.')?;
    targets.contains(&part).then_some(module)
}

fn adapter(
    module: &str,
    weight: &Parameter,
    rank: usize,
    random: &mut Random,
) -> Result<Adapter, TrainError> {
    let [outputs, inputs] = weight.spec.shape.as_slice() else {
        return Err(TrainError::Torch(format!("{module} is no linear layer")));
    };
    let device = weight.tensor.device();
    let bound = (*inputs as f64).sqrt().recip();
    let drawn: Vec<f32> = (0..rank * inputs).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect();
    let down = Tensor::from_slice(&drawn).f_view([rank as i64, *inputs as i64])?;
    let up = Tensor::f_zeros([*outputs as i64, rank as i64], (Kind::Float, Device::Cpu))?;
    let matrix = |letter: &str, shape: [usize; 2], tensor: Tensor| -> Result<Parameter, TrainError> {
        let spec = WeightSpec {
            name: format!("{module}.lora_{letter}.weight"),
            shape: shape.to_vec(),
            role: Role::Matrix,
            init: Init::Constant(0.0),
            ..weight.spec.clone()
        };
        Ok(Parameter { spec, tensor: tensor.f_to_device(device)?.set_requires_grad(true) })
    };
    Ok(Adapter {
        module: module.to_owned(),
        down: matrix("A", [rank, *inputs], down)?,
        up: matrix("B", [*outputs, rank], up)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_layers_of_blocks_are_targets() {
        fn of(name: &str) -> Option<&str> {
            module_of(name, &["self_attn.q_proj", "mlp.fc1"])
        }
        let query = "vision_model.encoder.layers.11.self_attn.q_proj";
        assert_eq!(of(&format!("{query}.weight")), Some(query));
        assert_eq!(of(&format!("{query}.bias")), None);
        assert_eq!(of("vision_model.encoder.layers.11.self_attn.k_proj.weight"), None);
        // SigLIP's pooling head has an MLP of the same name.
        assert_eq!(of("vision_model.head.mlp.fc1.weight"), None);
    }
}
