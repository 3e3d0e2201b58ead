//! Whether intervals and p-values keep what they promise, in simulations.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod coverage;
mod simulated;
mod weights;
