//! Defines the names of modules and weights in Hugging Face's `CLIPModel` and `SiglipModel`.

/// The logarithm of the factor that multiplies the cosines: one number.
pub const LOGIT_SCALE: &str = "logit_scale";
/// The bias that SigLIP adds to its logits: one number.
pub const LOGIT_BIAS: &str = "logit_bias";

/// The token embedding: `[vocab_size, width]`.
pub const TOKEN_EMBEDDING: &str = "text_model.embeddings.token_embedding";
/// The position embedding of the text tower: `[context_length, width]`.
pub(crate) const TEXT_POSITIONS: &str = "text_model.embeddings.position_embedding";
/// The prefix of the text tower.
pub const TEXT_TOWER: &str = "text_model";
/// The norm before the text projection.
pub(crate) const TEXT_FINAL_NORM: &str = "text_model.final_layer_norm";
/// CLIP's text projection: `[projection_dim, width]`, without a bias.
pub(crate) const TEXT_PROJECTION: &str = "text_projection";
/// SigLIP's text projection: `[projection_dim, width]`, with a bias.
pub(crate) const TEXT_HEAD: &str = "text_model.head";

/// The class token: `[width]`. This names a weight, not a module.
pub(crate) const CLASS_EMBEDDING: &str = "vision_model.embeddings.class_embedding";
/// The patch embedding: `[width, 3, patch_size, patch_size]`; only SigLIP's has a bias.
pub(crate) const PATCH_EMBEDDING: &str = "vision_model.embeddings.patch_embedding";
/// The position embedding of the vision tower: `[positions, width]`.
pub(crate) const VISION_POSITIONS: &str = "vision_model.embeddings.position_embedding";
/// The prefix of the vision tower.
pub(crate) const VISION_TOWER: &str = "vision_model";
/// The norm before the blocks. The spelling is Hugging Face's.
pub(crate) const VISION_PRE_NORM: &str = "vision_model.pre_layrnorm";
/// The norm of the pooled row.
pub(crate) const VISION_POST_NORM: &str = "vision_model.post_layernorm";
/// CLIP's vision projection: `[projection_dim, width]`, without a bias.
pub(crate) const VISUAL_PROJECTION: &str = "visual_projection";

/// SigLIP's learned query: `[1, 1, width]`. This names a weight, not a module.
pub(crate) const PROBE: &str = "vision_model.head.probe";
/// The attention of SigLIP's pooling head, which has packed inputs and an output projection.
pub(crate) const POOLING_ATTENTION: &str = "vision_model.head.attention";
/// The output projection of the attention in SigLIP's pooling head.
pub(crate) const POOLING_ATTENTION_OUT: &str = "vision_model.head.attention.out_proj";
/// The norm in SigLIP's pooling head.
pub(crate) const POOLING_NORM: &str = "vision_model.head.layernorm";
/// SigLIP's pooling head, which contains an MLP.
pub(crate) const POOLING_HEAD: &str = "vision_model.head";

/// The norm before attention, relative to a layer.
pub(crate) const NORM_1: &str = "layer_norm1";
/// The norm before the MLP, relative to a layer.
pub(crate) const NORM_2: &str = "layer_norm2";
/// The query, key and value projections, relative to a layer.
pub const QKV: [&str; 3] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
/// The output projection of attention, relative to a layer.
pub const ATTENTION_OUT: &str = "self_attn.out_proj";
/// The first linear layer of the MLP, relative to a layer.
pub const MLP_IN: &str = "mlp.fc1";
/// The second linear layer of the MLP, relative to a layer.
pub const MLP_OUT: &str = "mlp.fc2";

/// The part of a name between a tower's prefix and the index of a block.
pub const LAYERS: &str = ".encoder.layers.";

/// Returns the name of the module of a block: `<tower>.encoder.layers.<index>`.
pub fn layer(tower: &str, index: usize) -> String {
    format!("{tower}{LAYERS}{index}")
}

/// Returns the name of the module `part` below `module`.
pub fn below(module: &str, part: &str) -> String {
    format!("{module}.{part}")
}

/// Returns the name of a module's packed query, key and value matrices: `[3·D, D]`.
pub fn packed_weight(module: &str) -> String {
    below(module, "in_proj_weight")
}

/// Returns the name of a module's packed query, key and value biases: `[3·D]`.
pub fn packed_bias(module: &str) -> String {
    below(module, "in_proj_bias")
}

/// Returns the name of a module's weight.
pub fn weight(module: &str) -> String {
    below(module, "weight")
}

/// Returns the name of a module's bias.
pub fn bias(module: &str) -> String {
    below(module, "bias")
}
