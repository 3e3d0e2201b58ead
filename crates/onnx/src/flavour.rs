//! For which runtime a graph is written.

/// The operators that ONNX Runtime adds to ONNX's.
pub(crate) const MICROSOFT: &str = "com.microsoft";

/// The runtime that a graph is written for. Both compute the same from the same file of weights.
///
/// Only one of ONNX Runtime's own operators is used, `MultiHeadAttention` without a mask: it never holds all scores at
/// once. What else it offers was measured and is no faster than what it makes of the portable graph when it loads it
/// (`QuickGelu`), or slower (`SkipLayerNormalization`, `MultiHeadAttention` with a mask): see `docs/onnx.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Any: ONNX's own operators alone, in the patterns that ONNX Runtime fuses when it loads a model.
    Portable,
    /// ONNX Runtime.
    Fast,
}

impl Flavour {
    /// The name in metadata.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Fast => "fast",
        }
    }
}
