//! Datasets, runs and standings on disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod claims;
mod damage;
mod datasets;
mod foreign;
mod fsck;
mod labels;
mod looks;
mod model_hash;
mod named;
mod precisions;
mod relocate;
mod runs;
mod scores;
mod standing;
mod support;
mod trash;
