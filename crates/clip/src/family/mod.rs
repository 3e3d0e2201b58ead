//! Defines the model families: each way in which CLIP and SigLIP differ is stated once for each of them.
//!
//! The rest of the crate asks for a family's [`Traits`] rather than which family it is. `docs/models.md` describes what
//! else a new family needs.

mod clip;
mod siglip;

use serde_json::Value;

use crate::checkpoint::Layout;
use crate::config::{Activation, ClipConfig, TextPooling, VisionPooling};
use crate::ops::Bias;

/// The architecture of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// CLIP (Radford et al. 2021): a class token, causal text that is pooled at its end, projections without bias,
    /// softmax loss.
    Clip,
    /// SigLIP (Zhai et al. 2023): attention pooling, bidirectional text that is pooled at its last position, sigmoid
    /// loss.
    Siglip,
}

impl Family {
    const ALL: [Self; 2] = [Self::Clip, Self::Siglip];

    /// Returns the ways in which the family differs from the others.
    pub(crate) fn traits(self) -> &'static Traits {
        match self {
            Self::Clip => &clip::CLIP,
            Self::Siglip => &siglip::SIGLIP,
        }
    }

    /// Returns the family with this `model_type`.
    pub(crate) fn of_model_type(model_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == model_type)
    }

    /// Returns the `model_type` in `config.json`.
    pub fn as_str(self) -> &'static str {
        self.traits().model_type
    }

    /// Returns the name as people write it.
    pub fn title(self) -> &'static str {
        self.traits().title
    }

    /// Returns the class of transformers, and of transformers.js, that loads the models.
    pub fn class(self) -> &'static str {
        self.traits().class
    }

    /// Checks whether a graph of the text tower takes an attention mask, as Optimum's graphs do.
    pub fn takes_attention_mask(self) -> bool {
        self.traits().takes_attention_mask
    }

    /// Checks whether the models were trained to judge, for each pair on its own, whether image and text match.
    pub fn has_sigmoid_loss(self) -> bool {
        self.traits().logit_bias.is_some()
    }
}

/// The ways in which one family differs from the others.
#[derive(Debug)]
pub(crate) struct Traits {
    /// The `model_type` of transformers' `config.json`.
    pub(crate) model_type: &'static str,
    /// The family's name as people write it.
    pub(crate) title: &'static str,
    /// The transformers class that loads the models.
    pub(crate) class: &'static str,
    /// The values that transformers assumes for missing keys of the text tower.
    pub(crate) text: TextDefaults,
    /// The values that transformers assumes for missing keys of the vision tower.
    pub(crate) vision: VisionDefaults,
    /// How the sequence of patches becomes one row.
    pub(crate) vision_pooling: VisionPooling,
    /// The rule that picks the pooled row of a text, given the `eos_token_id` of the configuration.
    pub(crate) text_pooling: fn(Option<i64>) -> TextPooling,
    /// The layer that turns a text's pooled row into its embedding.
    pub(crate) text_projection: Projection,
    /// What decides the size of the shared embedding.
    pub(crate) embedding: EmbeddingSize,
    /// The initial temperature, which is a logarithm.
    pub(crate) logit_scale: f64,
    /// The shape of the temperature and of the bias in transformers' files.
    pub(crate) scalar_shape: &'static [usize],
    /// The initial bias of the logits, in a family that has one.
    pub(crate) logit_bias: Option<f64>,
    /// The layouts in which checkpoints of the family exist.
    pub(crate) layouts: &'static [Layout],
    /// The layout that is written for open_clip.
    pub(crate) open_clip_layout: Layout,
    /// Returns the `model_cfg` from which open_clip builds the same model, or the reason why there is none.
    pub(crate) open_clip_config: fn(&ClipConfig) -> Result<Value, String>,
    /// Whether a graph of the text tower takes an attention mask.
    pub(crate) takes_attention_mask: bool,
}

/// The values that a transformers class assumes for missing keys of a transformer.
#[derive(Debug)]
pub(crate) struct BlockDefaults {
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) layers: usize,
    pub(crate) mlp_width: usize,
    pub(crate) activation: Activation,
    pub(crate) layer_norm_eps: f64,
}

/// The values that a transformers class assumes for missing keys of a text tower.
#[derive(Debug)]
pub(crate) struct TextDefaults {
    pub(crate) vocab_size: usize,
    pub(crate) context_length: usize,
    pub(crate) blocks: BlockDefaults,
}

/// The values that a transformers class assumes for missing keys of a vision tower.
#[derive(Debug)]
pub(crate) struct VisionDefaults {
    pub(crate) image_size: usize,
    pub(crate) patch_size: usize,
    pub(crate) blocks: BlockDefaults,
}

/// The module name and bias of a linear layer without an activation.
#[derive(Debug)]
pub(crate) struct Projection {
    /// The name of the module.
    pub(crate) module: &'static str,
    /// Whether the layer has a bias.
    pub(crate) bias: Bias,
}

/// What decides the size of the shared embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmbeddingSize {
    /// The key `projection_dim` or, if it is left out, a default. Both towers are projected to this size.
    Declared {
        /// The size without the key.
        default: usize,
    },
    /// The width of the vision tower, whose pooled row is the embedding; the text tower is projected to the same width.
    OfVision,
}
