//! Finds images and a table, joins them, splits the items, and rejects what cannot be used.
//!
//! [`ingest`] works in several stages. `table` reads the table, `value` and `expression` turn what the experiment
//! names into SQL, `join` joins files with rows in DuckDB, `headers` inspects every image, `label` decides how labels
//! are read, `candidates` turns joined rows into items or rejects, `components` finds groups that are connected, and
//! `split` assigns items to splits (`kept` finds the splits that stay as they were, `deal` assigns the rest, and
//! `ties` explains why that failed). `counts` counts what became of everything, and `changes` finds the differences
//! from the previous dataset. Every image and every row ends up in an item or in `rejects.parquet`, or is filtered
//! out by `where`.

mod candidates;
mod changes;
mod command;
mod components;
mod counts;
mod database;
mod deal;
mod error;
mod expression;
mod headers;
mod ingest;
mod join;
mod kept;
mod label;
mod notes;
mod row;
mod shown;
mod split;
mod summary;
mod table;
mod ties;
mod value;

pub use command::command;
pub use error::IngestError;
pub use ingest::ingest;
pub use label::Example;
