//! `model.architecture`: the sizes of a CLIP that is trained from random weights.

use crate::language::{Vocabulary, options, word, words};
use crate::shape::Shape;

/// The size of the smallest BPE vocabulary: every byte, every byte at the end of a word, start and end of text.
const SMALLEST_VOCABULARY: i64 = 2 * 256 + 2;
const SIDE: Shape = Shape::Whole { min: 1, max: 4096 };
const WIDTH: Shape = Shape::Whole { min: 1, max: 16_384 };
/// OpenAI's initial logit_scale, to the digits that the default of the key has.
const LOGIT_SCALE: f64 = 2.6592;

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

/// The shape of `model.architecture`: the name of a configuration, or the sizes.
pub(crate) const NAME_OR_SIZES: Shape =
    Shape::Either(&[word::<Configuration>(), Shape::Section(Architecture::keys)]);

words! {
    /// An architecture that has a name.
    pub(crate) enum Configuration {
        /// Images of 64 pixels, 4 layers of 128 in each tower, at most 4,096 words: minutes on a processor.
        Tiny = "tiny",
        /// Images of 128 pixels, 6 layers of 256 in each tower, at most 16,384 words.
        Small = "small",
        /// OpenAI's model of this name: 224 pixels in patches of 32.
        VitB32 = "ViT-B/32",
        /// OpenAI's model of this name: 224 pixels in patches of 16.
        VitB16 = "ViT-B/16",
        /// OpenAI's model of this name: 224 pixels in patches of 14.
        VitL14 = "ViT-L/14",
    }
}

/// OpenAI's context and vocabulary, which all its models share. The tokenizer of a model from scratch is trained on its own
/// texts, and has fewer words where these do not fill the vocabulary.
const CONTEXT: usize = 77;
const VOCABULARY: usize = 49_408;

impl Configuration {
    /// Returns every name with its sizes.
    #[cfg(test)]
    pub(crate) fn named() -> impl Iterator<Item = (&'static str, Architecture)> {
        Self::ALL.into_iter().map(|named| (named.word(), named.sizes()))
    }

    const ALL: [Self; 5] = [Self::Tiny, Self::Small, Self::VitB32, Self::VitB16, Self::VitL14];

    /// Returns the sizes that the name stands for. Those of the ViTs are those of `clip/model.py` in openai/CLIP, for the
    /// weights of these names, and of open_clip's configurations `ViT-B-32-quickgelu` and so on.
    pub(crate) fn sizes(self) -> Architecture {
        let transformer = |width, layers, heads| Transformer { width, layers, heads };
        let sizes = |image: [usize; 2], vision, text, vocab_size, projection_dim| Architecture {
            image_size: image[0],
            patch_size: image[1],
            vision,
            text,
            context_length: CONTEXT,
            vocab_size,
            projection_dim,
            activation: Activation::QuickGelu,
            logit_scale: LOGIT_SCALE,
        };
        let (base, text) = (transformer(768, 12, 12), transformer(512, 12, 8));
        match self {
            Self::Tiny => sizes([64, 8], transformer(128, 4, 4), transformer(128, 4, 4), 4096, 128),
            Self::Small => sizes([128, 16], transformer(256, 6, 4), transformer(256, 6, 4), 16_384, 256),
            Self::VitB32 => sizes([224, 32], base, text, VOCABULARY, 512),
            Self::VitB16 => sizes([224, 16], base, text, VOCABULARY, 512),
            Self::VitL14 => {
                sizes([224, 14], transformer(1024, 24, 16), transformer(768, 12, 12), VOCABULARY, 768)
            }
        }
    }
}

impl Architecture {
    /// Returns the name of the configuration with these sizes, if there is one.
    pub fn name(&self) -> Option<&'static str> {
        Configuration::ALL.iter().find(|named| named.sizes() == *self).map(Vocabulary::word)
    }
}
