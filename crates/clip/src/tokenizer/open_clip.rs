//! Implements CLIP's tokenizer as OpenAI and open_clip have it.
//!
//! This follows `SimpleTokenizer` in `open_clip/tokenizer.py` (3.3.0). After [`super::clean`], it differs from
//! transformers in how it finds special tokens: they are spelt `<start_of_text>` and `<end_of_text>`, and they count
//! only where the word pattern finds them as a word.

use std::io::Read;

use flate2::read::GzDecoder;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{Model, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer};

use super::bpe::Merges;
use super::clip::{self, END, END_OF_WORD, START};
use super::contents;
use super::encoder::Ids;
use super::error::TokenizerError;
use super::train::byte_symbols;

/// open_clip's word pattern. It ignores case even if the text is not converted to lower case.
const WORDS: &str =
    r"(?i)<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
const START_WORD: &str = "<start_of_text>";
const END_WORD: &str = "<end_of_text>";

/// The merges that OpenAI's and open_clip's packages contain; see `data/README.md`.
const MERGES: &[u8] = include_bytes!("../../data/bpe_simple_vocab_16e6.48894.txt.gz");

/// Turns the words of cleaned texts into ids.
#[derive(Clone, Debug)]
pub(super) struct OpenClip {
    words: Sequence,
    start: u32,
    end: u32,
}

impl OpenClip {
    pub(super) fn new(start: u32, end: u32) -> Result<Self, TokenizerError> {
        // The second pattern is left out because it would split `<start_of_text>`.
        Ok(Self { words: clip::words(WORDS, false)?, start, end })
    }

    /// Returns the first `room` tokens of a cleaned text.
    pub(super) fn ids(&self, tokenizer: &Tokenizer, text: &str, room: usize) -> Result<Ids, TokenizerError> {
        // When Python's regex module ignores case, it counts this mark, whose upper case is a letter, neither among the
        // letters nor among the other characters. The mark therefore separates words and is dropped, like a space.
        let mut words = PreTokenizedString::from(text.replace('\u{345}', " "));
        self.words.pre_tokenize(&mut words).map_err(TokenizerError::library)?;
        let mut ids = Vec::new();
        for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::None) {
            match word {
                START_WORD => ids.push(self.start),
                END_WORD => ids.push(self.end),
                _ => {
                    let tokens = tokenizer.get_model().tokenize(word).map_err(TokenizerError::library)?;
                    ids.extend(tokens.into_iter().map(|token| token.id));
                }
            }
            if ids.len() > room {
                break;
            }
        }
        Ok(Ids::first(ids, room, false))
    }
}

/// Builds the vocabulary that OpenAI's and open_clip's packages contain: bytes, bytes that end a word, merges, start,
/// end.
pub(super) fn built_in() -> Result<Merges, TokenizerError> {
    let broken = |reason: String| TokenizerError::Library(format!("the built-in vocabulary: {reason}"));
    let mut lines = String::new();
    GzDecoder::new(MERGES).read_to_string(&mut lines).map_err(|error| broken(error.to_string()))?;
    let merges = contents::merge_lines(&lines).map_err(|line| broken(format!("line {line}")))?;
    let symbols = byte_symbols().map(String::from);
    let endings = byte_symbols().map(|symbol| format!("{symbol}{END_OF_WORD}"));
    let joined = merges.iter().map(|(a, b)| format!("{a}{b}"));
    let tokens = symbols.chain(endings).chain(joined).chain([START, END].map(str::to_owned));
    Merges::new(tokens.zip(0..).collect(), merges).map_err(broken)
}

/// Checks whether a tokenizer has that vocabulary. The ids also determine the order of the merges.
pub(super) fn has_vocabulary(tokenizer: &Tokenizer) -> Result<bool, TokenizerError> {
    let (found, known) = (tokenizer.get_vocab(true), built_in()?);
    Ok(found.len() == known.vocabulary().len()
        && found.iter().all(|(token, id)| known.id(token) == Some(*id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_vocabulary_is_openais() {
        let merges = built_in().unwrap();
        assert_eq!(merges.count(), 48_894);
        assert_eq!(merges.vocabulary().len(), 49_408);
        assert_eq!(["!", START, END].map(|token| merges.id(token)), [Some(0), Some(49406), Some(49407)]);
    }
}
