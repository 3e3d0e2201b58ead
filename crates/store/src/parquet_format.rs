//! The numbers by which parquet calls things, for those who read and write small files themselves.
//!
//! Source: `parquet.thrift` of Apache Parquet's format.

/// What a file begins and ends with.
pub const MAGIC: &[u8; 4] = b"PAR1";

/// How often a value may be there.
pub mod repetition {
    /// Once.
    pub const REQUIRED: usize = 0;
    /// Once or not at all.
    pub const OPTIONAL: usize = 1;
    /// Any number of times.
    pub const REPEATED: usize = 2;
}

/// How values are stored.
pub mod physical {
    /// As one bit.
    pub const BOOLEAN: usize = 0;
    /// As a whole number of 32 bits.
    pub const INT32: usize = 1;
    /// As a whole number of 64 bits.
    pub const INT64: usize = 2;
    /// As a number of 32 bits.
    pub const FLOAT: usize = 4;
    /// As a number of 64 bits.
    pub const DOUBLE: usize = 5;
    /// As bytes behind their number.
    pub const BYTE_ARRAY: usize = 6;
}

/// What values mean, in the older of the two ways to say it, which every reader knows.
pub mod converted {
    /// A text.
    pub const UTF8: usize = 0;
    /// A list.
    pub const LIST: usize = 3;
}

/// How values are written.
pub mod encoding {
    /// As they are.
    pub const PLAIN: usize = 0;
    /// As numbers of entries of a dictionary, in files of the first version.
    pub const PLAIN_DICTIONARY: usize = 2;
    /// As runs.
    pub const RLE: usize = 3;
    /// As runs of numbers of entries of a dictionary.
    pub const RLE_DICTIONARY: usize = 8;
}

/// How pages are compressed.
pub mod codec {
    /// Not at all.
    pub const UNCOMPRESSED: usize = 0;
    /// By Zstandard.
    pub const ZSTD: usize = 6;
}

/// What a page holds.
pub mod page {
    /// Values.
    pub const DATA: usize = 0;
    /// The entries of a dictionary.
    pub const DICTIONARY: usize = 2;
}
