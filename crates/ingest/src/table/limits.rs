//! The limits on the size of a table. A table beyond them is damaged or hostile, and reading it would use up all the
//! memory or never end.

/// The largest number of lists and objects within each other.
pub(crate) const DEPTH: usize = 64;

/// The largest number of columns. Columns within structs and objects are counted individually.
pub(crate) const COLUMNS: usize = 5_000;

/// The largest number of keys of an object within a column. An object with more keys is a map and not a record, and
/// is read as JSON.
pub(crate) const KEYS: usize = 500;

/// The largest size in bytes of one row of a text file.
pub(crate) const ROW: usize = 64 << 20;

/// Returns the message that refuses a table that nests too deeply.
pub(crate) fn too_deep() -> String {
    format!("a column nests more than {DEPTH} lists or objects")
}

/// Returns the message that refuses a table that is too wide.
pub(crate) fn too_wide() -> String {
    format!("it has more than {COLUMNS} columns")
}
