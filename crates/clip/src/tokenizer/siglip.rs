//! Implements SigLIP's tokenizer, a unigram model over canonicalised text.

use tokenizers::Model;
use tokenizers::models::unigram::Unigram;

use super::clean::{clean, python};
use super::encoder::{Ids, LONGEST_TEXT, head};
use super::error::TokenizerError;
use super::family::{Cleaning, Library};
use super::pieces::Pieces;

/// The character with which SentencePiece marks a space.
const SPACE: char = '▁';
/// The piece that ends a text. Its id comes from the vocabulary.
pub(super) const END: &str = "</s>";

/// Turns texts into pieces.
#[derive(Clone, Debug)]
pub(super) struct Siglip {
    pieces: Pieces,
    model: Unigram,
    style: Style,
}

/// The library whose steps come before the pieces.
#[derive(Clone, Debug)]
pub(super) enum Style {
    /// The steps of `SiglipTokenizer` (`models/siglip/tokenization_siglip.py`, transformers 5.23).
    Transformers {
        /// Whether `do_lower_case` is set.
        lower_case: bool,
        /// The special tokens that are looked for in the text.
        specials: Vec<(String, u32)>,
    },
    /// The steps of open_clip: its cleaning, then transformers' `T5Tokenizer`, which open_clip's SigLIP folders name.
    OpenClip(Cleaning),
}

impl Siglip {
    pub(super) fn new(pieces: Pieces, style: Style) -> Result<Self, TokenizerError> {
        let model = pieces.model().map_err(TokenizerError::library)?;
        Ok(Self { pieces, model, style })
    }

    pub(super) fn library(&self) -> Library {
        match self.style {
            Style::Transformers { .. } => Library::Transformers,
            Style::OpenClip(cleaning) => Library::OpenClip(cleaning),
        }
    }

    /// Returns one more than the largest id.
    pub(super) fn vocab_size(&self) -> usize {
        self.pieces.pieces.len()
    }

    /// Returns the first `room` pieces of a text.
    pub(super) fn ids(&self, text: &str, room: usize) -> Result<Ids, TokenizerError> {
        let mut ids = Vec::new();
        match &self.style {
            Style::Transformers { lower_case, specials } => {
                // transformers marks the beginning of a text like the beginning of a word.
                let text = format!("{SPACE}{}", text.replace(SPACE, " "));
                let mut parts = parts(&text, specials);
                while ids.len() <= room
                    && let Some(part) = parts.next()
                {
                    match part {
                        Part::Special(id) => ids.push(id),
                        Part::Text(text) => self.extend(&mut ids, &self.marked(text, *lower_case), room)?,
                    }
                }
            }
            Style::OpenClip(cleaning) => {
                let text = self.pieces.charsmap.by_grapheme(&clean(text, *cleaning));
                for word in text.split_whitespace() {
                    let mark = if word.starts_with(SPACE) { "" } else { "▁" };
                    self.extend(&mut ids, &format!("{mark}{word}"), room)?;
                }
            }
        }
        Ok(Ids::first(ids, room, false))
    }

    /// Applies `SiglipTokenizer.canonicalize_text`, and then the steps that SentencePiece takes before it looks for
    /// pieces.
    fn marked(&self, text: &str, lower_case: bool) -> String {
        let lower = if lower_case { text.to_lowercase() } else { text.to_owned() };
        let canonical = python::collapse(&python::without_punctuation(&lower));
        let mapped = self.pieces.charsmap.longest_match(&canonical);
        let mut marked = String::with_capacity(mapped.len());
        let mut last = None;
        for c in mapped.chars() {
            let repeated = self.pieces.collapse_spaces && c == ' ' && last == Some(' ');
            if !repeated {
                marked.push(if c == ' ' { SPACE } else { c });
            }
            last = Some(c);
        }
        if self.pieces.collapse_spaces {
            marked.truncate(marked.trim_end_matches(SPACE).len());
        }
        marked
    }

    /// Appends the pieces of a marked text, word by word, until there are more than `room`.
    fn extend(&self, ids: &mut Vec<u32>, marked: &str, room: usize) -> Result<(), TokenizerError> {
        let mut rest = head(marked, LONGEST_TEXT);
        while let Some(first) = rest.chars().next()
            && ids.len() <= room
        {
            let inner = &rest[first.len_utf8()..];
            let end = first.len_utf8() + inner.find(SPACE).unwrap_or(inner.len());
            let tokens = self.model.tokenize(&rest[..end]).map_err(TokenizerError::library)?;
            ids.extend(tokens.into_iter().map(|token| token.id));
            rest = &rest[end..];
        }
        Ok(())
    }
}

/// A part of a text: either text between special tokens, or a special token.
enum Part<'a> {
    Text(&'a str),
    Special(u32),
}

/// Splits a text at the special tokens that are written out in it.
fn parts<'a>(text: &'a str, specials: &'a [(String, u32)]) -> impl Iterator<Item = Part<'a>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let places = specials.iter().filter_map(|(token, id)| rest.find(token).map(|at| (at, token, id)));
        match places.min_by_key(|&(at, token, _)| (at, std::cmp::Reverse(token.len()))) {
            Some((0, token, id)) => {
                rest = &rest[token.len()..];
                Some(Part::Special(*id))
            }
            place => {
                let (part, after) = rest.split_at(place.map_or(rest.len(), |(at, _, _)| at));
                rest = after;
                Some(Part::Text(part))
            }
        }
    })
}
