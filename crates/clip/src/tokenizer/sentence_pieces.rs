//! Reads `spiece.model`, which is SentencePiece's own file.
//!
//! The file is a protocol buffer: `ModelProto` in `sentencepiece_model.proto`
//! (<https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto>). Only the fields that decide
//! the ids are declared here.

use prost::Message;

use super::charsmap::Charsmap;
use super::pieces::{Piece, Pieces};

/// The value of `TrainerSpec.ModelType.UNIGRAM`.
const UNIGRAM: i32 = 1;
/// The value of `SentencePiece.Type.UNKNOWN`.
const UNKNOWN: i32 = 2;

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<ModelPiece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<Trainer>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<Normalizer>,
}

#[derive(Clone, PartialEq, Message)]
struct ModelPiece {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Trainer {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(bool, optional, tag = "35")]
    byte_fallback: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct Normalizer {
    #[prost(bytes = "vec", optional, tag = "2")]
    precompiled_charsmap: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "4")]
    remove_extra_whitespaces: Option<bool>,
    #[prost(bool, optional, tag = "5")]
    escape_whitespaces: Option<bool>,
}

/// Reads a unigram model.
pub(super) fn parse(bytes: &[u8]) -> Result<Pieces, String> {
    let model = Model::decode(bytes).map_err(|error| error.to_string())?;
    let trainer = model.trainer.unwrap_or_default();
    let normalizer = model.normalizer.unwrap_or_default();
    if trainer.model_type.unwrap_or(UNIGRAM) != UNIGRAM {
        return Err("its model is not a unigram model".to_owned());
    }
    if normalizer.escape_whitespaces == Some(false) {
        return Err("its spaces are not marked".to_owned());
    }
    let unknown = model.pieces.iter().position(|piece| piece.kind == Some(UNKNOWN));
    let unknown = unknown.ok_or("it has no unknown token")?;
    let charsmap = Charsmap::parse(&normalizer.precompiled_charsmap.unwrap_or_default())?;
    let pieces = model.pieces.into_iter().map(ModelPiece::read).collect();
    let mut pieces = Pieces::new(pieces, unknown, trainer.byte_fallback.unwrap_or(false), charsmap)?;
    pieces.collapse_spaces = normalizer.remove_extra_whitespaces.unwrap_or(true);
    Ok(pieces)
}

impl ModelPiece {
    fn read(self) -> Piece {
        Piece { text: self.piece.unwrap_or_default(), score: self.score.unwrap_or_default().into() }
    }
}
