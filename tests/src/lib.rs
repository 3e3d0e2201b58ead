//! Whole-tool tests live in `it/`.
