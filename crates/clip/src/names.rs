//! The names of modules and weights, as Hugging Face's `CLIPModel` and `SiglipModel` have them.

/// The logarithm of the cosines' factor, one number.
pub const LOGIT_SCALE: &str = "logit_scale";
/// What SigLIP adds to its logits, one number.
pub const LOGIT_BIAS: &str = "logit_bias";

/// `[vocab_size, width]`.
pub const TOKEN_EMBEDDING: &str = "text_model.embeddings.token_embedding";
/// `[context_length, width]`.
pub(crate) const TEXT_POSITIONS: &str = "text_model.embeddings.position_embedding";
/// Prefix of the text tower.
pub const TEXT_TOWER: &str = "text_model";
/// The norm before the text projection.
pub(crate) const TEXT_FINAL_NORM: &str = "text_model.final_layer_norm";
/// CLIP: `[projection_dim, width]`, no bias.
pub(crate) const TEXT_PROJECTION: &str = "text_projection";
/// SigLIP's text projection: `[projection_dim, width]` and a bias.
pub(crate) const TEXT_HEAD: &str = "text_model.head";

/// `[width]`: a weight of its own, not a module.
pub(crate) const CLASS_EMBEDDING: &str = "vision_model.embeddings.class_embedding";
/// `[width, 3, patch_size, patch_size]`; a bias in SigLIP alone.
pub(crate) const PATCH_EMBEDDING: &str = "vision_model.embeddings.patch_embedding";
/// `[positions, width]`.
pub(crate) const VISION_POSITIONS: &str = "vision_model.embeddings.position_embedding";
/// Prefix of the vision tower.
pub(crate) const VISION_TOWER: &str = "vision_model";
/// The norm before the blocks. The spelling is Hugging Face's.
pub(crate) const VISION_PRE_NORM: &str = "vision_model.pre_layrnorm";
/// The norm of the pooled row.
pub(crate) const VISION_POST_NORM: &str = "vision_model.post_layernorm";
/// `[projection_dim, width]`, no bias.
pub(crate) const VISUAL_PROJECTION: &str = "visual_projection";

/// SigLIP's learned query: `[1, 1, width]`, a weight of its own.
pub(crate) const PROBE: &str = "vision_model.head.probe";
/// The attention of SigLIP's pooling head: packed inputs and an output projection.
pub(crate) const POOLING_ATTENTION: &str = "vision_model.head.attention";
/// The output projection of that attention.
pub(crate) const POOLING_ATTENTION_OUT: &str = "vision_model.head.attention.out_proj";
/// The norm of the pooling head.
pub(crate) const POOLING_NORM: &str = "vision_model.head.layernorm";
/// The pooling head, around its MLP.
pub(crate) const POOLING_HEAD: &str = "vision_model.head";

/// Norm before attention, below a layer.
pub(crate) const NORM_1: &str = "layer_norm1";
/// Norm before the MLP, below a layer.
pub(crate) const NORM_2: &str = "layer_norm2";
/// Query, key and value projections, below a layer.
pub const QKV: [&str; 3] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
/// Output projection of attention, below a layer.
pub const ATTENTION_OUT: &str = "self_attn.out_proj";
/// First layer of the MLP, below a layer.
pub const MLP_IN: &str = "mlp.fc1";
/// Second layer of the MLP, below a layer.
pub const MLP_OUT: &str = "mlp.fc2";

/// What stands between a tower's prefix and the number of a block.
pub const LAYERS: &str = ".encoder.layers.";

/// The module of a block: `<tower>.encoder.layers.<index>`.
pub fn layer(tower: &str, index: usize) -> String {
    format!("{tower}{LAYERS}{index}")
}

/// The module `part` below `module`.
pub fn below(module: &str, part: &str) -> String {
    format!("{module}.{part}")
}

/// The packed query, key and value matrices of a module: `[3·D, D]`.
pub fn packed_weight(module: &str) -> String {
    below(module, "in_proj_weight")
}

/// The packed query, key and value biases of a module: `[3·D]`.
pub fn packed_bias(module: &str) -> String {
    below(module, "in_proj_bias")
}

/// The weight of a module.
pub fn weight(module: &str) -> String {
    below(module, "weight")
}

/// The bias of a module.
pub fn bias(module: &str) -> String {
    below(module, "bias")
}
