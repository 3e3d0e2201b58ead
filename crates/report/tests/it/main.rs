//! A report of invented runs: what stands in its files.

#![allow(clippy::unwrap_used, reason = "tests; clippy knows those by their attribute, not their helpers")]

#[path = "../../examples/preview/synthetic/mod.rs"]
mod synthetic;

mod charts;
mod files;
mod hostile;
mod labels;
mod store;
