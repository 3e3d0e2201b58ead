//! The file of embeddings: a parquet table for everybody, with what a search needs between its rows and its footer.
//!
//! | column | what it holds |
//! |---|---|
//! | `path` or `text` | the image's path, or the text |
//! | `hash` | the BLAKE3 of the image's bytes or of the text |
//! | `problem` | why there is no embedding, where there is none |
//! | `embedding` | the unit vector, as a list of 32-bit floats |
//!
//! Nothing is compressed, and the vectors of a row group are one page of plain values, so that a row can be read where it lies.
//! Behind each row group stand the codes of its vectors ([`codes`](crate::codes)), which no column refers to: a reader of parquet
//! passes over them. The footer says where they are, in the key-value metadata `cliptune`.

use serde::{Deserialize, Serialize};

use crate::embed::Kind;

/// The key of the metadata.
pub(crate) const KEY: &str = "cliptune";
/// The version of the layout.
pub(crate) const FORMAT: u32 = 2;
/// The number of rows in a row group.
pub(crate) const GROUP: usize = 8192;

/// The metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) format: u32,
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// The length of a vector.
    pub(crate) dimension: usize,
    /// The number of rows that have a vector.
    pub(crate) rows: usize,
    /// The number of rows that have none, which stand behind the others.
    pub(crate) problems: usize,
    /// The row groups whose rows have vectors.
    pub(crate) groups: Vec<Group>,
}

/// The part of the metadata that all versions have.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Version {
    pub(crate) format: u32,
}

/// What the vectors were made of, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) kind: Kind,
    /// What the model was called, for people and to find it again.
    pub(crate) model: String,
    /// The BLAKE3 of its weights, configuration, tokenizer and preprocessing.
    pub(crate) model_hash: String,
    pub(crate) precision: String,
}

/// A row group whose rows have vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The number of rows.
    pub(crate) rows: usize,
    /// The first byte of the names, each behind its length.
    pub(crate) names: u64,
    /// The first byte of the hashes, likewise.
    pub(crate) hashes: u64,
    /// The first byte of the vectors, one behind the other.
    pub(crate) vectors: u64,
    /// The first byte of the block of their codes.
    pub(crate) codes: u64,
}
