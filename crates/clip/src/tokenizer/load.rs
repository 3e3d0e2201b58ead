//! Finds out which family's tokenizer a model folder holds, and loads it.

use std::path::Path;

use tokenizers::AddedToken;

use super::batch::Width;
use super::bpe::Merges;
use super::contents::{self, Added, Contents};
use super::encoder::Encoder;
use super::error::TokenizerError;
use super::family::{Cleaning, Library};
use super::folder::{CONFIGURATION, Files, SENTENCE_PIECES, TOKENIZER, VOCABULARY};
use super::open_clip::OpenClip;
use super::pieces::Pieces;
use super::settings::{Configuration, Mark, OpenClipText, TokenName};
use super::siglip::{Siglip, Style};
use super::{Frame, Tokenizer, clip, gemma, open_clip, sentence_pieces, siglip};

/// Loads the tokenizer of a model folder.
pub(super) fn load(folder: &Path, context_length: usize) -> Result<Tokenizer, TokenizerError> {
    let files = Files::read(folder)?;
    let configuration: Configuration = files.json(CONFIGURATION)?.unwrap_or_default();
    let open_clip = match configuration.cliptune_text {
        Some(mark) => Some(OpenClipText::marked(mark)),
        None => OpenClipText::read(folder, &files)?,
    };
    let contents = match open_clip {
        Some(text) => match hugging_face(&files)?.or(sentence_pieces(&files)?) {
            None if text.built_in => Some(Contents::Clip(open_clip::built_in()?, Vec::new())),
            contents => contents,
        },
        None => sentence_pieces(&files)?.map(Ok).or_else(|| hugging_face(&files).transpose()).transpose()?,
    };
    let contents = contents.ok_or_else(|| TokenizerError::Missing { folder: folder.to_owned() })?;
    let open_clip = open_clip.map(|text| text.mark_over(&contents));
    Reader { files, configuration, open_clip, context_length }.read(contents)
}

/// Reads `tokenizer.json`, or `vocab.json` with `merges.txt`.
fn hugging_face(files: &Files) -> Result<Option<Contents>, TokenizerError> {
    match contents::whole(files)? {
        Some(contents) => Ok(Some(contents)),
        None => Ok(contents::parts(files)?.map(|merges| Contents::Clip(merges, Vec::new()))),
    }
}

/// Reads `spiece.model`.
fn sentence_pieces(files: &Files) -> Result<Option<Contents>, TokenizerError> {
    let parse =
        |bytes| sentence_pieces::parse(bytes).map_err(|reason| files.malformed(SENTENCE_PIECES, reason));
    Ok(files.get(SENTENCE_PIECES).map(parse).transpose()?.map(Contents::Unigram))
}

/// Builds a tokenizer from what the folder holds.
struct Reader {
    files: Files,
    configuration: Configuration,
    open_clip: Option<Mark>,
    context_length: usize,
}

impl Reader {
    fn read(self, contents: Contents) -> Result<Tokenizer, TokenizerError> {
        let (encoder, frame) = match contents {
            Contents::Clip(merges, added) => self.clip(merges, added)?,
            Contents::Unigram(pieces) => self.siglip(pieces)?,
            Contents::Gemma(merges, added) => self.siglip2(merges, added)?,
        };
        let fixed =
            !matches!(encoder, Encoder::Clip(_)) && self.open_clip.is_none_or(|mark| mark.fixed_length);
        let width = if fixed { Width::Fixed(self.context_length) } else { Width::Longest };
        Tokenizer::new(encoder, frame, width, self.context_length, self.files)
    }

    fn clip(&self, merges: Merges, added: Vec<Added>) -> Result<(Encoder, Frame), TokenizerError> {
        let name = if self.files.get(TOKENIZER).is_some() { TOKENIZER } else { VOCABULARY };
        for token in [clip::START, clip::END] {
            if merges.id(token).is_none() {
                return Err(self.files.not_clip(name, format!("it has no token {token}")));
            }
        }
        let mut tokenizer = clip::build(merges)?;
        contents::add(&self.files, &mut tokenizer, added)?;
        match self.open_clip {
            Some(mark) => open_clip_encoder(tokenizer, mark.clean),
            None => {
                let padding = self.padding(|token| tokenizer.token_to_id(token));
                if let Some(name) = self.configuration.pad_token.as_ref().filter(|_| padding.is_some()) {
                    // transformers looks for this token in the text, even if it is `!`.
                    let token = AddedToken::from(name.text(), true);
                    tokenizer.add_special_tokens([token]).map_err(TokenizerError::library)?;
                }
                clip_encoder(tokenizer, padding)
            }
        }
    }

    fn siglip(&self, pieces: Pieces) -> Result<(Encoder, Frame), TokenizerError> {
        let name = if self.open_clip.is_none() && self.files.get(SENTENCE_PIECES).is_some() {
            SENTENCE_PIECES
        } else {
            TOKENIZER
        };
        let end = pieces.id(siglip::END);
        let end = end.ok_or_else(|| self.files.not_clip(name, format!("it has no token {}", siglip::END)))?;
        let padding = self.padding(|token| pieces.id(token)).unwrap_or(end);
        let style = match self.open_clip {
            Some(Mark { clean: clean @ Cleaning::Canonicalize, .. }) => Style::OpenClip(clean),
            // Special tokens would remain in the text, and no published folder asks for this.
            Some(Mark { clean, .. }) => {
                return Err(self
                    .files
                    .not_clip(name, format!("its texts are cleaned as {:?}", clean.as_str())));
            }
            None => Style::Transformers {
                lower_case: self.configuration.do_lower_case.unwrap_or(true),
                specials: self.specials(&pieces),
            },
        };
        let end_once = self.open_clip.is_none();
        let frame = Frame { start: None, end, padding, end_once };
        Ok((Encoder::Siglip(Siglip::new(pieces, style)?), frame))
    }

    /// Returns the special tokens of a SigLIP: its end, unknown and padding tokens.
    fn specials(&self, pieces: &Pieces) -> Vec<(String, u32)> {
        let padding = self.configuration.pad_token.as_ref().map(TokenName::text);
        let tokens = [Some(siglip::END), Some(pieces.unknown()), padding].into_iter().flatten();
        tokens.filter_map(|token| pieces.id(token).map(|id| (token.to_owned(), id))).collect()
    }

    fn siglip2(&self, merges: Merges, added: Vec<Added>) -> Result<(Encoder, Frame), TokenizerError> {
        let library = self.open_clip.map_or(Library::Transformers, |mark| Library::OpenClip(mark.clean));
        let mut tokenizer = gemma::build(merges, library)?;
        contents::add(&self.files, &mut tokenizer, added)?;
        let id = |token: &str| tokenizer.token_to_id(token);
        let missing = |token: &str| self.files.not_clip(TOKENIZER, format!("it has no token {token}"));
        let end = id(gemma::END).ok_or_else(|| missing(gemma::END))?;
        id(gemma::UNKNOWN).ok_or_else(|| missing(gemma::UNKNOWN))?;
        let padding = self.padding(id).or(id(gemma::PADDING)).ok_or_else(|| missing(gemma::PADDING))?;
        let frame = Frame { start: None, end, padding, end_once: false };
        Ok((Encoder::Siglip2 { tokenizer, library }, frame))
    }

    /// Returns the padding token that `tokenizer_config.json` names, if the vocabulary contains it.
    fn padding(&self, id: impl Fn(&str) -> Option<u32>) -> Option<u32> {
        self.configuration.pad_token.as_ref().and_then(|name| id(name.text()))
    }
}

/// Creates the encoder for CLIP as in transformers, which pads with the end token unless told otherwise.
pub(super) fn clip_encoder(
    tokenizer: tokenizers::Tokenizer,
    padding: Option<u32>,
) -> Result<(Encoder, Frame), TokenizerError> {
    let (start, end) = ends(&tokenizer)?;
    let frame = Frame { start: Some(start), end, padding: padding.unwrap_or(end), end_once: false };
    Ok((Encoder::Clip(tokenizer), frame))
}

/// Creates the encoder for CLIP as in open_clip, which pads with zeros.
pub(super) fn open_clip_encoder(
    tokenizer: tokenizers::Tokenizer,
    cleaning: Cleaning,
) -> Result<(Encoder, Frame), TokenizerError> {
    let (start, end) = ends(&tokenizer)?;
    let words = OpenClip::new(start, end)?;
    let frame = Frame { start: Some(start), end, padding: 0, end_once: false };
    Ok((Encoder::OpenClip { tokenizer, words, cleaning }, frame))
}

fn ends(tokenizer: &tokenizers::Tokenizer) -> Result<(u32, u32), TokenizerError> {
    let id = |token: &str| {
        let missing = || TokenizerError::Library(format!("{token} is not in the vocabulary"));
        tokenizer.token_to_id(token).ok_or_else(missing)
    };
    Ok((id(clip::START)?, id(clip::END)?))
}
