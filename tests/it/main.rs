//! Whole-tool tests: the real programs, on a drawn contest, in a store of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod commands;
mod data;
mod dry_run;
mod full_disk;
mod mistakes;
mod outputs;
mod pipeline;
mod reference;
mod siblings;
mod signals;
mod support;
