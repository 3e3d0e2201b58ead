//! The names of CLIP's modules and weights, as Hugging Face's `CLIPModel` has them.

/// The temperature's logarithm, a scalar.
pub const LOGIT_SCALE: &str = "logit_scale";

/// `[vocab_size, width]`.
pub const TOKEN_EMBEDDING: &str = "text_model.embeddings.token_embedding";
/// `[context_length, width]`.
pub const TEXT_POSITIONS: &str = "text_model.embeddings.position_embedding";
/// Prefix of the text tower.
pub const TEXT_TOWER: &str = "text_model";
/// The norm before the text projection.
pub const TEXT_FINAL_NORM: &str = "text_model.final_layer_norm";
/// `[projection_dim, width]`, no bias.
pub const TEXT_PROJECTION: &str = "text_projection";

/// `[width]`: a weight of its own, not a module.
pub const CLASS_EMBEDDING: &str = "vision_model.embeddings.class_embedding";
/// `[width, 3, patch_size, patch_size]`, no bias.
pub const PATCH_EMBEDDING: &str = "vision_model.embeddings.patch_embedding";
/// `[patches + 1, width]`.
pub const VISION_POSITIONS: &str = "vision_model.embeddings.position_embedding";
/// Prefix of the vision tower.
pub const VISION_TOWER: &str = "vision_model";
/// The norm before the blocks. The spelling is Hugging Face's.
pub const VISION_PRE_NORM: &str = "vision_model.pre_layrnorm";
/// The norm of the pooled row.
pub const VISION_POST_NORM: &str = "vision_model.post_layernorm";
/// `[projection_dim, width]`, no bias.
pub const VISUAL_PROJECTION: &str = "visual_projection";

/// Norm before attention, below a layer.
pub const NORM_1: &str = "layer_norm1";
/// Norm before the MLP, below a layer.
pub const NORM_2: &str = "layer_norm2";
/// Query, key and value projections, below a layer.
pub const QKV: [&str; 3] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
/// Output projection of attention, below a layer.
pub const ATTENTION_OUT: &str = "self_attn.out_proj";
/// First layer of the MLP, below a layer.
pub const MLP_IN: &str = "mlp.fc1";
/// Second layer of the MLP, below a layer.
pub const MLP_OUT: &str = "mlp.fc2";

/// The module of a block: `<tower>.encoder.layers.<index>`.
pub fn layer(tower: &str, index: usize) -> String {
    format!("{tower}.encoder.layers.{index}")
}

/// The module `part` below `module`.
pub fn below(module: &str, part: &str) -> String {
    format!("{module}.{part}")
}

/// The weight of a module.
pub fn weight(module: &str) -> String {
    below(module, "weight")
}

/// The bias of a module.
pub fn bias(module: &str) -> String {
    below(module, "bias")
}
