//! Reads the contents of `tokenizer.json`, or of `vocab.json` with `merges.txt`.
//!
//! Only the vocabulary, the merges or scores, the character map and the added tokens are taken from a file. The steps
//! around them are built here for each family, as transformers 5 builds them for each class. This gives the same ids as
//! transformers, and a file cannot introduce steps of its own that fail or hang later.

use std::fmt::{self, Formatter};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokenizers::AddedToken;
use tokenizers::models::bpe::Vocab;

use super::bpe::Merges;
use super::charsmap::Charsmap;
use super::clip::END_OF_WORD;
use super::error::TokenizerError;
use super::folder::{Files, MERGES, TOKENIZER, VOCABULARY};
use super::pieces::{Piece, Pieces};

/// A vocabulary of one of the kinds that CLIP and SigLIP use.
pub(super) enum Contents {
    /// Byte-level BPE in which words end in `</w>`.
    Clip(Merges, Vec<Added>),
    /// Gemma's BPE, which falls back on bytes.
    Gemma(Merges, Vec<Added>),
    /// A unigram model.
    Unigram(Pieces),
}

/// A token that is looked for in the text before anything else happens to the text.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct KindOnly {
    model: ModelKind,
}

#[derive(Deserialize)]
struct ModelKind {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    // A model without a vocabulary is not valid.
    #[serde(rename = "vocab")]
    _vocab: IgnoredAny,
}

#[derive(Deserialize)]
struct Whole<M> {
    model: M,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
}

#[derive(Deserialize)]
struct BpeModel {
    vocab: Vocab,
    #[serde(default)]
    merges: Vec<Merge>,
}

/// A merge, which older files write as one string and newer ones as a pair. There are tens of thousands of them, and an
/// untagged enum would first make a copy of each.
struct Merge(String, String);

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MergeVisitor)
    }
}

struct MergeVisitor;

impl<'de> Visitor<'de> for MergeVisitor {
    type Value = Merge;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("two tokens, or both in one string")
    }

    fn visit_str<E>(self, line: &str) -> Result<Merge, E> {
        let (a, b) = split_merge(line).unwrap_or((line.to_owned(), String::new()));
        Ok(Merge(a, b))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, pair: A) -> Result<Merge, A::Error> {
        let (a, b) = Deserialize::deserialize(SeqAccessDeserializer::new(pair))?;
        Ok(Merge(a, b))
    }
}

#[derive(Deserialize)]
struct UnigramModel {
    unk_id: Option<usize>,
    vocab: Vec<(String, f64)>,
    #[serde(default)]
    byte_fallback: bool,
}

/// Reads `tokenizer.json`, if it exists.
pub(super) fn whole(files: &Files) -> Result<Option<Contents>, TokenizerError> {
    let Some(KindOnly { model }) = files.json(TOKENIZER)? else { return Ok(None) };
    let kind = model.kind.as_deref().unwrap_or("BPE");
    match (kind, model.end_of_word_suffix.as_deref()) {
        ("Unigram", _) => files.json(TOKENIZER)?.map(|whole| unigram(files, whole)).transpose(),
        ("BPE", Some(END_OF_WORD)) => Ok(bpe(files)?.map(|(merges, added)| Contents::Clip(merges, added))),
        ("BPE", None | Some("")) if model.byte_fallback => {
            Ok(bpe(files)?.map(|(merges, added)| Contents::Gemma(merges, added)))
        }
        ("BPE", _) => Err(files.not_clip(
            TOKENIZER,
            format!("its words do not end in {END_OF_WORD}, nor does it fall back on bytes"),
        )),
        _ => Err(files.not_clip(TOKENIZER, format!("its model is {kind}, neither BPE nor Unigram"))),
    }
}

fn bpe(files: &Files) -> Result<Option<(Merges, Vec<Added>)>, TokenizerError> {
    let Some(Whole::<BpeModel> { model, added_tokens, .. }) = files.json(TOKENIZER)? else {
        return Ok(None);
    };
    let merges = model.merges.into_iter().map(|Merge(a, b)| (a, b)).collect();
    merged(files, TOKENIZER, model.vocab, merges).map(|merges| Some((merges, added_tokens)))
}

fn unigram(files: &Files, whole: Whole<UnigramModel>) -> Result<Contents, TokenizerError> {
    let unknown = whole.model.unk_id.ok_or_else(|| files.malformed(TOKENIZER, "it has no unknown token"))?;
    let pieces = whole.model.vocab.into_iter().map(|(text, score)| Piece { text, score }).collect();
    let charsmap = charsmap(&whole.normalizer).map_err(|reason| files.malformed(TOKENIZER, reason))?;
    Pieces::new(pieces, unknown, whole.model.byte_fallback, charsmap)
        .map(Contents::Unigram)
        .map_err(|reason| files.malformed(TOKENIZER, reason))
}

/// Finds the character map among the normalizers of the file.
fn charsmap(normalizer: &Value) -> Result<Charsmap, String> {
    let of = |normalizer: &Value| {
        let precompiled = normalizer.get("type").and_then(Value::as_str) == Some("Precompiled");
        let map = normalizer.get("precompiled_charsmap").and_then(Value::as_str);
        map.filter(|_| precompiled).map(str::to_owned)
    };
    let all = normalizer.get("normalizers").and_then(Value::as_array);
    let Some(text) = of(normalizer).or_else(|| all?.iter().find_map(of)) else {
        return Ok(Charsmap::default());
    };
    let bytes =
        BASE64_STANDARD.decode(text).map_err(|error| format!("its character map is not base64: {error}"))?;
    Charsmap::parse(&bytes)
}

/// Reads `vocab.json` with `merges.txt`, if both exist.
pub(super) fn parts(files: &Files) -> Result<Option<Merges>, TokenizerError> {
    let (Some(vocabulary), Some(lines)) = (files.json(VOCABULARY)?, files.get(MERGES)) else {
        return Ok(None);
    };
    let lines = std::str::from_utf8(lines).map_err(|error| files.malformed(MERGES, error.to_string()))?;
    let merges = merge_lines(lines)
        .map_err(|number| files.malformed(MERGES, format!("line {number} is not a pair of tokens")))?;
    merged(files, MERGES, vocabulary, merges).map(Some)
}

/// Parses the pairs in `merges.txt`; on failure, returns the number of the first line that is not a pair.
pub(super) fn merge_lines(lines: &str) -> Result<Vec<(String, String)>, usize> {
    let mut pairs = Vec::new();
    for (number, line) in (1_usize..).zip(lines.lines()) {
        // The first line is "#version: 0.2" or OpenAI's longer one. A later line that starts like this would be a merge
        // of '#'.
        if line.is_empty() || (number == 1 && line.contains("#version")) {
            continue;
        }
        pairs.push(split_merge(line).ok_or(number)?);
    }
    Ok(pairs)
}

fn split_merge(line: &str) -> Option<(String, String)> {
    let (a, b) = line.split_once(' ')?;
    Some((a.to_owned(), b.to_owned()))
}

fn merged(
    files: &Files,
    name: &str,
    vocabulary: Vocab,
    merges: Vec<(String, String)>,
) -> Result<Merges, TokenizerError> {
    Merges::new(vocabulary, merges).map_err(|reason| files.malformed(name, reason))
}

/// Adds the added tokens of a file to a tokenizer.
pub(super) fn add(
    files: &Files,
    tokenizer: &mut tokenizers::Tokenizer,
    mut added: Vec<Added>,
) -> Result<(), TokenizerError> {
    // The library numbers tokens that are not in the vocabulary in the order in which they are added.
    added.sort_by_key(|token| token.id);
    tokenizer.add_tokens(added.iter().map(Added::token)).map_err(TokenizerError::library)?;
    match added.iter().find(|token| tokenizer.token_to_id(&token.content) != Some(token.id)) {
        Some(token) => {
            let reason = format!("the added token {:?} cannot have the id {}", token.content, token.id);
            Err(files.malformed(TOKENIZER, reason))
        }
        None => Ok(()),
    }
}

impl Added {
    fn token(&self) -> AddedToken {
        AddedToken::from(self.content.as_str(), self.special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized)
    }
}
