//! Computes CLIP's operations with libtorch.

use cliptune_clip::config::{Activation, TextPooling};
use cliptune_clip::names;
use cliptune_clip::ops::{Bias, Mask, Ops, PackedPart, Temperature, mlp_in_parts};
use cliptune_torch_bridge::{Linear, quick_gelu_mlp};
use tch::{Kind, Tensor};

use super::parameters::Parameters;
use crate::data::Packing;
use crate::error::TrainError;
use crate::tuning::Adapters;

/// Computes the towers with libtorch, recording gradients unless they are off.
#[derive(Clone, Copy, Debug)]
pub struct TorchOps<'a> {
    parameters: &'a Parameters,
    adapters: Option<&'a Adapters>,
    /// The kind of number in linear layers and attention. The rest (the norms and the sum of the residual stream) uses
    /// 32 bits, as under `torch.autocast`.
    kind: Kind,
    /// The layout of the tokens if texts are not padded. Hidden states are then `[tokens, D]`, and ids `[tokens]`.
    packing: Option<&'a Packing>,
}

impl<'a> TorchOps<'a> {
    /// Makes an interpreter that computes with these weights.
    pub fn new(parameters: &'a Parameters) -> Self {
        Self { parameters, adapters: None, kind: Kind::Float, packing: None }
    }

    /// Lays adapters over the linear layers, if there are any.
    pub fn with_adapters(self, adapters: Option<&'a Adapters>) -> Self {
        Self { adapters, ..self }
    }

    /// Computes linear layers and attention in this kind of number.
    pub fn with_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Computes texts with this layout, if they are not padded.
    pub fn with_packing(self, packing: Option<&'a Packing>) -> Self {
        Self { packing, ..self }
    }

    /// Computes x·Wᵀ + b in the kind of number of this interpreter.
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

/// The factor in quick_gelu (Hendrycks & Gimpel 2016).
const QUICK_GELU: f64 = 1.702;

type Computed = Result<Tensor, TrainError>;

impl Ops for TorchOps<'_> {
    type Value = Tensor;
    type Error = TrainError;

    fn embedding(&mut self, ids: &Tensor, module: &str) -> Computed {
        self.parameters.looked_up(module, ids)
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
        let table = self.weight(module)?;
        let positions = match self.packing {
            Some(packing) => packing.positions(table)?,
            None => table.f_narrow(0, 0, x.size3()?.1)?,
        };
        Ok(x.f_add(&positions)?)
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
        if let Some(packing) = self.packing {
            return packed_attention(qkv, heads, &mask, packing);
        }
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
            // x·σ(1.702x) = silu(1.702x) / 1.702. This takes one kernel with its own derivative instead of two, and
            // keeps half as much for the derivative.
            Activation::QuickGelu => {
                x.f_mul_scalar(QUICK_GELU)?.f_silu()?.f_mul_scalar_(QUICK_GELU.recip())?
            }
            Activation::Gelu => x.f_gelu("none")?,
            Activation::GeluTanh => x.f_gelu("tanh")?,
        })
    }

    fn mlp(&mut self, x: &Tensor, first: &str, activation: Activation, second: &str) -> Computed {
        let adapted = self.adapters.is_some_and(|adapters| [first, second].iter().any(|it| adapters.has(it)));
        if activation != Activation::QuickGelu || self.kind != Kind::Float || adapted {
            return mlp_in_parts(self, x, first, activation, second);
        }
        let rows = x.f_reshape([-1, *x.size().last().unwrap_or(&1)])?;
        let layer = |module| -> Result<Linear<'_>, TrainError> {
            Ok(Linear { weight: self.weight(module)?, bias: self.bias(module)? })
        };
        let y = quick_gelu_mlp(&rows, layer(first)?, layer(second)?)?;
        Ok(y.f_reshape(x.size().as_slice())?)
    }

    fn add(&mut self, a: &Tensor, b: &Tensor) -> Computed {
        Ok(a.f_add(b)?)
    }

    fn first_row(&mut self, x: &Tensor) -> Computed {
        Ok(x.f_select(1, 0)?)
    }

    fn pooled_row(&mut self, x: &Tensor, ids: &Tensor, pooling: TextPooling) -> Computed {
        if let Some(packing) = self.packing {
            return packing.last(x);
        }
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

/// Returns the position that is pooled in each text: `[B]`.
fn pooled_positions(ids: &Tensor, pooling: TextPooling) -> Computed {
    let (texts, length) = ids.size2()?;
    Ok(match pooling {
        TextPooling::HighestId => ids.f_argmax(-1, false)?,
        TextPooling::First(end) => ids.f_eq(end)?.f_to_kind(Kind::Int)?.f_argmax(-1, false)?,
        TextPooling::Last => Tensor::f_full([texts], length - 1, (Kind::Int64, ids.device()))?,
    })
}

/// Returns the mask `[B, 1, 1, S]`, true where a text's pooled row may look: at itself and earlier rows whose key is 1.
fn up_to_pooled(ids: &Tensor, pooling: TextPooling, keys: Option<&Tensor>) -> Computed {
    let (_, length) = ids.size2()?;
    let row = pooled_positions(ids, pooling)?.f_view([-1, 1, 1, 1])?;
    let seen = Tensor::f_arange(length, (Kind::Int64, ids.device()))?.f_less_equal_tensor(&row)?;
    Ok(match keys {
        Some(keys) => seen.f_logical_and(&keys.f_to_kind(Kind::Bool)?.f_view([-1, 1, 1, length])?)?,
        None => seen,
    })
}

/// Computes attention within each text when texts are not padded: from every token to itself and earlier ones, or only
/// from the last token, which sees all. Texts of one length are computed together.
fn packed_attention(
    [query, key, value]: [&Tensor; 3],
    heads: usize,
    mask: &Mask<'_, Tensor>,
    packing: &Packing,
) -> Computed {
    let width = key.size()[1];
    let heads = heads as i64;
    let of_last = matches!(mask, Mask::UpToPooled { .. });
    let texts: Vec<i64> = packing.runs().iter().map(|run| run.texts).collect();
    let tokens: Vec<i64> = packing.runs().iter().map(|run| run.texts * run.length).collect();
    let queries = query.f_split_with_sizes(if of_last { &texts } else { &tokens }, 0)?;
    let (keys, values) = (key.f_split_with_sizes(&tokens, 0)?, value.f_split_with_sizes(&tokens, 0)?);
    let mut mixed = Vec::with_capacity(texts.len());
    for (at, &texts) in texts.iter().enumerate() {
        let split =
            |x: &Tensor| x.f_view([texts, -1, heads, width / heads]).and_then(|x| x.f_transpose(1, 2));
        let [query, key, value] = [split(&queries[at])?, split(&keys[at])?, split(&values[at])?];
        let of_run = Tensor::f_scaled_dot_product_attention(
            &query,
            &key,
            &value,
            None::<&Tensor>,
            0.0,
            !of_last,
            None,
            false,
        )?;
        mixed.push(of_run.f_transpose(1, 2)?.f_reshape([-1, width])?);
    }
    Ok(Tensor::f_cat(&mixed, 0)?)
}

/// Converts a tensor to a kind of number, or returns it as it is if it already has that kind.
fn in_kind(tensor: &Tensor, kind: Kind) -> Computed {
    Ok(if tensor.kind() == kind { tensor.shallow_clone() } else { tensor.f_to_kind(kind)? })
}

/// Returns the mask `[B, 1, S, S]`, true where a row may look: at itself and earlier rows whose key is 1.
fn causal_with_keys(keys: &Tensor, rows: i64) -> Computed {
    let causal = Tensor::f_ones([rows, rows], (Kind::Bool, keys.device()))?.f_tril(0)?;
    let keys = keys.f_to_kind(Kind::Bool)?.f_view([-1, 1, 1, rows])?;
    Ok(causal.f_logical_and(&keys)?)
}
