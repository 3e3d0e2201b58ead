//! The runs of a store as tables.
//!
//! [`View`] says which tables there are, and [`View::columns`] is the only description of their columns: the SQL, the
//! documentation and the suggestions for misspelled names come from it. [`Runs`] is what is known about all runs, through an
//! index that only saves time. [`Listing`] picks and orders runs for `cliptune ls`; [`Query`] answers SQL.

mod cell;
mod columns;
mod database;
mod error;
mod events;
mod index;
mod json;
mod kept;
mod listing;
mod load;
mod output;
mod prediction_rows;
mod predictions;
mod query;
mod runs_view;
mod small_file;
mod statement;
mod summary;
mod system;
mod table_file;
mod tables;
mod views;

pub use cell::Cell;
pub use columns::{Column, Kind};
pub use error::QueryError;
pub use index::Runs;
pub use json::{json_document, quote_words};
pub use kept::damaged_tables;
pub use listing::{Key, Listing, Order, Part};
pub use output::Answer;
pub use prediction_rows::predictions_of;
pub use query::{MEMORY, Query};
pub use summary::{kept, kept_alpha_of};
pub use views::{View, reference};
