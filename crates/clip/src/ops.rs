//! The operations that CLIP is made of.
//!
//! The towers in [`crate::towers`] are written once over [`Ops`]. libtorch implements it to train, the ONNX writer
//! implements it to export: the exported graph is the trained graph by construction. Tracing was rejected because
//! it is where peers lose causal masks and swap activations.

use crate::config::{Activation, TextPooling};

/// An interpreter of CLIP. Shapes in the comments: B batch, S sequence, D width, H heads.
///
/// Weights are named by their module as Hugging Face names it; an interpreter finds `<module>.weight` and
/// `<module>.bias` itself. Hidden states are `[B, S, D]` to the caller, whatever an interpreter keeps inside.
pub trait Ops {
    /// A tensor of this interpreter.
    type Value;
    /// Why an operation failed.
    type Error;

    /// Rows of the embedding `<module>.weight` `[vocab, D]` for ids `[B, S]`: `[B, S, D]`.
    fn embedding(&mut self, ids: &Self::Value, module: &str) -> Result<Self::Value, Self::Error>;

    /// Non-overlapping square patches of `[B, 3, height, width]` through the convolution `module` (kernel and stride
    /// `patch_size`), row by row: `[B, patches, D]`. Pixels that do not fill a patch are left out.
    fn patches(
        &mut self,
        pixels: &Self::Value,
        module: &str,
        patch_size: usize,
        bias: Bias,
    ) -> Result<Self::Value, Self::Error>;

    /// Puts the weight `name` `[D]` before the first row: `[B, S + 1, D]`.
    fn prepend_row(&mut self, x: &Self::Value, name: &str) -> Result<Self::Value, Self::Error>;

    /// Adds the first S rows of the position embedding `<module>.weight`.
    fn add_positions(&mut self, x: &Self::Value, module: &str) -> Result<Self::Value, Self::Error>;

    /// Layer norm over the last axis.
    fn layer_norm(&mut self, x: &Self::Value, module: &str, eps: f64) -> Result<Self::Value, Self::Error>;

    /// x·Wᵀ (+ b) over the last axis, W as `[out, in]`.
    fn linear(&mut self, x: &Self::Value, module: &str, bias: Bias) -> Result<Self::Value, Self::Error>;

    /// One of three linear layers that lie in one weight, as PyTorch's `MultiheadAttention` has them: x·Wᵀ + b with
    /// the D rows of `<module>.in_proj_weight` `[3·D, D]` and `<module>.in_proj_bias` `[3·D]` that `part` says.
    fn packed_linear(
        &mut self,
        x: &Self::Value,
        module: &str,
        part: PackedPart,
    ) -> Result<Self::Value, Self::Error>;

    /// The weight `name` `[1, 1, D]` for each sequence of x: `[B, D]`.
    fn learned_query(&mut self, x: &Self::Value, name: &str) -> Result<Self::Value, Self::Error>;

    /// Multi-head scaled dot-product attention of queries over `[B, S, D]` keys and values. The queries are `[B, S, D]`,
    /// or `[B, D]` with one for each sequence; so is the result.
    fn attention(
        &mut self,
        qkv: [&Self::Value; 3],
        heads: usize,
        mask: Mask<'_, Self::Value>,
    ) -> Result<Self::Value, Self::Error>;

    /// The activation, element by element.
    fn activation(&mut self, x: &Self::Value, kind: Activation) -> Result<Self::Value, Self::Error>;

    /// Two linear layers with an activation between them. An interpreter may do it at once.
    fn mlp(
        &mut self,
        x: &Self::Value,
        first: &str,
        activation: Activation,
        second: &str,
    ) -> Result<Self::Value, Self::Error> {
        mlp_in_parts(self, x, first, activation, second)
    }

    /// The sum of two tensors of one shape.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// The first row of each sequence: `[B, D]`.
    fn first_row(&mut self, x: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// The row of each sequence that `pooling` picks by its ids `[B, S]`: `[B, D]`.
    fn pooled_row(
        &mut self,
        x: &Self::Value,
        ids: &Self::Value,
        pooling: TextPooling,
    ) -> Result<Self::Value, Self::Error>;

    /// Rows of `[B, D]` divided by their Euclidean norm.
    fn normalize(&mut self, x: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// exp(logit_scale) · a·bᵀ (+ logit_bias) of embeddings `[A, D]` and `[B, D]`: `[A, B]`.
    fn scaled_similarity(
        &mut self,
        a: &Self::Value,
        b: &Self::Value,
        temperature: Temperature<'_>,
    ) -> Result<Self::Value, Self::Error>;
}

/// [`Ops::mlp`] by its parts.
pub fn mlp_in_parts<O: Ops + ?Sized>(
    ops: &mut O,
    x: &O::Value,
    first: &str,
    activation: Activation,
    second: &str,
) -> Result<O::Value, O::Error> {
    let x = ops.linear(x, first, Bias::With)?;
    let x = ops.activation(&x, activation)?;
    ops.linear(&x, second, Bias::With)
}

/// The weights that turn cosines into logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temperature<'a> {
    /// The logarithm of the factor: one number.
    pub logit_scale: &'a str,
    /// What is added: one number.
    pub logit_bias: Option<&'a str>,
}

/// A third of packed attention weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedPart {
    /// The first third.
    Query,
    /// The second third.
    Key,
    /// The last third.
    Value,
}

impl PackedPart {
    /// Which third: 0, 1 or 2.
    pub fn index(self) -> usize {
        match self {
            Self::Query => 0,
            Self::Key => 1,
            Self::Value => 2,
        }
    }
}

/// Whether a linear layer adds a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// It does not.
    Without,
    /// It does.
    With,
}

/// What a row of a sequence may look at.
#[derive(Debug)]
pub enum Mask<'a, V> {
    /// Every row.
    None,
    /// Itself and earlier rows; of those only where `keys` (`[B, S]`, 1 or 0), if given, is 1.
    Causal {
        /// The attention mask of the batch. Not needed when padding follows the end of text.
        keys: Option<&'a V>,
    },
    /// For one query a sequence, which stands at the row that [`Ops::pooled_row`] picks: that row and earlier ones; of
    /// those only where `keys`, if given, is 1.
    UpToPooled {
        /// The ids `[B, S]`.
        ids: &'a V,
        /// The rule that picks.
        pooling: TextPooling,
        /// The attention mask of the batch, as for [`Mask::Causal`].
        keys: Option<&'a V>,
    },
}

// Not derived: a reference is Copy whatever it refers to.
impl<V> Clone for Mask<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Mask<'_, V> {}
