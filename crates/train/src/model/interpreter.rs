//! libtorch as an interpreter of CLIP's operations.

use cliptune_clip::config::{Activation, TextPooling};
use cliptune_clip::names;
use cliptune_clip::ops::{Bias, Mask, Ops, PackedPart, Temperature};
use tch::{Kind, Tensor};

use super::parameters::Parameters;
use crate::error::TrainError;
use crate::tuning::Adapters;

/// Computes the towers with libtorch, recording gradients unless they are off.
#[derive(Clone, Copy, Debug)]
pub struct TorchOps<'a> {
    parameters: &'a Parameters,
    adapters: Option<&'a Adapters>,
    /// Of linear layers and attention. The rest (norms, the sum of the residual stream) is 32 bits, as under
    /// `torch.autocast`.
    kind: Kind,
}

impl<'a> TorchOps<'a> {
    /// Computes with these weights.
    pub fn new(parameters: &'a Parameters) -> Self {
        Self { parameters, adapters: None, kind: Kind::Float }
    }

    /// With adapters over its linear layers, if there are any.
    pub fn with_adapters(self, adapters: Option<&'a Adapters>) -> Self {
        Self { adapters, ..self }
    }

    /// With linear layers and attention in this kind of number.
    pub fn with_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// x·Wᵀ + b in the kind of this interpreter.
    fn product(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Computed {
        let cast = |tensor: &Tensor| in_kind(tensor, self.kind);
        Ok(cast(x)?.f_linear(&cast(weight)?, bias.map(cast).transpose()?.as_ref())?)
    }

    fn weight(&self, module: &str) -> Result<&'a Tensor, TrainError> {
        self.parameters.tensor(&names::weight(module))
    }

    fn bias(&self, module: &str) -> Result<&'a Tensor, TrainError> {
        self.parameters.tensor(&names::bias(module))
    }

    fn bias_of(&self, module: &str, bias: Bias) -> Result<Option<&'a Tensor>, TrainError> {
        match bias {
            Bias::With => Ok(Some(self.bias(module)?)),
            Bias::Without => Ok(None),
        }
    }
}

type Computed = Result<Tensor, TrainError>;

impl Ops for TorchOps<'_> {
    type Value = Tensor;
    type Error = TrainError;

    fn embedding(&mut self, ids: &Tensor, module: &str) -> Computed {
        Ok(Tensor::f_embedding(self.weight(module)?, ids, -1, false, false)?)
    }

    fn patches(&mut self, pixels: &Tensor, module: &str, patch_size: usize, bias: Bias) -> Computed {
        // A convolution whose stride is its kernel is one matrix product over cut-out patches.
        let (batch, channels, height, width) = pixels.size4()?;
        let patch = patch_size as i64;
        let (rows, columns) = (height / patch, width / patch);
        let patches = pixels
            .f_narrow(2, 0, rows * patch)?
            .f_narrow(3, 0, columns * patch)?
            .f_reshape([batch, channels, rows, patch, columns, patch])?
            .f_permute([0, 2, 4, 1, 3, 5])?
            .f_reshape([batch, rows * columns, channels * patch * patch])?;
        let weight = self.weight(module)?;
        let bias = self.bias_of(module, bias)?;
        self.product(&patches, &weight.f_view([weight.size()[0], -1])?, bias)
    }

    fn prepend_row(&mut self, x: &Tensor, name: &str) -> Computed {
        let (batch, _, width) = x.size3()?;
        let row = self.parameters.tensor(name)?.f_view([1, 1, width])?.f_expand([batch, 1, width], false)?;
        Ok(Tensor::f_cat(&[&row, x], 1)?)
    }

    fn add_positions(&mut self, x: &Tensor, module: &str) -> Computed {
        let (_, rows, _) = x.size3()?;
        Ok(x.f_add(&self.weight(module)?.f_narrow(0, 0, rows)?)?)
    }

    fn layer_norm(&mut self, x: &Tensor, module: &str, eps: f64) -> Computed {
        let (weight, bias) = (self.weight(module)?, self.bias(module)?);
        Ok(in_kind(x, Kind::Float)?.f_layer_norm(weight.size(), Some(weight), Some(bias), eps, true)?)
    }

    fn linear(&mut self, x: &Tensor, module: &str, bias: Bias) -> Computed {
        let x = &in_kind(x, self.kind)?;
        let y = self.product(x, self.weight(module)?, self.bias_of(module, bias)?)?;
        match self.adapters.map(|adapters| adapters.addition(module, x)).transpose()?.flatten() {
            Some(addition) => Ok(y.f_add(&addition)?),
            None => Ok(y),
        }
    }

    fn packed_linear(&mut self, x: &Tensor, module: &str, part: PackedPart) -> Computed {
        let weight = self.parameters.tensor(&names::packed_weight(module))?;
        let bias = self.parameters.tensor(&names::packed_bias(module))?;
        let width = weight.size()[0] / 3;
        let start = part.index() as i64 * width;
        self.product(x, &weight.f_narrow(0, start, width)?, Some(&bias.f_narrow(0, start, width)?))
    }

    fn learned_query(&mut self, x: &Tensor, name: &str) -> Computed {
        let (batch, _, width) = x.size3()?;
        Ok(self.parameters.tensor(name)?.f_view([1, width])?.f_expand([batch, width], false)?)
    }

    fn attention(&mut self, qkv: [&Tensor; 3], heads: usize, mask: Mask<'_, Tensor>) -> Computed {
        let (batch, rows, width) = qkv[1].size3()?;
        let heads = heads as i64;
        let split =
            |x: &Tensor| x.f_reshape([batch, -1, heads, width / heads]).and_then(|x| x.f_transpose(1, 2));
        let [query, key, value] = [split(qkv[0])?, split(qkv[1])?, split(qkv[2])?];
        let (allowed, causal) = match mask {
            Mask::None => (None, false),
            Mask::Causal { keys: None } => (None, true),
            Mask::Causal { keys: Some(keys) } => (Some(causal_with_keys(keys, rows)?), false),
            Mask::UpToPooled { ids, pooling, keys } => (Some(up_to_pooled(ids, pooling, keys)?), false),
        };
        let mixed =
            Tensor::f_scaled_dot_product_attention(&query, &key, &value, allowed, 0.0, causal, None, false)?;
        Ok(mixed.f_transpose(1, 2)?.f_reshape(qkv[0].size().as_slice())?)
    }

    fn activation(&mut self, x: &Tensor, kind: Activation) -> Computed {
        Ok(match kind {
            Activation::QuickGelu => x.f_mul(&x.f_mul_scalar(1.702)?.f_sigmoid()?)?,
            Activation::Gelu => x.f_gelu("none")?,
            Activation::GeluTanh => x.f_gelu("tanh")?,
        })
    }

    fn add(&mut self, a: &Tensor, b: &Tensor) -> Computed {
        Ok(a.f_add(b)?)
    }

    fn first_row(&mut self, x: &Tensor) -> Computed {
        Ok(x.f_select(1, 0)?)
    }

    fn pooled_row(&mut self, x: &Tensor, ids: &Tensor, pooling: TextPooling) -> Computed {
        let batch = Tensor::f_arange(ids.size()[0], (Kind::Int64, ids.device()))?;
        Ok(x.f_index(&[Some(batch), Some(pooled_positions(ids, pooling)?)])?)
    }

    fn normalize(&mut self, x: &Tensor) -> Computed {
        let x = &in_kind(x, Kind::Float)?;
        Ok(x.f_div(&x.f_norm_scalaropt_dim(2, [-1], true)?)?)
    }

    fn scaled_similarity(&mut self, a: &Tensor, b: &Tensor, temperature: Temperature<'_>) -> Computed {
        let scale = self.parameters.tensor(temperature.logit_scale)?.f_exp()?;
        let logits = a.f_matmul(&b.f_transpose(0, 1)?)?.f_mul(&scale)?;
        Ok(match temperature.logit_bias {
            Some(bias) => logits.f_add(self.parameters.tensor(bias)?)?,
            None => logits,
        })
    }
}

/// Which position of each text is pooled: `[B]`.
fn pooled_positions(ids: &Tensor, pooling: TextPooling) -> Computed {
    let (texts, length) = ids.size2()?;
    Ok(match pooling {
        TextPooling::HighestId => ids.f_argmax(-1, false)?,
        TextPooling::First(end) => ids.f_eq(end)?.f_to_kind(Kind::Int)?.f_argmax(-1, false)?,
        TextPooling::Last => Tensor::f_full([texts], length - 1, (Kind::Int64, ids.device()))?,
    })
}

/// `[B, 1, 1, S]`, true where a text's pooled row may look: at itself and earlier rows whose key is 1.
fn up_to_pooled(ids: &Tensor, pooling: TextPooling, keys: Option<&Tensor>) -> Computed {
    let (_, length) = ids.size2()?;
    let row = pooled_positions(ids, pooling)?.f_view([-1, 1, 1, 1])?;
    let seen = Tensor::f_arange(length, (Kind::Int64, ids.device()))?.f_less_equal_tensor(&row)?;
    Ok(match keys {
        Some(keys) => seen.f_logical_and(&keys.f_to_kind(Kind::Bool)?.f_view([-1, 1, 1, length])?)?,
        None => seen,
    })
}

/// The tensor itself when it is of the kind already.
fn in_kind(tensor: &Tensor, kind: Kind) -> Computed {
    Ok(if tensor.kind() == kind { tensor.shallow_clone() } else { tensor.f_to_kind(kind)? })
}

/// `[B, 1, S, S]`, true where a row may look: at itself and earlier rows whose key is 1.
fn causal_with_keys(keys: &Tensor, rows: i64) -> Computed {
    let causal = Tensor::f_ones([rows, rows], (Kind::Bool, keys.device()))?.f_tril(0)?;
    let keys = keys.f_to_kind(Kind::Bool)?.f_view([-1, 1, 1, rows])?;
    Ok(causal.f_logical_and(&keys)?)
}
