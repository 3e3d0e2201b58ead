//! Runs written for other tools, and read back.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "../../../query/tests/it/drawn.rs"]
mod drawn;
mod dvc;
mod import;
mod mlflow;
mod model_card;
mod support;
mod tables;
mod tensorboard;
#[path = "../../../query/tests/it/world.rs"]
mod world;
