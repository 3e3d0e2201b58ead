//! What the number of an item can be, and so what a mean over items can be.

/// The smallest and the largest number that is possible.
pub type Range = (f64, f64);

/// Of a share, a probability, a reciprocal rank, or how right an answer is.
pub const SHARE: Range = (0.0, 1.0);

/// Of the Brier score of an item: the sum over all candidates of (probability - truth)².
pub const BRIER: Range = (0.0, 2.0);

/// Of a loss that is as large as may be, such as -ln of a probability.
pub const LOSS: Range = (0.0, f64::INFINITY);
