//! Reads what the configuration files beside a vocabulary say about texts.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::batch::{Layout, Width};
use super::contents::Contents;
use super::error::TokenizerError;
use super::family::Cleaning;
use super::folder::{self, Files, OPEN_CLIP};

/// The relevant part of `tokenizer_config.json`.
#[derive(Deserialize, Default)]
pub(super) struct Configuration {
    #[serde(default)]
    pub(super) pad_token: Option<TokenName>,
    #[serde(default)]
    pub(super) do_lower_case: Option<bool>,
    /// The mark that [`super::save`] writes.
    #[serde(default)]
    pub(super) cliptune_text: Option<Mark>,
}

/// A token in a configuration, given by its text alone or by an object that contains the text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum TokenName {
    Text(String),
    Described { content: String },
}

/// How open_clip prepares the texts of a checkpoint. This is kept in `tokenizer_config.json` when a tuned model is
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    library: MarkedLibrary,
    pub(super) clean: Cleaning,
    /// Whether the tower needs every position to be filled, with padding if necessary.
    pub(super) fixed_length: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MarkedLibrary {
    OpenClip,
}

/// The part of `open_clip_config.json` that concerns text.
#[derive(Deserialize)]
struct OpenClipConfig {
    model_cfg: ModelConfig,
}

#[derive(Deserialize)]
struct ModelConfig {
    text_cfg: TextConfig,
}

#[derive(Deserialize)]
struct TextConfig {
    #[serde(default)]
    hf_tokenizer_name: Option<String>,
    #[serde(default)]
    tokenizer_kwargs: TokenizerArguments,
    #[serde(default)]
    tokenizer_mode: Option<String>,
    #[serde(default)]
    no_causal_mask: bool,
    #[serde(default)]
    pool_type: Option<String>,
}

/// The known arguments. open_clip knows others; a checkpoint that needs them is refused by name rather than read
/// wrongly.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TokenizerArguments {
    #[serde(default)]
    clean: Option<Cleaning>,
}

impl Mark {
    pub(super) fn new(clean: Cleaning, layout: Layout) -> Self {
        let fixed_length = matches!(layout.width, Width::Fixed(_));
        Self { library: MarkedLibrary::OpenClip, clean, fixed_length }
    }
}

impl TokenName {
    /// Returns the token's text.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Described { content: text } => text,
        }
    }
}

/// The settings from `open_clip_config.json`.
#[derive(Clone, Copy)]
pub(super) struct OpenClipText {
    pub(super) mark: Mark,
    /// Whether open_clip would use the vocabulary in its package.
    pub(super) built_in: bool,
    /// Whether the cleaned text goes to a tokenizer of transformers.
    through_transformers: bool,
}

/// The value in `text_cfg` for a vocabulary that lies beside `open_clip_config.json`. open_clip takes the vocabulary
/// from there whatever the name is, as long as there is one. On the hub, the name has to be the id of the repository.
pub(super) const VOCABULARY_BESIDE: &str = "this-folder";

impl OpenClipText {
    /// Creates the settings for a mark in a folder that contains the vocabulary.
    pub(super) fn marked(mark: Mark) -> Self {
        Self { mark, built_in: false, through_transformers: false }
    }

    /// Returns the mark for the contents of the folder. CLIP's tokenizer in transformers converts to lower case,
    /// however the texts were cleaned before.
    pub(super) fn mark_over(self, contents: &Contents) -> Mark {
        let keeps_capitals = self.mark.clean == Cleaning::Whitespace;
        match contents {
            Contents::Clip(..) if self.through_transformers && keeps_capitals => {
                Mark { clean: Cleaning::Lower, ..self.mark }
            }
            _ => self.mark,
        }
    }

    /// Reads `open_clip_config.json`, if it exists.
    pub(super) fn read(folder: &Path, files: &Files) -> Result<Option<Self>, TokenizerError> {
        let Some(bytes) = folder::read_if_there(&folder.join(OPEN_CLIP))? else { return Ok(None) };
        let config: OpenClipConfig =
            serde_json::from_slice(&bytes).map_err(|error| files.malformed(OPEN_CLIP, error.to_string()))?;
        let text = config.model_cfg.text_cfg;
        if let Some(mode) = text.tokenizer_mode.filter(|mode| !mode.is_empty()) {
            return Err(files.not_clip(OPEN_CLIP, format!("its tokenizer_mode is {mode:?}")));
        }
        let built_in = text.hf_tokenizer_name.is_none_or(|name| name.is_empty());
        let usual = if built_in { Cleaning::Lower } else { Cleaning::Whitespace };
        let pools_the_end = text.pool_type.is_none_or(|pool| ["argmax", "eos"].contains(&pool.as_str()));
        let mark = Mark {
            library: MarkedLibrary::OpenClip,
            clean: text.tokenizer_kwargs.clean.unwrap_or(usual),
            fixed_length: text.no_causal_mask || !pools_the_end,
        };
        Ok(Some(Self { mark, built_in, through_transformers: !built_in }))
    }
}
