//! Describes CLIP: OpenAI's models, and open_clip's models of the same architecture.

use super::{BlockDefaults, EmbeddingSize, Projection, TextDefaults, Traits, VisionDefaults};
use crate::checkpoint::Layout;
use crate::config::{Activation, TextPooling, VisionPooling, open_clip};
use crate::names;
use crate::ops::Bias;

/// CLIP (Radford et al. 2021), with the defaults of transformers' `CLIPConfig`, which are those of ViT-B/32.
pub(super) static CLIP: Traits = Traits {
    model_type: "clip",
    title: "CLIP",
    class: "CLIPModel",
    text: TextDefaults {
        vocab_size: 49_408,
        context_length: 77,
        blocks: BlockDefaults {
            width: 512,
            heads: 8,
            layers: 12,
            mlp_width: 2048,
            activation: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        },
    },
    vision: VisionDefaults {
        image_size: 224,
        patch_size: 32,
        blocks: BlockDefaults {
            width: 768,
            heads: 12,
            layers: 12,
            mlp_width: 3072,
            activation: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        },
    },
    vision_pooling: VisionPooling::ClassToken,
    text_pooling: |end| TextPooling::from_eos_token_id(end.unwrap_or(49_407)),
    text_projection: Projection { module: names::TEXT_PROJECTION, bias: Bias::Without },
    embedding: EmbeddingSize::Declared { default: 512 },
    // This is ln(1/0.07) as transformers rounds it.
    logit_scale: 2.6592,
    scalar_shape: &[],
    logit_bias: None,
    layouts: &[Layout::HuggingFace, Layout::OpenClip, Layout::OpenClipCustomText],
    open_clip_layout: Layout::OpenClip,
    open_clip_config: open_clip::clip_config,
    takes_attention_mask: true,
};
