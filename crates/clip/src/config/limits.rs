//! Checks which sizes and constants are possible, whichever file they come from.

use super::{TextConfig, TransformerConfig, VisionConfig};

/// The keys under which a file gives a transformer's sizes, so that an error can name what is written there.
pub(super) struct Keys {
    /// The name of the map that contains the keys.
    pub(super) section: &'static str,
    pub(super) width: &'static str,
    pub(super) heads: &'static str,
    pub(super) layers: &'static str,
    pub(super) mlp_width: &'static str,
    pub(super) layer_norm_eps: &'static str,
}

/// The largest number of blocks. It is more than any published tower has; a larger number means that the file is
/// damaged.
const MOST_LAYERS: usize = 1_000;
/// The largest width. Published towers are narrower: their widest inner layers have some ten thousand numbers.
const WIDEST: usize = 1 << 17;
/// The largest context length in tokens, longer than any published tower takes.
const LONGEST_TEXT: usize = 1 << 16;
/// The largest vocabulary. Published ones have at most a quarter of a million tokens.
const MOST_TOKENS: usize = 1 << 24;
/// The largest side of an image in pixels, larger than any published tower takes.
const LARGEST_IMAGE: usize = 1 << 13;

impl TransformerConfig {
    /// Returns the sizes unchanged if they are possible.
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
        // The check is in single precision, in which the epsilon is added: 1e-50 is zero there, and a row without
        // variance would be divided by zero.
        let eps = layer_norm_eps as f32;
        ensure(eps.is_finite() && eps > 0.0, || {
            format!("{} is {layer_norm_eps:e}, it must be a positive number", key(keys.layer_norm_eps))
        })?;
        Ok(self)
    }
}

impl VisionConfig {
    /// Returns the sizes unchanged if they are possible.
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
    /// Returns the sizes unchanged if they are possible; `context` is the key that gives the context length.
    pub(super) fn checked(self, section: &str, context: &str) -> Result<Self, String> {
        // A text has a start token, an end token, and at least one token between them.
        within(&format!("{section}.{context}"), self.context_length, 3, LONGEST_TEXT)?;
        within(&format!("{section}.vocab_size"), self.vocab_size, 1, MOST_TOKENS)?;
        Ok(self)
    }
}

/// Returns the size of the shared embedding if it is possible.
pub(super) fn projection(key: &str, size: usize) -> Result<usize, String> {
    within(key, size, 1, WIDEST)
}

/// Returns the initial temperature if it is possible: its exponential multiplies the cosines.
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
