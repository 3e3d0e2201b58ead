//! Turns a text into the ids between the start and end tokens, in each family's way.

use tokenizers::Tokenizer;

use super::clean::clean;
use super::error::TokenizerError;
use super::family::{Cleaning, Family, Library, Vocabulary};
use super::open_clip::OpenClip;
use super::siglip::Siglip;

/// The length in bytes of the part of a text that is tokenized: far more than any context holds, and little enough that
/// a text of many megabytes costs nothing.
///
/// In principle, a word that is cut here could be merged differently, but only the first `context_length` tokens are
/// ever used, and those would have to be longer than 800 bytes each to come near the cut.
pub(super) const LONGEST_TEXT: usize = 64 * 1024;

/// The length in bytes of the part of a text that is cleaned. It is larger because cleaning can remove most of a text.
const LONGEST_RAW_TEXT: usize = 1_000_000;

/// The tokens of a text, without the start and end tokens.
pub(super) struct Ids {
    pub(super) ids: Vec<u32>,
    /// Whether tokens were dropped.
    pub(super) truncated: bool,
}

impl Ids {
    /// Keeps the first `room` of the tokens. `cut` says whether the text had already been cut before.
    pub(super) fn first(mut ids: Vec<u32>, room: usize, cut: bool) -> Self {
        let truncated = cut || ids.len() > room;
        ids.truncate(room);
        Self { ids, truncated }
    }
}

/// The way in which one family turns a text into tokens.
#[derive(Clone, Debug)]
pub(super) enum Encoder {
    /// CLIP's way, as in transformers.
    Clip(Tokenizer),
    /// CLIP's way, as in open_clip. The tokenizer is the one that transformers would make from the same vocabulary.
    OpenClip { tokenizer: Tokenizer, words: OpenClip, cleaning: Cleaning },
    /// SigLIP's way, which cuts the text into pieces.
    Siglip(Siglip),
    /// SigLIP 2's way, which uses Gemma's tokens. In open_clip's variant, open_clip's cleaning comes first.
    Siglip2 { tokenizer: Tokenizer, library: Library },
}

impl Encoder {
    pub(super) fn family(&self) -> Family {
        let (library, vocabulary) = match self {
            Self::Clip(_) => (Library::Transformers, Vocabulary::Clip),
            Self::OpenClip { cleaning, .. } => (Library::OpenClip(*cleaning), Vocabulary::Clip),
            Self::Siglip(siglip) => (siglip.library(), Vocabulary::Siglip),
            Self::Siglip2 { library, .. } => (*library, Vocabulary::Siglip2),
        };
        Family { library, vocabulary }
    }

    /// Returns CLIP's tokenizer as in transformers, if this is a CLIP.
    pub(super) fn clip(&self) -> Option<&Tokenizer> {
        match self {
            Self::Clip(tokenizer) | Self::OpenClip { tokenizer, .. } => Some(tokenizer),
            Self::Siglip(_) | Self::Siglip2 { .. } => None,
        }
    }

    /// Returns one more than the largest id.
    pub(super) fn vocab_size(&self) -> usize {
        match self {
            Self::Clip(tokenizer) | Self::OpenClip { tokenizer, .. } | Self::Siglip2 { tokenizer, .. } => {
                tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
            }
            Self::Siglip(siglip) => siglip.vocab_size(),
        }
    }

    /// Returns the first `room` tokens of a text.
    pub(super) fn ids(&self, text: &str, room: usize) -> Result<Ids, TokenizerError> {
        if let Self::Clip(tokenizer) = self {
            let (words, cut) = beginning(text, room);
            return library_ids(tokenizer, &words, room, cut);
        }
        let raw = head(text, LONGEST_RAW_TEXT);
        let ids = match self {
            Self::Clip(tokenizer) => library_ids(tokenizer, raw, room, false)?,
            Self::OpenClip { tokenizer, words, cleaning } => {
                words.ids(tokenizer, head(&clean(raw, *cleaning), LONGEST_TEXT), room)?
            }
            Self::Siglip(siglip) => siglip.ids(raw, room)?,
            Self::Siglip2 { tokenizer, library: Library::Transformers } => {
                library_ids(tokenizer, head(raw, LONGEST_TEXT), room, raw.len() > LONGEST_TEXT)?
            }
            Self::Siglip2 { tokenizer, library: Library::OpenClip(cleaning) } => {
                library_ids(tokenizer, head(&clean(raw, *cleaning), LONGEST_TEXT), room, false)?
            }
        };
        Ok(Ids { truncated: ids.truncated || raw.len() < text.len(), ..ids })
    }
}

fn library_ids(tokenizer: &Tokenizer, text: &str, room: usize, cut: bool) -> Result<Ids, TokenizerError> {
    let encoding = tokenizer.encode_fast(text, false).map_err(TokenizerError::library)?;
    Ok(Ids::first(encoding.get_ids().to_vec(), room, cut))
}

/// Returns the beginning of a text, with at most the given number of bytes.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Returns the part of a text that can matter to CLIP, which is its first words, and whether anything was left out.
///
/// Every word makes at least one token, so `room` words fill the context. The words are returned with single spaces
/// between them, which is what the normalizer makes of white space anyway.
fn beginning(text: &str, room: usize) -> (String, bool) {
    let mut kept = String::new();
    for (number, word) in text.split_whitespace().enumerate() {
        if number == room {
            return (kept, true);
        }
        if number > 0 {
            kept.push(' ');
        }
        let space = LONGEST_TEXT.saturating_sub(kept.len());
        if word.len() > space {
            kept.push_str(&word[..word.floor_char_boundary(space)]);
            return (kept, true);
        }
        kept.push_str(word);
    }
    (kept, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_text_is_looked_at() {
        assert_eq!(beginning(" a \t b\u{2003}\nc ", 3), ("a b c".to_owned(), false));
        assert_eq!(beginning("a b c", 2), ("a b".to_owned(), true));
        let long = "é".repeat(LONGEST_TEXT);
        let (kept, cut) = beginning(&long, 2);
        assert!(cut && kept.len() <= LONGEST_TEXT && long.starts_with(&kept));
    }
}
