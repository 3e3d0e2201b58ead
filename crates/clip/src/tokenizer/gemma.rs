//! Builds SigLIP 2's tokenizer, which is Gemma's applied to lower-case text.
//!
//! This follows `Siglip2Tokenizer` in `models/siglip2/tokenization_siglip2.py` (transformers 5.23). Older model folders
//! name `GemmaTokenizer`, which keeps capitals; the models were trained without them
//! (<https://arxiv.org/abs/2502.14786>, section 2), so texts are converted to lower case here whatever the folder says.

use tokenizers::Tokenizer;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{Lowercase, Replace, Sequence};

use super::bpe::Merges;
use super::error::TokenizerError;
use super::family::Library;

/// The token that ends a text.
pub(super) const END: &str = "<eos>";
/// The token that fills up short texts.
pub(super) const PADDING: &str = "<pad>";
/// The token for anything that has neither a token nor bytes.
pub(super) const UNKNOWN: &str = "<unk>";

/// Builds the pipeline around a vocabulary. open_clip converts to lower case before the pipeline, transformers inside
/// it.
pub(super) fn build(model: Merges, library: Library) -> Result<Tokenizer, TokenizerError> {
    let bpe = model
        .into_builder()
        .unk_token(UNKNOWN.to_owned())
        .fuse_unk(true)
        .byte_fallback(true)
        .build()
        .map_err(TokenizerError::library)?;
    let spaces =
        Replace::new(ReplacePattern::String(" ".to_owned()), "▁").map_err(TokenizerError::library)?;
    let steps = match library {
        Library::Transformers => vec![Lowercase.into(), spaces.into()],
        Library::OpenClip(_) => vec![spaces.into()],
    };
    let mut tokenizer = Tokenizer::new(bpe);
    tokenizer.with_normalizer(Some(Sequence::new(steps))).map_err(TokenizerError::library)?;
    Ok(tokenizer)
}
