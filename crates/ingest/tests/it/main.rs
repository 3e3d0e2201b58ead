//! Ingest as a whole: small folders and tables in, datasets out.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod accounting;
mod classes;
mod columns_read;
mod command;
mod files;
mod folders;
mod folds;
mod hostile;
mod joins;
mod near_duplicates;
mod other_tables;
mod packed;
mod readings;
mod splits;
mod succession;
mod summary;
mod support;
mod tables;
