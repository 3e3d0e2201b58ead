//! Describes the two towers, written once over [`Ops`].
//!
//! The definition follows transformers' `modeling_clip.py` and `modeling_siglip.py` and uses their weight names,
//! including the misspelt `pre_layrnorm`.

use crate::config::{
    ClipConfig, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig, VisionPooling,
};
use crate::names;
use crate::ops::{Bias, Mask, Ops, PackedPart, Temperature};

/// A part of a tower, for interpreters that compute a tower part by part. Each part takes the output of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Everything between the input and the first block.
    Stem,
    /// The block with this index, which is not the last one.
    Block(usize),
    /// The last block, of which only one row is computed, and everything from there to the embeddings.
    Head,
}

impl Piece {
    /// Returns the pieces of a tower in order.
    pub fn of(config: &TransformerConfig) -> impl DoubleEndedIterator<Item = Self> {
        let blocks = (0..config.layers.saturating_sub(1)).map(Self::Block);
        std::iter::once(Self::Stem).chain(blocks).chain(std::iter::once(Self::Head))
    }
}

/// Computes image embeddings, not normalised: pixels `[B, 3, image_size, image_size]` → `[B, projection_dim]`.
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

/// Computes one piece of [`vision_tower`].
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
            let pooled = last_block(ops, blocks, names::VISION_TOWER, x, Row::First, Mask::None)?;
            let pooled = ops.layer_norm(&pooled, names::VISION_POST_NORM, blocks.layer_norm_eps)?;
            ops.linear(&pooled, names::VISUAL_PROJECTION, Bias::Without)
        }
        VisionPooling::AttentionHead => {
            // The head attends to all rows.
            let last = blocks.layers.checked_sub(1).map(|last| names::layer(names::VISION_TOWER, last));
            let computed = last.map(|layer| block(ops, blocks, &layer, x, Mask::None)).transpose()?;
            let x = computed.as_ref().unwrap_or(x);
            let x = ops.layer_norm(x, names::VISION_POST_NORM, blocks.layer_norm_eps)?;
            attention_head(ops, blocks, &x)
        }
    }
}

/// Lets a learned query attend to all rows; then x += mlp(norm(x)). The query is not added as a residual.
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
    let pooled = ops.linear(&mixed, names::POOLING_ATTENTION_OUT, Bias::With)?;
    let normed = ops.layer_norm(&pooled, names::POOLING_NORM, config.layer_norm_eps)?;
    let widened = mlp(ops, config, names::POOLING_HEAD, &normed)?;
    ops.add(&pooled, &widened)
}

/// Computes text embeddings, not normalised: ids `[B, S]` → `[B, projection_dim]`. An attention mask `[B, S]` is needed
/// if padding may precede the text of a causal tower.
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

/// Computes one piece of [`text_tower`]; every piece takes the ids as well.
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
            let mask = text_mask(config, attention_mask);
            block(ops, &config.transformer, &names::layer(names::TEXT_TOWER, index), x, mask)
        }
        Piece::Head => text_head(ops, config, x, ids, text_mask(config, attention_mask)),
    }
}

fn text_mask<'a, V>(config: &TextConfig, attention_mask: Option<&'a V>) -> Mask<'a, V> {
    if config.pooling.is_causal() { Mask::Causal { keys: attention_mask } } else { Mask::None }
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
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let blocks = &config.transformer;
    let row = Row::OfText { ids, pooling: config.pooling };
    let pooled = last_block(ops, blocks, names::TEXT_TOWER, x, row, mask)?;
    let pooled = ops.layer_norm(&pooled, names::TEXT_FINAL_NORM, blocks.layer_norm_eps)?;
    match config.pooling {
        TextPooling::Last => ops.linear(&pooled, names::TEXT_HEAD, Bias::With),
        TextPooling::HighestId | TextPooling::First(_) => {
            ops.linear(&pooled, names::TEXT_PROJECTION, Bias::Without)
        }
    }
}

/// The output of the whole model.
#[derive(Debug)]
pub struct ClipOutput<V> {
    /// The normalised image embeddings `[images, projection_dim]`.
    pub image_embeds: V,
    /// The normalised text embeddings `[texts, projection_dim]`.
    pub text_embeds: V,
    /// The logits of every image with every text: `[images, texts]`.
    pub logits_per_image: V,
    /// The logits of every text with every image: `[texts, images]`.
    pub logits_per_text: V,
}

/// Computes both towers and the scaled cosine similarity of every image with every text.
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

/// Returns the names of the weights that turn a family's cosines into logits.
pub fn temperature(family: Family) -> Temperature<'static> {
    let logit_bias = family.traits().logit_bias.map(|_| names::LOGIT_BIAS);
    Temperature { logit_scale: names::LOGIT_SCALE, logit_bias }
}

/// Which row of a sequence becomes its embedding.
enum Row<'a, V> {
    /// The first row.
    First,
    /// The row that a rule picks by the text's ids.
    OfText { ids: &'a V, pooling: TextPooling },
}

// `Clone` is not derived because a derive would require `V: Clone`, although a reference can be copied whatever it
// refers to.
impl<V> Clone for Row<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Row<'_, V> {}

impl<'a, V> Row<'a, V> {
    /// Picks the row from each sequence of x: `[B, S, D]` → `[B, D]`.
    fn pick<O: Ops<Value = V>>(self, ops: &mut O, x: &V) -> Result<V, O::Error> {
        match self {
            Self::First => ops.first_row(x),
            Self::OfText { ids, pooling } => ops.pooled_row(x, ids, pooling),
        }
    }

    /// Returns the mask for the picked row, given the mask for all rows of the tower.
    fn mask(self, mask: Mask<'a, V>) -> Mask<'a, V> {
        match (self, mask) {
            (Self::OfText { ids, pooling }, Mask::Causal { keys }) => Mask::UpToPooled { ids, pooling, keys },
            (_, mask) => mask,
        }
    }
}

/// Computes one row of the last block's output for each sequence: `[B, S, D]` → `[B, D]`.
///
/// The references compute every row of the last block, normalise all of them and then pick one. The other rows of that
/// block contribute nothing but keys and values, and a norm looks at one row only, so picking the row first gives the
/// same numbers for a fraction of the work.
fn last_block<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    tower: &str,
    x: &O::Value,
    row: Row<'_, O::Value>,
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let Some(last) = config.layers.checked_sub(1) else { return row.pick(ops, x) };
    pooled_block(ops, config, &names::layer(tower, last), x, row, mask)
}

/// Computes a pre-norm block: x += attention(norm(x)); x += mlp(norm(x)).
fn block<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    x: &O::Value,
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let normed = ops.layer_norm(x, &names::below(layer, names::NORM_1), config.layer_norm_eps)?;
    let attended = attention(ops, config, layer, [&normed, &normed], mask)?;
    add_both(ops, config, layer, x, &attended)
}

/// Computes one row of a block's output for each sequence; the keys and values come from all rows.
fn pooled_block<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    x: &O::Value,
    row: Row<'_, O::Value>,
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let normed = ops.layer_norm(x, &names::below(layer, names::NORM_1), config.layer_norm_eps)?;
    let query = row.pick(ops, &normed)?;
    let attended = attention(ops, config, layer, [&query, &normed], row.mask(mask))?;
    let x = row.pick(ops, x)?;
    add_both(ops, config, layer, &x, &attended)
}

/// Adds both branches of a block to the rows: the output of attention, then the MLP of the norm of that sum.
fn add_both<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    x: &O::Value,
    attended: &O::Value,
) -> Result<O::Value, O::Error> {
    let x = ops.add(x, attended)?;
    let normed = ops.layer_norm(&x, &names::below(layer, names::NORM_2), config.layer_norm_eps)?;
    let widened = mlp(ops, config, layer, &normed)?;
    ops.add(&x, &widened)
}

/// Computes attention over normalised `rows` for the given `queries`.
fn attention<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    layer: &str,
    [queries, rows]: [&O::Value; 2],
    mask: Mask<'_, O::Value>,
) -> Result<O::Value, O::Error> {
    let [query, key, value] = names::QKV.map(|part| names::below(layer, part));
    let query = ops.linear(queries, &query, Bias::With)?;
    let key = ops.linear(rows, &key, Bias::With)?;
    let value = ops.linear(rows, &value, Bias::With)?;
    let mixed = ops.attention([&query, &key, &value], config.heads, mask)?;
    ops.linear(&mixed, &names::below(layer, names::ATTENTION_OUT), Bias::With)
}

/// Computes the MLP below `module`.
fn mlp<O: Ops>(
    ops: &mut O,
    config: &TransformerConfig,
    module: &str,
    x: &O::Value,
) -> Result<O::Value, O::Error> {
    let [first, second] = [names::MLP_IN, names::MLP_OUT].map(|part| names::below(module, part));
    ops.mlp(x, &first, config.activation, &second)
}
