//! Describes SigLIP, and the fixed-resolution SigLIP 2, which differs only in its tokenizer.

use super::{BlockDefaults, EmbeddingSize, Projection, TextDefaults, Traits, VisionDefaults};
use crate::checkpoint::Layout;
use crate::config::{Activation, TextPooling, VisionPooling, open_clip};
use crate::names;
use crate::ops::Bias;

/// The defaults of both towers in transformers' `SiglipConfig`, which are those of B/16.
const BASE: BlockDefaults = BlockDefaults {
    width: 768,
    heads: 12,
    layers: 12,
    mlp_width: 3072,
    activation: Activation::GeluTanh,
    layer_norm_eps: 1e-6,
};

/// SigLIP (Zhai et al. 2023), with the defaults of transformers' `SiglipConfig`.
pub(super) static SIGLIP: Traits = Traits {
    model_type: "siglip",
    title: "SigLIP",
    class: "SiglipModel",
    text: TextDefaults { vocab_size: 32_000, context_length: 64, blocks: BASE },
    vision: VisionDefaults { image_size: 224, patch_size: 16, blocks: BASE },
    vision_pooling: VisionPooling::AttentionHead,
    // The last position is pooled, whatever its token is.
    text_pooling: |_| TextPooling::Last,
    text_projection: Projection { module: names::TEXT_HEAD, bias: Bias::With },
    embedding: EmbeddingSize::OfVision,
    // This is ln 10, the paper's initial value. transformers starts from 0, but every file contains the weight.
    logit_scale: std::f64::consts::LN_10,
    scalar_shape: &[1],
    // Section 3.1 of the paper gives the reason for this value: most pairs in a batch do not match.
    logit_bias: Some(-10.0),
    layouts: &[Layout::HuggingFace, Layout::OpenClipSiglip],
    open_clip_layout: Layout::OpenClipSiglip,
    open_clip_config: open_clip::siglip_config,
    takes_attention_mask: false,
};
