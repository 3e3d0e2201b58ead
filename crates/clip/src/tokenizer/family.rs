//! Describes which tokenizer a checkpoint was trained with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reference implementation for a checkpoint's texts: the library, and the kind of vocabulary.
///
/// `docs/text.md` describes what each one does and where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The library whose code prepares the text.
    pub library: Library,
    /// The kind of vocabulary into which the text is cut.
    pub vocabulary: Vocabulary,
}

/// The library whose code prepares the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// transformers, which changes the text only as the vocabulary's tokenizer does.
    Transformers,
    /// open_clip, or OpenAI's package, which cleans like [`Cleaning::Lower`].
    OpenClip(Cleaning),
}

/// The last step of open_clip's cleaning, which is `tokenizer_kwargs.clean` in `open_clip_config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleaning {
    /// Collapses white space and converts to lower case. This is open_clip's default with its own vocabulary.
    Lower,
    /// Collapses white space. This is open_clip's default with a vocabulary from Hugging Face.
    Whitespace,
    /// Replaces underscores by spaces, removes ASCII punctuation, converts to lower case, and collapses white space.
    Canonicalize,
}

/// The kind of vocabulary into which a text is cut, and the special tokens around the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// CLIP's byte-level BPE, with a start token and an end token.
    Clip,
    /// SigLIP's SentencePiece unigram model, with only an end token.
    Siglip,
    /// SigLIP 2's vocabulary, which is Gemma's: BPE that falls back on bytes, with only an end token.
    Siglip2,
}

impl Cleaning {
    /// Returns the name in `open_clip_config.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Whitespace => "whitespace",
            Self::Canonicalize => "canonicalize",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vocabulary = match self.vocabulary {
            Vocabulary::Clip => "CLIP",
            Vocabulary::Siglip => "SigLIP",
            Vocabulary::Siglip2 => "SigLIP 2",
        };
        match self.library {
            Library::Transformers => write!(f, "{vocabulary} as in transformers"),
            Library::OpenClip(cleaning) => {
                write!(f, "{vocabulary} as in open_clip (clean: {})", cleaning.as_str())
            }
        }
    }
}
