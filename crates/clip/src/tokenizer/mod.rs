//! Text to token ids, as the reference of each family of checkpoints has it.
//!
//! [`Family`] says whose rules a tokenizer follows; `docs/text.md` compares them.

mod batch;
mod bpe;
mod charsmap;
mod clean;
mod clip;
mod contents;
mod encoder;
mod error;
mod family;
mod folder;
mod gemma;
mod load;
mod open_clip;
mod pieces;
mod save;
mod sentence_pieces;
mod settings;
mod siglip;
mod train;

use std::path::Path;

use serde_json::{Map, Value, json};

pub use batch::{Encoded, Layout, TokenBatch, Width};
pub use error::TokenizerError;
pub use family::{Cleaning, Family, Library, Vocabulary};
pub use folder::DECIDING_FILES;

use encoder::Encoder;
use folder::Files;

/// The least context: start, one token, end.
const LEAST_CONTEXT: usize = 3;

/// A checkpoint's tokenizer, with the context length of the model it serves.
///
/// Gives the ids of the checkpoint's own reference ([`Tokenizer::family`]). As there, a special token that is written
/// out in a text becomes that token.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    encoder: Encoder,
    frame: Frame,
    width: Width,
    context_length: usize,
    vocab_size: usize,
    /// The files that it was read from.
    files: Files,
}

/// What stands around a text's tokens.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: Option<u32>,
    end: u32,
    padding: u32,
    /// Whether a text that ends in the end token gets no second one.
    end_once: bool,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder, as the folder's family would.
    ///
    /// A folder with `open_clip_config.json`, or written by [`Tokenizer::save`] from one, is open_clip's; others are
    /// transformers'. `spiece.model` makes it SigLIP's, `tokenizer.json` whatever its model is, `vocab.json` with
    /// `merges.txt` CLIP's. An open_clip folder without any of them has the vocabulary of open_clip's package.
    ///
    /// `context_length` is the text tower's number of positions (77 for every published CLIP, 64 for SigLIP).
    ///
    /// # Errors
    /// When the files are missing, unreadable, malformed or hold another kind of tokenizer, or when
    /// `context_length` is below 3.
    pub fn from_folder(folder: &Path, context_length: usize) -> Result<Self, TokenizerError> {
        load::load(folder, context_length)
    }

    /// The tokenizer in open_clip's and OpenAI's packages: 49,408 tokens, cleaned as [`Cleaning::Lower`].
    ///
    /// # Errors
    /// When `context_length` is below 3.
    pub fn open_clip(context_length: usize) -> Result<Self, TokenizerError> {
        let tokenizer = clip::build(open_clip::built_in()?)?;
        let (encoder, frame) = load::open_clip_encoder(tokenizer, Cleaning::Lower)?;
        Self::new(encoder, frame, Width::Longest, context_length, Files::default())
    }

    /// Learns a vocabulary of at most `vocab_size` tokens in CLIP's form from `texts`; transformers' family.
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
        let tokenizer = clip::build(train::learn(texts, vocab_size)?)?;
        let (encoder, frame) = load::clip_encoder(tokenizer, None)?;
        Self::new(encoder, frame, Width::Longest, context_length, Files::default())
    }

    fn new(
        encoder: Encoder,
        frame: Frame,
        width: Width,
        context_length: usize,
        files: Files,
    ) -> Result<Self, TokenizerError> {
        if context_length < LEAST_CONTEXT {
            return Err(TokenizerError::ContextTooShort(context_length));
        }
        let vocab_size = encoder.vocab_size();
        Ok(Self { encoder, frame, width, context_length, vocab_size, files })
    }

    /// Writes the tokenizer so that transformers' `from_pretrained` loads it, and [`Tokenizer::from_folder`] loads
    /// the same again.
    ///
    /// The files it was read from are written byte for byte. What a CLIP lacks of `tokenizer.json`, `vocab.json`,
    /// `merges.txt`, `tokenizer_config.json` and `special_tokens_map.json` is made. For open_clip's family
    /// `tokenizer_config.json` gains a key `cliptune_text`; transformers ignores it, and so gives other ids than
    /// open_clip to texts that open_clip's cleaning changes.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        save::save(self, folder)
    }

    /// Whether both were read from the same files, byte for byte.
    pub(crate) fn has_files_of(&self, other: &Self) -> bool {
        self.files.are(&other.files)
    }

    /// What `text_cfg` of `open_clip_config.json` says, so that open_clip gives the same ids: to all texts where the
    /// family is its own, to plain ones otherwise, because open_clip cleans every text.
    ///
    /// # Errors
    /// When the vocabulary in open_clip's package cannot be read.
    pub fn to_open_clip(&self) -> Result<Map<String, Value>, TokenizerError> {
        let Family { library, vocabulary } = self.family();
        let clean = match (library, vocabulary) {
            (Library::OpenClip(clean), _) => clean,
            // What open_clip's own SigLIPs have.
            (Library::Transformers, Vocabulary::Siglip) => Cleaning::Canonicalize,
            // These families keep punctuation and have no capitals.
            (Library::Transformers, Vocabulary::Clip | Vocabulary::Siglip2) => Cleaning::Lower,
        };
        let mut settings = Map::new();
        let is_built_in = match self.encoder.clip() {
            Some(clip) => open_clip::has_vocabulary(clip)?,
            None => false,
        };
        let is_own = is_built_in && matches!(library, Library::OpenClip(_));
        if !is_own {
            settings.insert("hf_tokenizer_name".to_owned(), json!(settings::VOCABULARY_BESIDE));
        }
        // What it does without being told, and what older versions do not know how to be told.
        if !(is_own && clean == Cleaning::Lower) {
            settings.insert("tokenizer_kwargs".to_owned(), json!({ "clean": clean }));
        }
        Ok(settings)
    }

    /// Whose rules it follows.
    pub fn family(&self) -> Family {
        self.encoder.family()
    }

    /// The number of rows that the embedding table needs: one more than the largest id.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The id every text starts with; SigLIP's texts start with their first word.
    pub fn start_id(&self) -> Option<i64> {
        self.frame.start.map(i64::from)
    }

    /// The id every text ends with.
    pub fn end_id(&self) -> i64 {
        self.frame.end.into()
    }

    /// The id that fills short texts up.
    pub fn padding_id(&self) -> i64 {
        self.frame.padding.into()
    }

    /// How texts of different lengths make a batch.
    pub fn layout(&self) -> Layout {
        Layout { padding: self.padding_id(), width: self.width }
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
        let Frame { start, end, end_once, .. } = self.frame;
        let room = self.context_length - 1 - usize::from(start.is_some());
        let tokens = self.encoder.ids(text, room)?;
        let ended = end_once && tokens.ids.last() == Some(&end);
        let end = (!ended).then_some(end);
        let ids = start.into_iter().chain(tokens.ids).chain(end).map(i64::from).collect();
        Ok(Encoded { ids, truncated: tokens.truncated })
    }

    /// Turns texts into one padded batch.
    ///
    /// # Errors
    /// When [`Tokenizer::encode`] fails for one of them.
    pub fn batch(&self, texts: &[impl AsRef<str>]) -> Result<TokenBatch, TokenizerError> {
        let encoded = texts.iter().map(|text| self.encode(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(TokenBatch::new(&encoded, self.layout()))
    }
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
        let (start, end) = (tokenizer.start_id().unwrap(), tokenizer.end_id());
        assert_eq!(tokenizer.encode("").unwrap(), Encoded { ids: vec![start, end], truncated: false });
        let long = tokenizer.encode("a b c d e f g h").unwrap();
        assert_eq!((long.ids.len(), long.ids[0], long.ids[7], long.truncated), (8, start, end, true));
        let full = tokenizer.encode("a b c d e f").unwrap();
        assert_eq!((full.ids, full.truncated), (long.ids, false));
    }

    #[test]
    fn a_trained_tokenizer_pads_with_its_end_to_the_longest_text() {
        let tokenizer = trained();
        let (start, end) = (tokenizer.start_id().unwrap(), tokenizer.end_id());
        let batch = tokenizer.batch(&["", "a", "a a a a a a a a a"]).unwrap();
        let a = tokenizer.encode("a").unwrap().ids[1];
        assert_eq!((batch.rows, batch.columns, batch.truncated), (3, 8, 1));
        assert_eq!(batch.ids[..8], [start, end, end, end, end, end, end, end]);
        assert_eq!(batch.ids[8..16], [start, a, end, end, end, end, end, end]);
        assert_eq!(batch.ids[16..], [start, a, a, a, a, a, a, end]);
    }

    #[test]
    fn a_tokenizer_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Tokenizer>();
    }
}
