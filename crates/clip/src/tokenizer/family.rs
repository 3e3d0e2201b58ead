//! Whose tokenizer a checkpoint was trained with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reference that a checkpoint's texts go through: whose code, over which kind of vocabulary.
///
/// `docs/text.md` lists what each does and where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Whose code prepares the text.
    pub library: Library,
    /// What the text is cut into.
    pub vocabulary: Vocabulary,
}

/// Whose code prepares the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// transformers: no repair of the text beyond what the vocabulary's tokenizer does.
    Transformers,
    /// open_clip, and OpenAI's package, which cleans as [`Cleaning::Lower`].
    OpenClip(Cleaning),
}

/// The last step of open_clip's cleaning: `tokenizer_kwargs.clean` in `open_clip_config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleaning {
    /// White space collapsed, lower case; open_clip's default with its own vocabulary.
    Lower,
    /// White space collapsed; open_clip's default with a vocabulary from Hugging Face.
    Whitespace,
    /// Underscores to spaces, ASCII punctuation removed, lower case, white space collapsed.
    Canonicalize,
}

/// What a text is cut into, and what frames it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// CLIP's byte-level BPE: a start token, an end token.
    Clip,
    /// SigLIP's SentencePiece unigram model: an end token alone.
    Siglip,
    /// SigLIP 2's, which is Gemma's: BPE with bytes to fall back on; an end token alone.
    Siglip2,
}

impl Cleaning {
    /// The name in `open_clip_config.json`.
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
