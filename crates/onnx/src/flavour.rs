//! The runtimes that a graph can be written for.

/// The domain of the operators that ONNX Runtime adds to ONNX's own.
pub(crate) const MICROSOFT: &str = "com.microsoft";

/// The runtime that a graph is written for. Both flavours compute the same results from the same weights file.
///
/// Only one of ONNX Runtime's own operators is used: `MultiHeadAttention` without a mask, which never holds all scores
/// in memory at once. The other operators were measured. `QuickGelu` is no faster than what ONNX Runtime makes of the
/// portable graph when it loads it; `SkipLayerNormalization` and `MultiHeadAttention` with a mask are slower. See
/// `docs/onnx.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Any runtime: the graph uses only ONNX's own operators, in the patterns that ONNX Runtime fuses when it loads a
    /// model.
    Portable,
    /// ONNX Runtime, with one of its own operators.
    Fast,
}

impl Flavour {
    /// Returns the name that is written into the metadata.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Fast => "fast",
        }
    }
}
