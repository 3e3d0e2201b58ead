//! Represents byte-pair vocabularies, independently of the steps around them.

use std::collections::HashMap;

use tokenizers::models::bpe::{BpeBuilder, Vocab};

/// The limit for token ids. No embedding table has as many rows; the largest vocabulary in the field has a quarter of a
/// million.
const MOST_TOKENS: u32 = 1 << 24;

/// A vocabulary with its merges in order of priority.
#[derive(Clone, Debug)]
pub(super) struct Merges {
    /// The ids of all tokens, including the special ones.
    pub(super) vocabulary: HashMap<String, u32>,
    /// The pairs of tokens to join, the best first.
    pub(super) merges: Vec<(String, String)>,
}

impl Merges {
    /// Reports an id that is too large for any table, or a merge with a token that the vocabulary lacks, if there is
    /// one.
    ///
    /// This must be checked before the library sees the merges: version 0.23 indexes past the end of a buffer and
    /// panics when two tokens join to something longer than every token of the vocabulary.
    pub(super) fn broken(&self) -> Option<String> {
        if let Some((token, id)) = self.vocabulary.iter().find(|&(_, &id)| id >= MOST_TOKENS) {
            return Some(format!("the id of {token:?} is {id}, the limit is {MOST_TOKENS}"));
        }
        let missing = |token: &str| !self.vocabulary.contains_key(token);
        let broken =
            self.merges.iter().find(|(a, b)| missing(a) || missing(b) || missing(&format!("{a}{b}")))?;
        Some(format!(
            "the merge {:?} {:?} joins or makes a token that is not in the vocabulary",
            broken.0, broken.1
        ))
    }

    /// Starts to build the library's model.
    pub(super) fn into_builder(self) -> BpeBuilder {
        BpeBuilder::new().vocab_and_merges(self.vocabulary.into_iter().collect::<Vocab>(), self.merges)
    }
}
