//! How deep and how wide a table may be. A table beyond that is damaged or hostile, and reading it would use up all the memory
//! or never end.

/// The largest number of lists and objects within each other.
pub const DEPTH: usize = 64;

/// The largest number of columns. Columns within structs and objects are counted individually.
pub const COLUMNS: usize = 5_000;

/// The largest size in bytes of one row of a text file.
pub const ROW: usize = 64 << 20;

/// Returns the message that refuses a table that nests too deeply.
pub fn too_deep() -> String {
    format!("a column nests more than {DEPTH} lists or objects")
}

/// Returns the message that refuses a table that is too wide.
pub fn too_wide() -> String {
    format!("it has more than {COLUMNS} columns")
}
