//! The inputs of a tower's run.

use cliptune_clip::tokenizer::TokenBatch;

use crate::graph::Input;

/// Texts or images that a tower encodes in one run.
///
/// A batch holds about as many rows of a transformer as the second-level cache of a processor has room for: the weights
/// are read once for all of them, and what a layer computes is still there for the next one.
#[derive(Clone, Debug)]
pub struct Batch(Tensor);

#[derive(Clone, Debug)]
enum Tensor {
    Ids(TokenBatch),
    Pixels { images: usize, side: usize, pixels: Vec<f32> },
}

impl Batch {
    /// Returns a batch of texts.
    pub(crate) fn of_texts(texts: TokenBatch) -> Self {
        Self(Tensor::Ids(texts))
    }

    /// Returns a batch of square images, of which `pixels` holds the colour planes, one image after the other.
    pub(crate) fn of_images(images: usize, side: usize, pixels: Vec<f32>) -> Self {
        Self(Tensor::Pixels { images, side, pixels })
    }

    /// Returns the number of texts or images.
    pub fn rows(&self) -> usize {
        match &self.0 {
            Tensor::Ids(texts) => texts.rows,
            Tensor::Pixels { images, .. } => *images,
        }
    }

    pub(crate) fn input(&self) -> Input<'_> {
        match &self.0 {
            Tensor::Ids(TokenBatch { ids, rows, columns, .. }) => Input::Ids([*rows, *columns], ids),
            Tensor::Pixels { images, side, pixels } => Input::Pixels([*images, 3, *side, *side], pixels),
        }
    }
}
