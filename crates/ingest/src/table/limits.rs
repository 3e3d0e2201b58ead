//! What a table may be at most. Beyond it, a table is damaged or hostile, and reading it would take all the memory or
//! never end.

/// Lists and objects within each other.
pub(crate) const DEPTH: usize = 64;

/// Columns, those within structs and objects counted each.
pub(crate) const COLUMNS: usize = 5_000;

/// Keys of an object within a column; one with more is no record but a map, and is taken as JSON.
pub(crate) const KEYS: usize = 500;

/// The bytes of one row of a text file.
pub(crate) const ROW: usize = 64 << 20;

/// How a table that nests too deeply is refused.
pub(crate) fn too_deep() -> String {
    format!("a column nests more than {DEPTH} lists or objects")
}

/// How a table that is too wide is refused.
pub(crate) fn too_wide() -> String {
    format!("it has more than {COLUMNS} columns")
}
