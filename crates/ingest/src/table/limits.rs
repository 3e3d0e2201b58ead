//! The limits on the size of a table.

pub(crate) use cliptune_store::table_limits::{COLUMNS, DEPTH, ROW, too_deep, too_wide};

/// The largest number of keys of an object within a column. An object with more keys is a map and not a record, and
/// is read as JSON.
pub(crate) const KEYS: usize = 500;
