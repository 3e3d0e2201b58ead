//! Finds images and a table, joins, splits and rejects.
//!
//! [`ingest`] goes through a few rooms: `join` joins files with rows in DuckDB, `headers` looks at every image,
//! `candidates` turns joined rows into items or rejects, `components` finds what hangs together, `split` decides who
//! goes where, and `counts` tells what became of everything. Every image and every row ends up in an item, in `rejects.parquet`, or filtered by
//! `where`.

mod candidates;
mod command;
mod components;
mod counts;
mod database;
mod error;
mod headers;
mod ingest;
mod join;
mod label;
mod split;
mod summary;
mod table;

pub use command::command;
pub use error::IngestError;
pub use ingest::ingest;
