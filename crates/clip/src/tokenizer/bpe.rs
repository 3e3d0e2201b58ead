//! Represents byte-pair vocabularies, independently of the steps around them.

use tokenizers::models::bpe::{BpeBuilder, Vocab};

/// The limit for token ids. No embedding table has as many rows; the largest vocabulary in the field has a quarter of a
/// million.
const MOST_TOKENS: u32 = 1 << 24;

/// A vocabulary with its merges in order of priority. Each merge joins two of its tokens to a third one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Merges {
    vocabulary: Vocab,
    merges: Vec<(String, String)>,
}

impl Merges {
    /// Joins the ids of all tokens, including the special ones, with the pairs of tokens to join, the best first.
    ///
    /// # Errors
    /// Reports an id that is too large for any table, or a merge with a token that the vocabulary lacks.
    ///
    /// This must be checked before the library sees the merges: version 0.23 indexes past the end of a buffer and
    /// panics when two tokens join to something longer than every token of the vocabulary.
    pub(super) fn new(vocabulary: Vocab, merges: Vec<(String, String)>) -> Result<Self, String> {
        if let Some((token, id)) = vocabulary.iter().find(|&(_, &id)| id >= MOST_TOKENS) {
            return Err(format!("the id of {token:?} is {id}, the limit is {MOST_TOKENS}"));
        }
        let mut joined = String::new();
        let mut is_broken = |(a, b): &(String, String)| {
            joined.clear();
            joined.extend([a.as_str(), b]);
            [a, b, &joined].iter().any(|token| !vocabulary.contains_key(token.as_str()))
        };
        match merges.iter().find(|pair| is_broken(pair)) {
            None => Ok(Self { vocabulary, merges }),
            Some((a, b)) => {
                Err(format!("the merge {a:?} {b:?} joins or makes a token that is not in the vocabulary"))
            }
        }
    }

    /// Returns the id of a token.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.vocabulary.get(token).copied()
    }

    /// Returns the ids of all tokens.
    pub(super) fn vocabulary(&self) -> &Vocab {
        &self.vocabulary
    }

    /// Returns the number of merges.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.merges.len()
    }

    /// Starts to build the library's model.
    pub(super) fn into_builder(self) -> BpeBuilder {
        BpeBuilder::new().vocab_and_merges(self.vocabulary, self.merges)
    }
}
