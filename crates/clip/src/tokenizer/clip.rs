//! Builds CLIP's tokenizer as transformers has it.
//!
//! The normalizer, pre-tokenizer, model options and post-processor are those that transformers gives its
//! `CLIPTokenizer` (`models/clip/tokenization_clip.py`, 5.23): NFC, collapsed white space and lower case; CLIP's word
//! pattern; bytes; BPE with `</w>` at the end of a word; `<|startoftext|> … <|endoftext|>`.

use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{self, Lowercase, NFC, Replace};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use super::bpe::Merges;
use super::error::TokenizerError;

/// The token that every text starts with. Its id is the last but one.
pub(super) const START: &str = "<|startoftext|>";
/// The token that every text ends with. It is also transformers' unknown and padding token, and its id is the last.
pub(super) const END: &str = "<|endoftext|>";
/// The suffix that CLIP appends to the last symbol of a word.
pub(super) const END_OF_WORD: &str = "</w>";

/// CLIP's word pattern, which is applied to lower-cased text.
const WORDS: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// Builds the whole CLIP pipeline around a vocabulary.
///
/// # Errors
/// Fails when a special token is missing from the vocabulary.
pub(super) fn build(model: Merges) -> Result<Tokenizer, TokenizerError> {
    let post_processor = RobertaProcessing::new(special(&model, END)?, special(&model, START)?)
        .trim_offsets(false)
        .add_prefix_space(false);
    let bpe = model
        .into_builder()
        .unk_token(END.to_owned())
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(END_OF_WORD.to_owned())
        .build()
        .map_err(TokenizerError::library)?;
    let mut tokenizer = Tokenizer::new(bpe);
    tokenizer.with_normalizer(Some(normalizer()?)).map_err(TokenizerError::library)?;
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer()?));
    tokenizer.with_post_processor(Some(post_processor));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let specials = [START, END].map(|token| AddedToken::from(token, true));
    tokenizer.add_special_tokens(specials).map_err(TokenizerError::library)?;
    Ok(tokenizer)
}

/// Looks up a special token in the form that the post-processor needs.
fn special(model: &Merges, token: &str) -> Result<(String, u32), TokenizerError> {
    match model.id(token) {
        Some(id) => Ok((token.to_owned(), id)),
        None => Err(TokenizerError::Library(format!("{token} is not in the vocabulary"))),
    }
}

/// Builds the normalizer: NFC, runs of white space collapsed to one space, lower case.
pub(super) fn normalizer() -> Result<normalizers::Sequence, TokenizerError> {
    let spaces =
        Replace::new(ReplacePattern::Regex(r"\s+".to_owned()), " ").map_err(TokenizerError::library)?;
    Ok(normalizers::Sequence::new(vec![NFC.into(), spaces.into(), Lowercase.into()]))
}

/// Builds the step that splits a text into CLIP's words and spells each one in byte symbols.
///
/// The byte-level step keeps its own (GPT-2) word pattern switched on because transformers does so; after CLIP's
/// pattern there is nothing left for it to split.
pub(super) fn pre_tokenizer() -> Result<Sequence, TokenizerError> {
    words(WORDS, true)
}

/// Builds the step that finds words with a pattern and spells them in byte symbols.
pub(super) fn words(pattern: &str, again: bool) -> Result<Sequence, TokenizerError> {
    let pattern = SplitPattern::Regex(pattern.to_owned());
    let words =
        Split::new(pattern, SplitDelimiterBehavior::Removed, true).map_err(TokenizerError::library)?;
    Ok(Sequence::new(vec![words.into(), ByteLevel::new(false, true, again).into()]))
}
