//! Declares the keys of `open_clip_config.json` that are read.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) model_cfg: Model,
}

#[derive(Deserialize)]
pub(super) struct Model {
    pub(super) embed_dim: usize,
    #[serde(default)]
    pub(super) quick_gelu: bool,
    pub(super) init_logit_scale: Option<f64>,
    pub(super) init_logit_bias: Option<f64>,
    pub(super) vision_cfg: Vision,
    pub(super) text_cfg: Text,
    /// The settings of CoCa's decoder.
    pub(super) multimodal_cfg: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Vision {
    pub(super) image_size: Option<usize>,
    /// The number of blocks, or four numbers for a ResNet.
    pub(super) layers: Option<Value>,
    pub(super) width: Option<usize>,
    pub(super) head_width: Option<usize>,
    pub(super) mlp_ratio: Option<f64>,
    pub(super) patch_size: Option<usize>,
    pub(super) timm_model_name: Option<String>,
    pub(super) timm_pool: Option<String>,
    pub(super) timm_proj: Option<String>,
    pub(super) pool_type: Option<String>,
    pub(super) pos_embed_type: Option<String>,
    pub(super) act_kwargs: Option<ActivationSettings>,
    pub(super) norm_kwargs: Option<NormSettings>,
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct Text {
    pub(super) context_length: Option<usize>,
    pub(super) vocab_size: Option<usize>,
    pub(super) width: Option<usize>,
    pub(super) heads: Option<usize>,
    pub(super) layers: Option<usize>,
    pub(super) mlp_ratio: Option<f64>,
    pub(super) hf_model_name: Option<String>,
    #[serde(default)]
    pub(super) no_causal_mask: bool,
    #[serde(default)]
    pub(super) proj_bias: bool,
    pub(super) proj_type: Option<String>,
    pub(super) pool_type: Option<String>,
    pub(super) eos_id: Option<i64>,
    pub(super) act_kwargs: Option<ActivationSettings>,
    pub(super) norm_kwargs: Option<NormSettings>,
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// The keys of a tower that make it something other than CLIP's, unless they are null or false.
pub(super) const FOREIGN: [&str; 12] = [
    "attentional_pool",
    "final_ln_after_pool",
    "no_ln_pre",
    "embed_cls",
    "ls_init_value",
    "block_type",
    "qk_norm",
    "scaled_cosine_attn",
    "scale_heads",
    "scale_attn_inner",
    "scale_attn",
    "scale_fc",
];

#[derive(Deserialize)]
pub(super) struct ActivationSettings {
    pub(super) approximate: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct NormSettings {
    pub(super) eps: Option<f64>,
}
