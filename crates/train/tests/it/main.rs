//! Training against PyTorch, what a run continues from, and how unusable files are refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod checkpoints;
mod classes;
mod distributed;
mod equal_texts;
mod evaluation;
mod extras;
mod forward;
mod gradients;
mod loading;
mod memory;
mod references;
mod resume;
mod runs;
mod support;
mod token_rows;
mod training;
mod tuning;
mod unfit;
mod unusable;
