//! Which sizes and constants are possible, whoever's file says them.

use super::{TextConfig, TransformerConfig, VisionConfig};

/// The keys of a file that say what a transformer's sizes are, so that an error names what is written there.
pub(super) struct Keys {
    /// The map that they are in.
    pub(super) section: &'static str,
    pub(super) width: &'static str,
    pub(super) heads: &'static str,
    pub(super) layers: &'static str,
    pub(super) mlp_width: &'static str,
    pub(super) layer_norm_eps: &'static str,
}

/// More blocks than any published tower has; a larger number is damage.
const MOST_LAYERS: usize = 1_000;
/// Wider than any published tower is, whose widest inner layers have some ten thousand numbers.
const WIDEST: usize = 1 << 17;
/// Longer texts than any published tower takes.
const LONGEST_TEXT: usize = 1 << 16;
/// More tokens than any published vocabulary has, which is a quarter of a million.
const MOST_TOKENS: usize = 1 << 24;
/// Larger images than any published tower takes.
const LARGEST_IMAGE: usize = 1 << 13;

impl TransformerConfig {
    /// The same sizes, if they are possible.
    pub(super) fn checked(self, keys: &Keys) -> Result<Self, String> {
        let Self { width, heads, layers, mlp_width, layer_norm_eps, .. } = self;
        let key = |name: &str| format!("{}.{name}", keys.section);
        within(&key(keys.width), width, 1, WIDEST)?;
        within(&key(keys.heads), heads, 1, width)?;
        ensure(width.is_multiple_of(heads), || {
            format!("{} {width} is not a multiple of {} {heads}", key(keys.width), keys.heads)
        })?;
        within(&key(keys.mlp_width), mlp_width, 1, WIDEST)?;
        within(&key(keys.layers), layers, 0, MOST_LAYERS)?;
        // In single precision, in which it is added: 1e-50 is nothing there, and a row without variance divides by it.
        let eps = layer_norm_eps as f32;
        ensure(eps.is_finite() && eps > 0.0, || {
            format!("{} is {layer_norm_eps:e}, it must be a positive number", key(keys.layer_norm_eps))
        })?;
        Ok(self)
    }
}

impl VisionConfig {
    /// The same sizes, if they are possible.
    pub(super) fn checked(self, section: &str) -> Result<Self, String> {
        let (image, patch) = (self.image_size, self.patch_size);
        within(&format!("{section}.image_size"), image, 1, LARGEST_IMAGE)?;
        ensure(patch > 0 && patch <= image, || {
            format!("{section}.patch_size: no patch of {patch} pixels fits into an image of {image}")
        })?;
        Ok(self)
    }
}

impl TextConfig {
    /// The same sizes, if they are possible; `context` is the key of the longest text.
    pub(super) fn checked(self, section: &str, context: &str) -> Result<Self, String> {
        // A text has a start, an end, and a token between them.
        within(&format!("{section}.{context}"), self.context_length, 3, LONGEST_TEXT)?;
        within(&format!("{section}.vocab_size"), self.vocab_size, 1, MOST_TOKENS)?;
        Ok(self)
    }
}

/// The size of the shared embedding, if it is possible.
pub(super) fn projection(key: &str, size: usize) -> Result<usize, String> {
    within(key, size, 1, WIDEST)
}

/// A temperature before training, if it is possible: its exponential multiplies the cosines.
pub(super) fn logit_scale(key: &str, value: f64) -> Result<f64, String> {
    let factor = (value as f32).exp();
    ensure(factor.is_finite() && factor > 0.0, || {
        format!("{key} is {value}, so that similarities would be multiplied by {factor}")
    })?;
    Ok(value)
}

fn within(key: &str, value: usize, least: usize, most: usize) -> Result<usize, String> {
    ensure((least..=most).contains(&value), || format!("{key} is {value}, it must be {least} to {most}"))?;
    Ok(value)
}

pub(super) fn ensure(condition: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(problem()) }
}
