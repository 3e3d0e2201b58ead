//! Represents unigram vocabularies: pieces with scores. A text is cut so that the sum of the scores is as high as
//! possible.

use tokenizers::models::unigram::Unigram;

use super::charsmap::Charsmap;

/// The longest piece in bytes. SentencePiece makes pieces of at most 16 characters unless told otherwise, and the
/// library's search takes as many steps at every position as the longest piece has bytes.
const LONGEST_PIECE: usize = 1024;

/// A piece of text and its log probability.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) score: f64,
}

/// A unigram vocabulary and the character map that is applied before it.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    /// The pieces, whose index in the list is their id.
    pub(super) pieces: Vec<Piece>,
    /// The id for text that no piece covers.
    unknown: usize,
    /// Whether text that no piece covers is spelt in bytes.
    byte_fallback: bool,
    pub(super) charsmap: Charsmap,
    /// Whether runs of spaces are collapsed to one space.
    pub(super) collapse_spaces: bool,
}

impl Pieces {
    /// Checks the pieces and creates the vocabulary. The library would loop for ever on an empty piece.
    pub(super) fn new(
        pieces: Vec<Piece>,
        unknown: usize,
        byte_fallback: bool,
        charsmap: Charsmap,
    ) -> Result<Self, String> {
        if unknown >= pieces.len() {
            return Err(format!("the unknown token's id {unknown} is not in the vocabulary"));
        }
        for (id, Piece { text, score }) in pieces.iter().enumerate() {
            if text.is_empty() || text.len() > LONGEST_PIECE {
                return Err(format!("piece {id} has {} bytes, not 1 to {LONGEST_PIECE}", text.len()));
            }
            if !score.is_finite() {
                return Err(format!("the score of piece {id} is {score}, not a finite number"));
            }
        }
        Ok(Self { pieces, unknown, byte_fallback, charsmap, collapse_spaces: true })
    }

    /// Returns the id of a piece.
    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.pieces.iter().zip(0..).find(|(piece, _)| piece.text == text).map(|(_, id)| id)
    }

    /// Returns the text of the unknown piece.
    pub(super) fn unknown(&self) -> &str {
        &self.pieces[self.unknown].text
    }

    /// Creates the library's model.
    pub(super) fn model(&self) -> Result<Unigram, tokenizers::Error> {
        let pieces = self.pieces.iter().map(|piece| (piece.text.clone(), piece.score)).collect();
        Unigram::from(pieces, Some(self.unknown), self.byte_fallback)
    }
}
