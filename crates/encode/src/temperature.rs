//! Turns cosines into logits.

/// The two numbers that turn cosines into logits, as an exported model states them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    /// The factor exp(logit_scale), by which cosines are multiplied.
    pub scale: f64,
    /// The bias that SigLIP adds; 0 for CLIP.
    pub bias: f64,
}

impl Temperature {
    /// Returns this temperature with another factor, if there is one.
    pub fn with_scale(self, scale: Option<f64>) -> Self {
        Self { scale: scale.unwrap_or(self.scale), ..self }
    }

    /// Returns the logit of a cosine.
    pub fn logit(self, cosine: f64) -> f64 {
        self.scale * cosine + self.bias
    }
}
