//! Finds images and a table, joins, splits and rejects.
//!
//! [`ingest`] goes through a few rooms: `table` reads the table, `value` and `expression` make SQL of what the experiment
//! names, `join` joins files with rows in DuckDB, `headers` looks at every image, `label` decides how labels are read,
//! `candidates` turns joined rows into items or rejects, `components` finds what hangs together, `split` decides who
//! goes where (`kept` what stays where it was, `deal` where the rest goes, `ties` what to say when that fails), `counts`
//! tells what became of everything and `changes` what is different from the dataset before. Every image and every row
//! ends up in an item, in `rejects.parquet`, or filtered by `where`.

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
