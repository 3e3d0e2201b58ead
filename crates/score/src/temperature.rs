//! From cosines to logits.

/// What an exported model says about its logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    /// exp(logit_scale): what cosines are multiplied by.
    pub scale: f64,
    /// What SigLIP adds; 0 for CLIP.
    pub bias: f64,
}

impl Temperature {
    /// Returns the logit of a cosine.
    pub(crate) fn logit(self, cosine: f64) -> f64 {
        self.scale * cosine + self.bias
    }
}
