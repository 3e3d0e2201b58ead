//! The two towers, written once over [`Ops`].
//!
//! The definition follows `modeling_clip.py` and `modeling_siglip.py` of transformers and takes their weight names,
//! the misspelt `pre_layrnorm` included.

use crate::config::{
    ClipConfig, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig, VisionPooling,
};
use crate::names;
use crate::ops::{Bias, Mask, Ops, PackedPart, Temperature};

/// A part of a tower, for interpreters that compute a tower part by part. Each takes what the one before gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// From the input to the first block.
    Stem,
    /// One block.
    Block(usize),
    /// From the last block to the embeddings.
    Head,
}

impl Piece {
    /// The pieces of a tower in order.
    pub fn of(config: &TransformerConfig) -> impl DoubleEndedIterator<Item = Self> {
        let blocks = (0..config.layers).map(Self::Block);
        std::iter::once(Self::Stem).chain(blocks).chain(std::iter::once(Self::Head))
    }
}

/// Image embeddings, not normalised: pixels `[B, 3, image_size, image_size]` → `[B, projection_dim]`.
pub fn vision_tower<O: Ops>(
    ops: &mut O,
    config: &VisionConfig,
    pixels: &O::Value,
) -> Result<O::Value, O::Error> {
    let mut x = vision_stem(ops, config, pixels)?;
    for piece in Piece::of(&config.transformer).skip(1) {
        x = vision_piece(ops, config, piece, &x)?;
    }
    Ok(x)
}

/// A piece of [`vision_tower`].
pub fn vision_piece<O: Ops>(
    ops: &mut O,
    config: &VisionConfig,
    piece: Piece,
    x: &O::Value,
) -> Result<O::Value, O::Error> {
    match piece {
        Piece::Stem => vision_stem(ops, config, x),
        Piece::Block(index) => {
            block(ops, &config.transformer, &names::layer(names::VISION_TOWER, index), x, Mask::None)
        }
        Piece::Head => vision_head(ops, config, x),
    }
}

fn vision_stem<O: Ops>(ops: &mut O, config: &VisionConfig, pixels: &O::Value) -> Result<O::Value, O::Error> {
    match config.pooling {
        VisionPooling::ClassToken => {
            let x = ops.patches(pixels, names::PATCH_EMBEDDING, config.patch_size, Bias::Without)?;
            let x = ops.prepend_row(&x, names::CLASS_EMBEDDING)?;
            let x = ops.add_positions(&x, names::VISION_POSITIONS)?;
            ops.layer_norm(&x, names::VISION_PRE_NORM, config.transformer.layer_norm_eps)
        }
        VisionPooling::AttentionHead => {
            let x = ops.patches(pixels, names::PATCH_EMBEDDING, config.patch_size, Bias::With)?;
            ops.add_positions(&x, names::VISION_POSITIONS)
        }
    }
}

fn vision_head<O: Ops>(ops: &mut O, config: &VisionConfig, x: &O::Value) -> Result<O::Value, O::Error> {
    let blocks = &config.transformer;
    match config.pooling {
        VisionPooling::ClassToken => {
            let pooled = ops.first_row(x)?;
            let pooled = ops.layer_norm(&pooled, names::VISION_POST_NORM, blocks.layer_norm_eps)?;
            ops.linear(&pooled, names::VISUAL_PROJECTION, Bias::Without)
        }
        VisionPooling::AttentionHead => {
            let x = ops.layer_norm(x, names::VISION_POST_NORM, blocks.layer_norm_eps)?;
            attention_head(ops, blocks, &x)
        }
    }
}

/// A learned query attends to all rows; then x += mlp(norm(x)), without the query as a residual.
fn attention_head<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    x: &O::Value,
) -> Result<O::Value, O::Error> {
    let probe = ops.learned_query(x, names::PROBE)?;
    let query = ops.packed_linear(&probe, names::POOLING_ATTENTION, PackedPart::Query)?;
    let key = ops.packed_linear(x, names::POOLING_ATTENTION, PackedPart::Key)?;
    let value = ops.packed_linear(x, names::POOLING_ATTENTION, PackedPart::Value)?;
    let mixed = ops.attention([&query, &key, &value], config.heads, Mask::None)?;
    let mixed = ops.first_row(&mixed)?;
    let pooled = ops.linear(&mixed, names::POOLING_ATTENTION_OUT, Bias::With)?;
    let normed = ops.layer_norm(&pooled, names::POOLING_NORM, config.layer_norm_eps)?;
    let widened = mlp(ops, config, names::POOLING_HEAD, &normed)?;
    ops.add(&pooled, &widened)
}

/// Text embeddings, not normalised: ids `[B, S]` (and, if padding may precede the text of a causal tower, an attention
/// mask `[B, S]`) → `[B, projection_dim]`.
pub fn text_tower<O: Ops>(
    ops: &mut O,
    config: &TextConfig,
    ids: &O::Value,
    attention_mask: Option<&O::Value>,
) -> Result<O::Value, O::Error> {
    let mut x = text_stem(ops, ids)?;
    for piece in Piece::of(&config.transformer).skip(1) {
        x = text_piece(ops, config, piece, &x, ids, attention_mask)?;
    }
    Ok(x)
}

/// A piece of [`text_tower`]; all of them take the ids as well.
pub fn text_piece<O: Ops>(
    ops: &mut O,
    config: &TextConfig,
    piece: Piece,
    x: &O::Value,
    ids: &O::Value,
    attention_mask: Option<&O::Value>,
) -> Result<O::Value, O::Error> {
    match piece {
        Piece::Stem => text_stem(ops, ids),
        Piece::Block(index) => {
            let mask =
                if config.pooling.is_causal() { Mask::Causal { keys: attention_mask } } else { Mask::None };
            block(ops, &config.transformer, &names::layer(names::TEXT_TOWER, index), x, mask)
        }
        Piece::Head => text_head(ops, config, x, ids),
    }
}

fn text_stem<O: Ops>(ops: &mut O, ids: &O::Value) -> Result<O::Value, O::Error> {
    let x = ops.embedding(ids, names::TOKEN_EMBEDDING)?;
    ops.add_positions(&x, names::TEXT_POSITIONS)
}

fn text_head<O: Ops>(
    ops: &mut O,
    config: &TextConfig,
    x: &O::Value,
    ids: &O::Value,
) -> Result<O::Value, O::Error> {
    // The references normalise every row and then pick one; a layer norm looks at one row only, so picking
    // first gives the same numbers for a fraction of the work.
    let pooled = ops.pooled_row(x, ids, config.pooling)?;
    let pooled = ops.layer_norm(&pooled, names::TEXT_FINAL_NORM, config.transformer.layer_norm_eps)?;
    match config.pooling {
        TextPooling::Last => ops.linear(&pooled, names::TEXT_HEAD, Bias::With),
        TextPooling::HighestId | TextPooling::First(_) => {
            ops.linear(&pooled, names::TEXT_PROJECTION, Bias::Without)
        }
    }
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
    let temperature = temperature(config.family);
    let logits_per_image = ops.scaled_similarity(&image_embeds, &text_embeds, temperature)?;
    let logits_per_text = ops.scaled_similarity(&text_embeds, &image_embeds, temperature)?;
    Ok(ClipOutput { image_embeds, text_embeds, logits_per_image, logits_per_text })
}

/// The weights that turn the cosines of a family into logits.
pub fn temperature(family: Family) -> Temperature<'static> {
    let logit_bias = match family {
        Family::Clip => None,
        Family::Siglip => Some(names::LOGIT_BIAS),
    };
    Temperature { logit_scale: names::LOGIT_SCALE, logit_bias }
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
    let normed = ops.layer_norm(&x, &names::below(layer, names::NORM_2), config.layer_norm_eps)?;
    let widened = mlp(ops, config, layer, &normed)?;
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

/// The MLP below `module`.
fn mlp<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    module: &str,
    x: &O::Value,
) -> Result<O::Value, O::Error> {
    let x = ops.linear(x, &names::below(module, names::MLP_IN), Bias::With)?;
    let x = ops.activation(&x, config.activation)?;
    ops.linear(&x, &names::below(module, names::MLP_OUT), Bias::With)
}
