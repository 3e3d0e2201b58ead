//! Writes a tokenizer into a model folder so that transformers can load it again.

use std::io;
use std::path::Path;

use cliptune_durable::write_atomic;
use serde_json::{Map, Value, json};
use tokenizers::models::bpe::BPE;
use tokenizers::{Model, ModelWrapper};

use super::Tokenizer;
use super::clip::{END, START};
use super::error::TokenizerError;
use super::family::Library;
use super::folder::{CONFIGURATION, MERGES, SPECIAL_TOKENS, TOKENIZER, VOCABULARY};
use super::settings::Mark;

/// The key that holds [`Mark`] in `tokenizer_config.json`. transformers keeps the key but does not interpret it.
const MARK: &str = "cliptune_text";

/// Writes the files that the tokenizer was read from, byte for byte, and the others that transformers may look for, so
/// that slow, fast, old and new classes all find what they need.
///
/// If open_clip prepares the text, `tokenizer_config.json` says so and differs from the original.
pub(super) fn save(tokenizer: &Tokenizer, folder: &Path) -> Result<(), TokenizerError> {
    fs_err::create_dir_all(folder)?;
    for (name, bytes) in tokenizer.files.iter() {
        write(&folder.join(name), bytes)?;
    }
    let lacks = |name: &str| tokenizer.files.get(name).is_none();
    if let Some(clip) = tokenizer.encoder.clip() {
        if lacks(TOKENIZER) {
            let whole = clip.to_string(false).map_err(TokenizerError::library)?;
            write(&folder.join(TOKENIZER), whole.as_bytes())?;
        }
        if lacks(VOCABULARY) || lacks(MERGES) {
            bpe(clip)?.save(folder, None).map_err(TokenizerError::library)?;
        }
        if lacks(SPECIAL_TOKENS) {
            write_json(&folder.join(SPECIAL_TOKENS), &Value::Object(special_tokens()))?;
        }
    }
    if let Some(configuration) = configuration(tokenizer)? {
        write_json(&folder.join(CONFIGURATION), &Value::Object(configuration))?;
    }
    Ok(())
}

/// Returns the BPE model inside a CLIP tokenizer. Loading and training create no other kind.
fn bpe(tokenizer: &tokenizers::Tokenizer) -> Result<&BPE, TokenizerError> {
    match tokenizer.get_model() {
        ModelWrapper::BPE(bpe) => Ok(bpe),
        _ => Err(TokenizerError::Library("the model is not BPE".to_owned())),
    }
}

/// Returns the contents for `tokenizer_config.json`, unless the original can stay as it is.
fn configuration(tokenizer: &Tokenizer) -> Result<Option<Map<String, Value>>, TokenizerError> {
    let original: Option<Map<String, Value>> = tokenizer.files.json(CONFIGURATION)?;
    let mark = match tokenizer.family().library {
        Library::Transformers => None,
        Library::OpenClip(cleaning) => Some(json!(Mark::new(cleaning, tokenizer.layout()))),
    };
    let made = match (original, tokenizer.encoder.clip()) {
        (Some(original), _) => mark.is_some().then_some(original),
        (None, Some(clip)) => Some(clip_configuration(tokenizer, clip)),
        (None, None) => mark.is_some().then(Map::new),
    };
    Ok(made.map(|mut made| {
        made.extend(mark.map(|mark| (MARK.to_owned(), mark)));
        made
    }))
}

/// Returns the special tokens. transformers uses one token as the end token, the padding token and the unknown token.
///
/// open_clip pads with zeros, but the token with id 0 is `!`: if it were named here, transformers would take it out of
/// every text. A causal tower gives the same row whatever follows the end token.
fn special_tokens() -> Map<String, Value> {
    let named = [("bos_token", START), ("eos_token", END), ("pad_token", END), ("unk_token", END)];
    named.into_iter().map(|(role, token)| (role.to_owned(), json!(token))).collect()
}

fn clip_configuration(tokenizer: &Tokenizer, clip: &tokenizers::Tokenizer) -> Map<String, Value> {
    let added = |token: &str| {
        let shape = json!({
            "content": token, "lstrip": false, "normalized": false,
            "rstrip": false, "single_word": false, "special": true,
        });
        clip.token_to_id(token).map(|id| (id.to_string(), shape))
    };
    let added: Map<_, _> = [START, END].into_iter().filter_map(added).collect();
    let mut configuration = Map::new();
    let entries = [
        ("tokenizer_class", json!("CLIPTokenizer")),
        ("model_max_length", json!(tokenizer.context_length())),
        ("do_lower_case", json!(true)),
        ("errors", json!("replace")),
        ("clean_up_tokenization_spaces", json!(true)),
        ("added_tokens_decoder", Value::Object(added)),
    ];
    configuration.extend(entries.map(|(key, value)| (key.to_owned(), value)));
    configuration.extend(special_tokens());
    configuration
}

fn write_json(path: &Path, value: &Value) -> Result<(), TokenizerError> {
    write(path, format!("{value:#}\n").as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TokenizerError> {
    Ok(write_atomic(path, bytes).map_err(io::Error::from)?)
}
