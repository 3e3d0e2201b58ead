//! The two towers, written once over [`Ops`].
//!
//! The definition follows `modeling_clip.py` of transformers (`CLIPVisionTransformer`, `CLIPTextTransformer`) and
//! takes its weight names, the misspelt `pre_layrnorm` included.

use crate::config::{ClipConfig, TextConfig, TransformerConfig, VisionConfig};
use crate::names;
use crate::ops::{Bias, Mask, Ops};

/// Image embeddings, not normalised: pixels `[B, 3, image_size, image_size]` → `[B, projection_dim]`.
pub fn vision_tower<O: Ops>(
    ops: &mut O,
    config: &VisionConfig,
    pixels: &O::Value,
) -> Result<O::Value, O::Error> {
    let blocks = &config.transformer;
    let x = ops.patches(pixels, names::PATCH_EMBEDDING, config.patch_size)?;
    let x = ops.prepend_row(&x, names::CLASS_EMBEDDING)?;
    let x = ops.add_positions(&x, names::VISION_POSITIONS)?;
    let x = ops.layer_norm(&x, names::VISION_PRE_NORM, blocks.layer_norm_eps)?;
    let x = transformer(ops, blocks, names::VISION_TOWER, x, Mask::None)?;
    let pooled = ops.first_row(&x)?;
    let pooled = ops.layer_norm(&pooled, names::VISION_POST_NORM, blocks.layer_norm_eps)?;
    ops.linear(&pooled, names::VISUAL_PROJECTION, Bias::Without)
}

/// Text embeddings, not normalised: ids `[B, S]` (and, if padding may precede the text, an attention mask
/// `[B, S]`) → `[B, projection_dim]`.
pub fn text_tower<O: Ops>(
    ops: &mut O,
    config: &TextConfig,
    ids: &O::Value,
    attention_mask: Option<&O::Value>,
) -> Result<O::Value, O::Error> {
    let blocks = &config.transformer;
    let x = ops.embedding(ids, names::TOKEN_EMBEDDING)?;
    let x = ops.add_positions(&x, names::TEXT_POSITIONS)?;
    let x = transformer(ops, blocks, names::TEXT_TOWER, x, Mask::Causal { keys: attention_mask })?;
    // The references normalise every row and then pick one; a layer norm looks at one row only, so picking
    // first gives the same numbers for a fraction of the work.
    let pooled = ops.end_row(&x, ids, config.end_of_text)?;
    let pooled = ops.layer_norm(&pooled, names::TEXT_FINAL_NORM, blocks.layer_norm_eps)?;
    ops.linear(&pooled, names::TEXT_PROJECTION, Bias::Without)
}

/// What the whole model computes.
#[derive(Debug)]
pub struct ClipOutput<V> {
    /// Normalised image embeddings `[images, projection_dim]`.
    pub image_embeds: V,
    /// Normalised text embeddings `[texts, projection_dim]`.
    pub text_embeds: V,
    /// `[images, texts]`.
    pub logits_per_image: V,
    /// `[texts, images]`.
    pub logits_per_text: V,
}

/// Both towers and the scaled cosine similarity of every image with every text.
pub fn clip<O: Ops>(
    ops: &mut O,
    config: &ClipConfig,
    pixels: &O::Value,
    ids: &O::Value,
    attention_mask: Option<&O::Value>,
) -> Result<ClipOutput<O::Value>, O::Error> {
    let image = vision_tower(ops, &config.vision, pixels)?;
    let image_embeds = ops.normalize(&image)?;
    let text = text_tower(ops, &config.text, ids, attention_mask)?;
    let text_embeds = ops.normalize(&text)?;
    let logits_per_image = ops.scaled_similarity(&image_embeds, &text_embeds, names::LOGIT_SCALE)?;
    let logits_per_text = ops.scaled_similarity(&text_embeds, &image_embeds, names::LOGIT_SCALE)?;
    Ok(ClipOutput { image_embeds, text_embeds, logits_per_image, logits_per_text })
}

fn transformer<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    tower: &str,
    mut x: O::Value,
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    for layer in 0..config.layers {
        x = block(ops, config, &names::layer(tower, layer), &x, mask)?;
    }
    Ok(x)
}

/// A pre-norm block: x += attention(norm(x)); x += mlp(norm(x)).
fn block<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    x: &O::Value,
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let attended = attention(ops, config, layer, x, mask)?;
    let x = ops.add(x, &attended)?;
    let widened = mlp(ops, config, layer, &x)?;
    ops.add(&x, &widened)
}

fn attention<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    x: &O::Value,
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let x = ops.layer_norm(x, &names::below(layer, names::NORM_1), config.layer_norm_eps)?;
    let [query, key, value] = names::QKV.map(|part| ops.linear(&x, &names::below(layer, part), Bias::With));
    let mixed = ops.attention([&query?, &key?, &value?], config.heads, mask)?;
    ops.linear(&mixed, &names::below(layer, names::ATTENTION_OUT), Bias::With)
}

fn mlp<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    x: &O::Value,
) -> Result<O::Value, O::Error> {
    let x = ops.layer_norm(x, &names::below(layer, names::NORM_2), config.layer_norm_eps)?;
    let x = ops.linear(&x, &names::below(layer, names::MLP_IN), Bias::With)?;
    let x = ops.activation(&x, config.activation)?;
    ops.linear(&x, &names::below(layer, names::MLP_OUT), Bias::With)
}
