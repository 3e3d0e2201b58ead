//! What an export contains, how it fails, and that ONNX Runtime computes what transformers does with it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod checker;
mod failures;
mod numbers;
mod reduced;
mod structure;
mod support;
