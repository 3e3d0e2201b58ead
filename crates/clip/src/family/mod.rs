//! What a model family is: each way in which CLIP and SigLIP differ, stated once for each.
//!
//! The rest of the crate asks a family's [`Traits`] rather than which family it is. `docs/models.md` says what else a new
//! family needs.

mod clip;
mod siglip;

use serde_json::Value;

use crate::checkpoint::Layout;
use crate::config::{Activation, ClipConfig, TextPooling, VisionPooling};
use crate::ops::Bias;

/// Which of the architectures a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Radford et al. 2021: class token, causal text pooled at its end, projections without bias, softmax loss.
    Clip,
    /// Zhai et al. 2023: attention pooling, bidirectional text pooled at its last position, sigmoid loss.
    Siglip,
}

impl Family {
    const ALL: [Self; 2] = [Self::Clip, Self::Siglip];

    /// The ways in which it differs from the others.
    pub(crate) fn traits(self) -> &'static Traits {
        match self {
            Self::Clip => &clip::CLIP,
            Self::Siglip => &siglip::SIGLIP,
        }
    }

    /// The family of a `model_type`.
    pub(crate) fn of_model_type(model_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == model_type)
    }

    /// The `model_type` of `config.json`.
    pub fn as_str(self) -> &'static str {
        self.traits().model_type
    }

    /// The name as people write it.
    pub fn title(self) -> &'static str {
        self.traits().title
    }

    /// Whether a graph of the text tower takes an attention mask, as Optimum's does.
    pub fn takes_attention_mask(self) -> bool {
        self.traits().takes_attention_mask
    }

    /// Whether its models were trained to tell for each pair by itself whether it belongs together.
    pub fn has_sigmoid_loss(self) -> bool {
        self.traits().logit_bias.is_some()
    }
}

/// The ways in which a family differs from the others.
#[derive(Debug)]
pub(crate) struct Traits {
    /// The `model_type` of transformers' `config.json`.
    pub(crate) model_type: &'static str,
    /// The name as people write it.
    pub(crate) title: &'static str,
    /// The class of transformers that loads it.
    pub(crate) class: &'static str,
    /// What transformers takes for the keys of the text tower that are left out.
    pub(crate) text: TextDefaults,
    /// What transformers takes for the keys of the vision tower that are left out.
    pub(crate) vision: VisionDefaults,
    /// How the sequence of patches becomes one row.
    pub(crate) vision_pooling: VisionPooling,
    /// Which row of a text is pooled, by the `eos_token_id` of its configuration.
    pub(crate) text_pooling: fn(Option<i64>) -> TextPooling,
    /// How a text's pooled row becomes its embedding.
    pub(crate) text_projection: Projection,
    /// What says how large the shared embedding is.
    pub(crate) embedding: EmbeddingSize,
    /// Where the temperature, a logarithm, starts.
    pub(crate) logit_scale: f64,
    /// The shape of the temperature, and of the bias, in transformers' files.
    pub(crate) scalar_shape: &'static [usize],
    /// Where the bias of the logits starts, in a family that has one.
    pub(crate) logit_bias: Option<f64>,
    /// The layouts that its checkpoints are found in.
    pub(crate) layouts: &'static [Layout],
    /// The layout that is written for open_clip.
    pub(crate) open_clip_layout: Layout,
    /// The `model_cfg` that open_clip builds the same model from, or why there is none.
    pub(crate) open_clip_config: fn(&ClipConfig) -> Result<Value, String>,
    /// Whether a graph of the text tower takes an attention mask.
    pub(crate) takes_attention_mask: bool,
}

/// What a class of transformers takes for the keys of a transformer that are left out.
#[derive(Debug)]
pub(crate) struct BlockDefaults {
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) layers: usize,
    pub(crate) mlp_width: usize,
    pub(crate) activation: Activation,
    pub(crate) layer_norm_eps: f64,
}

/// What a class of transformers takes for the keys of a text tower that are left out.
#[derive(Debug)]
pub(crate) struct TextDefaults {
    pub(crate) vocab_size: usize,
    pub(crate) context_length: usize,
    pub(crate) blocks: BlockDefaults,
}

/// What a class of transformers takes for the keys of a vision tower that are left out.
#[derive(Debug)]
pub(crate) struct VisionDefaults {
    pub(crate) image_size: usize,
    pub(crate) patch_size: usize,
    pub(crate) blocks: BlockDefaults,
}

/// A linear layer without an activation.
#[derive(Debug)]
pub(crate) struct Projection {
    /// Its name.
    pub(crate) module: &'static str,
    /// Whether it has a bias.
    pub(crate) bias: Bias,
}

/// What says how large the shared embedding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmbeddingSize {
    /// `projection_dim`, this large where it is left out: both towers are projected.
    Declared {
        /// Without the key.
        default: usize,
    },
    /// The vision tower, whose pooled row is the embedding; the text tower is projected to as many numbers.
    OfVision,
}
