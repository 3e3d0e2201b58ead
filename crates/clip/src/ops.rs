//! Defines the operations that CLIP is made of.
//!
//! The towers in [`crate::towers`] are written once over [`Ops`]. libtorch implements the trait for training, and the
//! ONNX writer implements it for export, so the exported graph is the trained graph by construction. Tracing was
//! rejected because it is where other tools lose causal masks and swap activations.

use crate::config::{Activation, TextPooling};

/// An interpreter of CLIP. In the comments on shapes, B is the batch, S the sequence, D the width, and H the heads.
///
/// Weights are named by their module, with Hugging Face's names; an interpreter finds `<module>.weight` and
/// `<module>.bias` itself. The caller sees hidden states as `[B, S, D]`, whatever an interpreter uses internally.
pub trait Ops {
    /// A tensor of the interpreter.
    type Value;
    /// The error of an operation that failed.
    type Error;

    /// Looks up the rows of the embedding `<module>.weight` `[vocab, D]` for the ids `[B, S]`: `[B, S, D]`.
    fn embedding(&mut self, ids: &Self::Value, module: &str) -> Result<Self::Value, Self::Error>;

    /// Embeds non-overlapping square patches of `[B, 3, height, width]` with the convolution `module` (kernel and
    /// stride `patch_size`), row by row: `[B, patches, D]`. Pixels at the edge that do not fill a patch are left out.
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

    /// Applies a layer norm over the last axis.
    fn layer_norm(&mut self, x: &Self::Value, module: &str, eps: f64) -> Result<Self::Value, Self::Error>;

    /// Computes x·Wᵀ (+ b) over the last axis, with W as `[out, in]`.
    fn linear(&mut self, x: &Self::Value, module: &str, bias: Bias) -> Result<Self::Value, Self::Error>;

    /// Applies one of three linear layers that share one weight, as in PyTorch's `MultiheadAttention`: x·Wᵀ + b, where
    /// W and b are the D rows of `<module>.in_proj_weight` `[3·D, D]` and `<module>.in_proj_bias` `[3·D]` that `part`
    /// selects.
    fn packed_linear(
        &mut self,
        x: &Self::Value,
        module: &str,
        part: PackedPart,
    ) -> Result<Self::Value, Self::Error>;

    /// Repeats the weight `name` `[1, 1, D]` for each sequence of x: `[B, D]`.
    fn learned_query(&mut self, x: &Self::Value, name: &str) -> Result<Self::Value, Self::Error>;

    /// Applies multi-head scaled dot-product attention of queries over `[B, S, D]` keys and values. The queries are
    /// `[B, S, D]`, or `[B, D]` with one for each sequence; the result has the same shape.
    fn attention(
        &mut self,
        qkv: [&Self::Value; 3],
        heads: usize,
        mask: Mask<'_, Self::Value>,
    ) -> Result<Self::Value, Self::Error>;

    /// Applies the activation, element by element.
    fn activation(&mut self, x: &Self::Value, kind: Activation) -> Result<Self::Value, Self::Error>;

    /// Applies two linear layers with an activation between them. An interpreter may do this in one step.
    fn mlp(
        &mut self,
        x: &Self::Value,
        first: &str,
        activation: Activation,
        second: &str,
    ) -> Result<Self::Value, Self::Error> {
        mlp_in_parts(self, x, first, activation, second)
    }

    /// Adds two tensors of the same shape.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// Returns the first row of each sequence: `[B, D]`.
    fn first_row(&mut self, x: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// Returns the row of each sequence that `pooling` picks by the ids `[B, S]`: `[B, D]`.
    fn pooled_row(
        &mut self,
        x: &Self::Value,
        ids: &Self::Value,
        pooling: TextPooling,
    ) -> Result<Self::Value, Self::Error>;

    /// Divides the rows of `[B, D]` by their Euclidean norm.
    fn normalize(&mut self, x: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// Computes exp(logit_scale) · a·bᵀ (+ logit_bias) for embeddings `[A, D]` and `[B, D]`: `[A, B]`.
    fn scaled_similarity(
        &mut self,
        a: &Self::Value,
        b: &Self::Value,
        temperature: Temperature<'_>,
    ) -> Result<Self::Value, Self::Error>;
}

/// Computes [`Ops::mlp`] from its parts.
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

/// The names of the weights that turn cosines into logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temperature<'a> {
    /// The name of the logarithm of the factor, which is one number.
    pub logit_scale: &'a str,
    /// The name of the bias that is added, which is one number, if there is one.
    pub logit_bias: Option<&'a str>,
}

/// One of the three parts of packed attention weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedPart {
    /// The first third, for the queries.
    Query,
    /// The second third, for the keys.
    Key,
    /// The last third, for the values.
    Value,
}

impl PackedPart {
    /// Returns the index of the part: 0, 1 or 2.
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
    /// The layer has no bias.
    Without,
    /// The layer has a bias.
    With,
}

/// Which rows of a sequence a row may attend to.
#[derive(Debug)]
pub enum Mask<'a, V> {
    /// A row may attend to every row.
    None,
    /// A row may attend to itself and earlier rows. If `keys` (`[B, S]`, 1 or 0) is given, only rows where it is 1
    /// count.
    Causal {
        /// The attention mask of the batch. Not needed when padding follows the end of text.
        keys: Option<&'a V>,
    },
    /// There is one query for each sequence, at the row that [`Ops::pooled_row`] picks. It may attend to that row and
    /// earlier ones. If `keys` is given, only rows where it is 1 count.
    UpToPooled {
        /// The ids `[B, S]` of the texts.
        ids: &'a V,
        /// The rule that picks the row.
        pooling: TextPooling,
        /// The attention mask of the batch, as for [`Mask::Causal`].
        keys: Option<&'a V>,
    },
}

// `Clone` is not derived because a derive would require `V: Clone`, although a reference can be copied whatever it
// refers to.
impl<V> Clone for Mask<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Mask<'_, V> {}
