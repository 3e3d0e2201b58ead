//! Finds images and a table, joins them, splits the items, and rejects what cannot be used.
//!
//! [`ingest`] makes a dataset inside a DuckDB database, as columns and out of core. `table` makes the table known to it,
//! `value` and `expression` turn what the experiment names into SQL, and `pipeline` has the steps: a few statements that
//! join files with rows, decide what every row becomes, and put items together. `functions` are the rules in Rust that
//! the statements call: `texts`, `label`, `identity`. Rust itself decides three things, over numbers: `headers` inspects
//! every image, `components` finds groups that are connected, and `split` assigns units to splits (`kept` finds the
//! splits that stay as they were, `deal` assigns the rest, and `ties` explains why that failed). Every row ends
//! up in an item or in `rejects.parquet`, or is filtered out by `where`, and so does every image, by itself or with its rows.
//!
//! `pack` writes a dataset as WebDataset shards. `sample` looks at joined rows and rejects, for `cliptune sample`, and `guess` at
//! sources that no experiment is about yet, for `cliptune new`; they make nothing.

mod ahead;
mod command;
mod components;
mod database;
mod deal;
mod encoded;
mod error;
mod expression;
mod facts;
mod functions;
mod guess;
mod headers;
mod identity;
mod ingest;
mod job;
mod kept;
mod label;
mod look;
mod pack;
mod pipeline;
mod problem;
mod require;
mod sample;
mod saying;
mod shown;
#[cfg(test)]
mod small;
mod split;
mod spread;
mod summary;
mod table;
mod text_rows;
mod texts;
mod ties;
mod value;

pub use command::{Arguments, command};
pub use error::{GuessError, IngestError, JoinError, LabelError, SampleError, SplitError};
pub use ingest::ingest;
pub use label::Example;
pub use problem::Problem;
