//! Turns texts into token ids in the same way as the reference implementation of each family of checkpoints.
//!
//! [`Family`] says which reference a tokenizer follows; `docs/text.md` compares them.

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

/// The shortest context, which holds a start token, one token of text and an end token.
const LEAST_CONTEXT: usize = 3;

/// A checkpoint's tokenizer, with the context length of the model it serves.
///
/// Gives the same ids as the checkpoint's own reference implementation ([`Tokenizer::family`]). As in the reference, a
/// special token that is written out in a text becomes that token.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    encoder: Encoder,
    frame: Frame,
    width: Width,
    context_length: usize,
    vocab_size: usize,
    /// The files that the tokenizer was read from.
    files: Files,
}

/// The special tokens before and after a text's tokens, and the padding token.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: Option<u32>,
    end: u32,
    padding: u32,
    /// Whether a text that already ends in the end token does not get a second one.
    end_once: bool,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder in the way that the folder's family prescribes.
    ///
    /// A folder with `open_clip_config.json`, or one that [`Tokenizer::save`] made from such a folder, is treated as
    /// open_clip's, others as transformers'. `spiece.model` means SigLIP, `vocab.json` with `merges.txt` means CLIP,
    /// and for `tokenizer.json` it depends on the model in the file. An open_clip folder without any of these files
    /// uses the vocabulary of open_clip's package.
    ///
    /// `context_length` is the text tower's number of positions (77 for every published CLIP, 64 for SigLIP).
    ///
    /// # Errors
    /// Fails when the files are missing, unreadable, malformed or contain another kind of tokenizer, or when
    /// `context_length` is below 3.
    pub fn from_folder(folder: &Path, context_length: usize) -> Result<Self, TokenizerError> {
        load::load(folder, context_length)
    }

    /// Creates the tokenizer in open_clip's and OpenAI's packages, with 49,408 tokens and the cleaning
    /// [`Cleaning::Lower`].
    ///
    /// # Errors
    /// Fails when `context_length` is below 3.
    pub fn open_clip(context_length: usize) -> Result<Self, TokenizerError> {
        let tokenizer = clip::build(open_clip::built_in()?)?;
        let (encoder, frame) = load::open_clip_encoder(tokenizer, Cleaning::Lower)?;
        Self::new(encoder, frame, Width::Longest, context_length, Files::default())
    }

    /// Learns a vocabulary in CLIP's form of at most `vocab_size` tokens from `texts`, to be used as in transformers.
    ///
    /// The ids are, in this order: 256 bytes, 256 bytes that end a word, the merges, the start token, and the end
    /// token. The end token thus has the largest id, as CLIP's pooling by `argmax` expects. The result does not depend
    /// on the order of the texts. Few texts yield few merges: [`Tokenizer::vocab_size`] gives the actual size.
    ///
    /// # Errors
    /// Fails when `vocab_size` is below 514 or `context_length` is below 3.
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

    /// Writes the tokenizer so that transformers' `from_pretrained` can load it, and so that [`Tokenizer::from_folder`]
    /// loads the same tokenizer again.
    ///
    /// The files that the tokenizer was read from are written byte for byte. For a CLIP, those of `tokenizer.json`,
    /// `vocab.json`, `merges.txt`, `tokenizer_config.json` and `special_tokens_map.json` that are missing are created.
    /// In open_clip's family, `tokenizer_config.json` gains a key `cliptune_text`. transformers ignores this key, and
    /// so it gives different ids from open_clip's for texts that open_clip's cleaning changes.
    ///
    /// # Errors
    /// Fails when the folder or a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        save::save(self, folder)
    }

    /// Checks whether both tokenizers were read from the same files, byte for byte.
    pub(crate) fn has_files_of(&self, other: &Self) -> bool {
        self.files.are(&other.files)
    }

    /// Returns the settings for `text_cfg` of `open_clip_config.json` with which open_clip gives the same ids. If the
    /// family is not open_clip's own, this holds only for plain texts, because open_clip cleans every text.
    ///
    /// # Errors
    /// Fails when the vocabulary in open_clip's package cannot be read.
    pub fn to_open_clip(&self) -> Result<Map<String, Value>, TokenizerError> {
        let Family { library, vocabulary } = self.family();
        let clean = match (library, vocabulary) {
            (Library::OpenClip(clean), _) => clean,
            // open_clip's own SigLIPs use this cleaning.
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
        // These settings are open_clip's defaults, and older versions do not know the key.
        if !(is_own && clean == Cleaning::Lower) {
            settings.insert("tokenizer_kwargs".to_owned(), json!({ "clean": clean }));
        }
        Ok(settings)
    }

    /// Returns the family whose rules the tokenizer follows.
    pub fn family(&self) -> Family {
        self.encoder.family()
    }

    /// Returns the number of rows that the embedding table needs, which is one more than the largest id.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Returns the id that every text starts with, if there is one; SigLIP's texts start with their first word.
    pub fn start_id(&self) -> Option<i64> {
        self.frame.start.map(i64::from)
    }

    /// Returns the id that every text ends with.
    pub fn end_id(&self) -> i64 {
        self.frame.end.into()
    }

    /// Returns the id that fills up short texts.
    pub fn padding_id(&self) -> i64 {
        self.frame.padding.into()
    }

    /// Returns the layout in which texts of different lengths form a batch.
    pub fn layout(&self) -> Layout {
        Layout { padding: self.padding_id(), width: self.width }
    }

    /// Returns the largest number of ids in one text.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Turns a text into ids. Any text is accepted, however long or strange.
    ///
    /// # Errors
    /// Fails when the vocabulary lacks both a byte of the text and the unknown token, which happens only with a damaged
    /// tokenizer file.
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
    /// Fails when [`Tokenizer::encode`] fails for one of the texts.
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
