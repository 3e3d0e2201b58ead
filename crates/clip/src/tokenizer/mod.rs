//! CLIP's tokenizer: text to token ids.

mod error;
mod files;
mod pipeline;
mod train;

use std::path::Path;

pub use error::TokenizerError;

/// How much of a text is looked at, in bytes of its words: far more than any context holds, and little enough
/// that a text of many megabytes costs nothing.
///
/// A word cut here could in principle be merged differently, but only the first `context_length` tokens are ever
/// used, and those would have to be longer than 800 bytes each to come near the cut.
const LONGEST_TEXT: usize = 64 * 1024;

/// The least context: start, one token, end.
const LEAST_CONTEXT: usize = 3;

/// CLIP's byte-level BPE tokenizer with the context length of the model it serves.
///
/// Gives the ids of transformers' `CLIPTokenizer` (no ftfy, no HTML unescaping). As there, a special token that
/// is written out in a text becomes that token.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    start: u32,
    end: u32,
    context_length: usize,
}

/// The ids of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Start, the text's tokens, end: at least 2 and at most `context_length` ids, without padding.
    pub ids: Vec<i64>,
    /// Whether tokens were dropped to make the text fit.
    pub truncated: bool,
}

/// The ids of several texts, padded to the longest of them.
///
/// Not to `context_length`: a causal text tower's row for the end token sees only what stands before it, so
/// padding after it cannot change the result, and a batch of captions needs a third of the work. (This does not
/// hold for towers that are not causal, such as SigLIP's.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    /// `rows × columns` ids, row by row; short texts are filled up with the end token.
    pub ids: Vec<i64>,
    /// How many texts.
    pub rows: usize,
    /// The length of the longest text in tokens, start and end included; 0 for an empty batch.
    pub columns: usize,
    /// How many texts were truncated.
    pub truncated: usize,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder: `tokenizer.json`, or else `vocab.json` with `merges.txt`.
    ///
    /// `context_length` is the text tower's number of positions (77 for every published CLIP).
    ///
    /// # Errors
    /// When the files are missing, unreadable, malformed or hold another kind of tokenizer, or when
    /// `context_length` is below 3.
    pub fn from_folder(folder: &Path, context_length: usize) -> Result<Self, TokenizerError> {
        let inner = files::load(folder)?;
        Self::new(inner, context_length, |token| TokenizerError::NotClip {
            path: folder.to_owned(),
            reason: format!("it has no token {token}"),
        })
    }

    /// Learns a vocabulary of at most `vocab_size` tokens in CLIP's form from `texts`.
    ///
    /// Ids: 256 bytes, 256 bytes that end a word, merges, start, end; so that the end token is the largest id, as
    /// CLIP's pooling by `argmax` expects. The result does not depend on the order of the texts. Few texts offer
    /// few merges: see [`Tokenizer::vocab_size`] for what came out.
    ///
    /// # Errors
    /// When `vocab_size` is below 514 or `context_length` below 3.
    pub fn train(
        texts: &[impl AsRef<str>],
        vocab_size: usize,
        context_length: usize,
    ) -> Result<Self, TokenizerError> {
        let inner = pipeline::build(train::learn(texts, vocab_size)?)?;
        Self::new(inner, context_length, |token| TokenizerError::Library(format!("no token {token}")))
    }

    fn new(
        mut inner: tokenizers::Tokenizer,
        context_length: usize,
        missing: impl Fn(&str) -> TokenizerError,
    ) -> Result<Self, TokenizerError> {
        if context_length < LEAST_CONTEXT {
            return Err(TokenizerError::ContextTooShort(context_length));
        }
        // Some published files carry the padding and truncation of whoever saved them; both are ours to do.
        inner.with_padding(None).with_truncation(None).map_err(TokenizerError::library)?;
        let id = |token: &str| inner.token_to_id(token).ok_or_else(|| missing(token));
        let (start, end) = (id(pipeline::START)?, id(pipeline::END)?);
        Ok(Self { inner, start, end, context_length })
    }

    /// Writes `tokenizer.json`, `vocab.json`, `merges.txt`, `tokenizer_config.json` and `special_tokens_map.json`,
    /// from which transformers' `CLIPTokenizer.from_pretrained` makes a tokenizer with the same ids.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        files::save(&self.inner, folder, self.context_length)
    }

    /// The number of rows that the embedding table needs: one more than the largest id.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// The id every text starts with.
    pub fn start_id(&self) -> i64 {
        self.start.into()
    }

    /// The id every text ends with and is padded with.
    pub fn end_id(&self) -> i64 {
        self.end.into()
    }

    /// The largest number of ids of one text.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Turns a text into ids; any text, however long or strange.
    ///
    /// # Errors
    /// When the vocabulary lacks a byte of the text and the unknown token too, which only a damaged tokenizer
    /// file can bring about.
    pub fn encode(&self, text: &str) -> Result<Encoded, TokenizerError> {
        let room = self.context_length - 2;
        let (text, cut) = beginning(text, room);
        let encoding = self.inner.encode_fast(text, false).map_err(TokenizerError::library)?;
        let tokens = encoding.get_ids();
        let kept = tokens.iter().take(room).map(|&id| i64::from(id));
        let ids = std::iter::once(self.start_id()).chain(kept).chain([self.end_id()]).collect();
        Ok(Encoded { ids, truncated: cut || tokens.len() > room })
    }

    /// Turns texts into one padded batch.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn batch(&self, texts: &[impl AsRef<str>]) -> Result<TokenBatch, TokenizerError> {
        let encoded = texts.iter().map(|text| self.encode(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(TokenBatch::new(&encoded, self.end_id()))
    }
}

impl TokenBatch {
    /// Lays texts out as rows of one length, filled up with `padding` (the end token).
    pub fn new(texts: &[Encoded], padding: i64) -> Self {
        let columns = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(texts.len() * columns);
        for text in texts {
            ids.extend_from_slice(&text.ids);
            ids.resize(ids.len() + columns - text.ids.len(), padding);
        }
        let truncated = texts.iter().filter(|text| text.truncated).count();
        Self { ids, rows: texts.len(), columns, truncated }
    }
}

/// The part of a text that can matter: its first words, and whether anything was left off.
///
/// Every word makes at least one token, so `room` words fill the context. The words come back with single spaces
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

    fn trained() -> Tokenizer {
        Tokenizer::train(&["a cat and a dog", "a cat on a mat"], 540, 8).unwrap()
    }

    #[test]
    fn a_text_is_framed_and_truncated_before_its_end_token() {
        let tokenizer = trained();
        let (start, end) = (tokenizer.start_id(), tokenizer.end_id());
        assert_eq!(tokenizer.encode("").unwrap(), Encoded { ids: vec![start, end], truncated: false });
        let long = tokenizer.encode("a b c d e f g h").unwrap();
        assert_eq!((long.ids.len(), long.ids[0], long.ids[7], long.truncated), (8, start, end, true));
        let full = tokenizer.encode("a b c d e f").unwrap();
        assert_eq!((full.ids, full.truncated), (long.ids, false));
    }

    #[test]
    fn a_batch_is_as_wide_as_its_longest_text() {
        let tokenizer = trained();
        let (start, end) = (tokenizer.start_id(), tokenizer.end_id());
        let batch = tokenizer.batch(&["", "a", "a a a a a a a a a"]).unwrap();
        let a = tokenizer.encode("a").unwrap().ids[1];
        assert_eq!((batch.rows, batch.columns, batch.truncated), (3, 8, 1));
        assert_eq!(batch.ids[..8], [start, end, end, end, end, end, end, end]);
        assert_eq!(batch.ids[8..16], [start, a, end, end, end, end, end, end]);
        assert_eq!(batch.ids[16..], [start, a, a, a, a, a, a, end]);
        let none = tokenizer.batch(&[] as &[&str]).unwrap();
        assert_eq!((none.ids.len(), none.rows, none.columns), (0, 0, 0));
    }

    #[test]
    fn only_the_beginning_of_a_text_is_looked_at() {
        assert_eq!(beginning(" a \t b\u{2003}\nc ", 3), ("a b c".to_owned(), false));
        assert_eq!(beginning("a b c", 2), ("a b".to_owned(), true));
        let long = "é".repeat(LONGEST_TEXT);
        let (kept, cut) = beginning(&long, 2);
        assert!(cut && kept.len() <= LONGEST_TEXT && long.starts_with(&kept));
    }

    #[test]
    fn a_tokenizer_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Tokenizer>();
    }
}
