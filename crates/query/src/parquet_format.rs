//! The numbers by which parquet calls things, for those who read and write small files themselves.
//!
//! Source: `parquet.thrift` of Apache Parquet's format.

/// What a file begins and ends with.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";

/// How often a value may be there.
pub(crate) mod repetition {
    pub(crate) const OPTIONAL: usize = 1;
    pub(crate) const REPEATED: usize = 2;
}

/// How values are stored.
pub(crate) mod physical {
    pub(crate) const BOOLEAN: usize = 0;
    pub(crate) const INT32: usize = 1;
    pub(crate) const INT64: usize = 2;
    pub(crate) const DOUBLE: usize = 5;
    pub(crate) const BYTE_ARRAY: usize = 6;
}

/// What values mean, in the older of the two ways to say it, which every reader knows.
pub(crate) mod converted {
    pub(crate) const UTF8: usize = 0;
    pub(crate) const LIST: usize = 3;
}

/// How values are written.
pub(crate) mod encoding {
    /// As they are.
    pub(crate) const PLAIN: usize = 0;
    /// As numbers of entries of a dictionary, in files of the first version.
    pub(crate) const PLAIN_DICTIONARY: usize = 2;
    /// As runs.
    pub(crate) const RLE: usize = 3;
    /// As runs of numbers of entries of a dictionary.
    pub(crate) const RLE_DICTIONARY: usize = 8;
}

/// How pages are compressed.
pub(crate) mod codec {
    pub(crate) const UNCOMPRESSED: usize = 0;
    pub(crate) const ZSTD: usize = 6;
}

/// What a page holds.
pub(crate) mod page {
    pub(crate) const DATA: usize = 0;
    pub(crate) const DICTIONARY: usize = 2;
}
