//! `model.architecture`: the sizes of a CLIP that is trained from random weights.

use crate::language::{options, words};
use crate::shape::Shape;

/// The size of the smallest BPE vocabulary: every byte, every byte at the end of a word, start and end of text.
const SMALLEST_VOCABULARY: i64 = 2 * 256 + 2;
const SIDE: Shape = Shape::Whole { min: 1, max: 4096 };
const WIDTH: Shape = Shape::Whole { min: 1, max: 16_384 };

options! {
    /// `model.architecture`: the sizes of a CLIP that is trained from random weights.
    pub struct Architecture {
        /// The side of the square image in pixels.
        image_size: usize, SIDE;
        /// The side of a patch in pixels, which divides `image_size`.
        patch_size: usize, SIDE;
        /// The vision transformer.
        vision: Transformer;
        /// The text transformer.
        text: Transformer;
        /// The length of the longest text in tokens, both ends included.
        context_length: usize, Shape::Whole { min: 3, max: 4096 };
        /// The size of the BPE vocabulary, which is trained on the texts of the train split.
        vocab_size: usize, Shape::Whole { min: SMALLEST_VOCABULARY, max: 1_000_000 };
        /// The size of the embedding that images and texts share.
        projection_dim: usize, WIDTH;
        /// The activation of both transformers.
        activation: Activation = "quick_gelu";
        /// The initial value of logit_scale, which is a logarithm: 2.6592 is a temperature of 0.07.
        logit_scale: f64 = "2.6592", Shape::between(-10.0, 10.0);
    }
}

options! {
    /// The sizes of one transformer. Its MLP is four times as wide.
    #[derive(Copy, Eq)]
    pub struct Transformer {
        /// The width of the residual stream, which is a multiple of `heads`.
        width: usize, WIDTH;
        /// The number of blocks.
        layers: usize, Shape::Whole { min: 1, max: 256 };
        /// The number of attention heads.
        heads: usize, Shape::Whole { min: 1, max: 1024 };
    }
}

words! {
    /// The activation of the MLPs.
    pub enum Activation {
        /// The approximation x·σ(1.702x), as in OpenAI's CLIP.
        QuickGelu = "quick_gelu",
        /// The exact Gaussian error linear unit.
        Gelu = "gelu",
    }
}
