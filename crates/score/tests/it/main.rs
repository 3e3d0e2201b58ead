//! Scoring with ONNX Runtime, on towers small enough to compute by hand (`scripts/references/tiny_onnx.py`).

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

mod command;
mod export;
mod fixture;
mod graphs;
mod library;
mod precisions;
mod recall;
mod towers;

use std::sync::LazyLock;

use cliptune_encode::runtime::Runtime;

/// There is one ONNX Runtime per process, and tests share theirs.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::start().expect("scripts/setup has put ONNX Runtime into native/"));
