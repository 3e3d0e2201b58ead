//! Tokenizers on disk, as transformers lays them out.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use tokenizers::models::bpe::BPE;
use tokenizers::{Model, ModelWrapper};

use super::error::TokenizerError;
use super::pipeline::{self, END, END_OF_WORD, Merges, START};

const TOKENIZER: &str = "tokenizer.json";
const VOCABULARY: &str = "vocab.json";
const MERGES: &str = "merges.txt";

/// Reads `tokenizer.json`, or builds CLIP's pipeline around `vocab.json` and `merges.txt`.
pub(super) fn load(folder: &Path) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let (whole, vocabulary, merges) = (folder.join(TOKENIZER), folder.join(VOCABULARY), folder.join(MERGES));
    if whole.exists() {
        load_whole(&whole)
    } else if vocabulary.exists() && merges.exists() {
        load_parts(&vocabulary, &merges)
    } else {
        Err(TokenizerError::Missing { folder: folder.to_owned() })
    }
}

/// The part of `tokenizer.json` that says whether this is CLIP's kind of tokenizer.
#[derive(Deserialize)]
struct Whole {
    model: WholeModel,
}

#[derive(Deserialize)]
struct WholeModel {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    vocab: Value,
    #[serde(default)]
    merges: Vec<Merge>,
}

/// Older files write a merge as one string, newer ones as a pair.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

fn load_whole(path: &Path) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let bytes = fs_err::read(path)?;
    let malformed = |reason: String| TokenizerError::Malformed { path: path.to_owned(), reason };
    let not_clip = |reason: String| TokenizerError::NotClip { path: path.to_owned(), reason };
    let whole: Whole = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if whole.model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
        return Err(not_clip(format!("its model is {}, not BPE", whole.model.kind.unwrap_or_default())));
    }
    if whole.model.end_of_word_suffix.as_deref() != Some(END_OF_WORD) {
        return Err(not_clip(format!("its words do not end in {END_OF_WORD}")));
    }
    let merges = merges(whole.model).map_err(|error| malformed(error.to_string()))?;
    if let Some(reason) = merges.broken() {
        return Err(malformed(reason));
    }
    tokenizers::Tokenizer::from_bytes(&bytes).map_err(|error| malformed(error.to_string()))
}

/// Reads vocabulary and merges out of `tokenizer.json`'s model.
fn merges(model: WholeModel) -> Result<Merges, serde_json::Error> {
    let pair = |merge: Merge| match merge {
        Merge::Pair(a, b) => (a, b),
        Merge::Joined(line) => split_merge(&line).unwrap_or((line, String::new())),
    };
    let vocabulary = serde_json::from_value(model.vocab)?;
    Ok(Merges { vocabulary, merges: model.merges.into_iter().map(pair).collect() })
}

fn split_merge(line: &str) -> Option<(String, String)> {
    let (a, b) = line.split_once(' ')?;
    Some((a.to_owned(), b.to_owned()))
}

fn load_parts(vocabulary: &Path, merges: &Path) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let malformed = |path: &Path, reason: String| TokenizerError::Malformed { path: path.to_owned(), reason };
    let ids: HashMap<String, u32> = serde_json::from_slice(&fs_err::read(vocabulary)?)
        .map_err(|error| malformed(vocabulary, error.to_string()))?;
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(fs_err::read_to_string(merges)?.lines()) {
        // The first line is "#version: 0.2"; a later one that starts so would be a merge of '#'.
        if line.is_empty() || (number == 1 && line.starts_with("#version")) {
            continue;
        }
        let pair = split_merge(line);
        pairs.push(pair.ok_or_else(|| malformed(merges, format!("line {number} is not a pair of tokens")))?);
    }
    let model = Merges { vocabulary: ids, merges: pairs };
    if let Some(reason) = model.broken() {
        return Err(malformed(merges, reason));
    }
    pipeline::build(model)
}

/// Writes every file that transformers may look for, so that slow, fast, old and new classes find theirs.
pub(super) fn save(
    tokenizer: &tokenizers::Tokenizer,
    folder: &Path,
    context_length: usize,
) -> Result<(), TokenizerError> {
    fs_err::create_dir_all(folder)?;
    let whole = tokenizer.to_string(false).map_err(TokenizerError::library)?;
    fs_err::write(folder.join(TOKENIZER), whole)?;
    bpe(tokenizer)?.save(folder, None).map_err(TokenizerError::library)?;
    write_json(&folder.join("tokenizer_config.json"), &configuration(tokenizer, context_length))?;
    write_json(&folder.join("special_tokens_map.json"), &special_tokens())
}

/// The BPE model inside a tokenizer; [`load`] and training make no other kind.
fn bpe(tokenizer: &tokenizers::Tokenizer) -> Result<&BPE, TokenizerError> {
    match tokenizer.get_model() {
        ModelWrapper::BPE(bpe) => Ok(bpe),
        _ => Err(TokenizerError::Library("the model is not BPE".to_owned())),
    }
}

/// CLIP has one token for the end, for padding and for what it does not know.
fn special_tokens() -> Value {
    json!({ "bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END })
}

fn configuration(tokenizer: &tokenizers::Tokenizer, context_length: usize) -> Value {
    let added = |token: &str| {
        let shape = json!({
            "content": token, "lstrip": false, "normalized": false,
            "rstrip": false, "single_word": false, "special": true,
        });
        tokenizer.token_to_id(token).map(|id| (id.to_string(), shape))
    };
    let added: serde_json::Map<_, _> = [START, END].into_iter().filter_map(added).collect();
    let mut configuration = json!({
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": context_length,
        "do_lower_case": true,
        "errors": "replace",
        "clean_up_tokenization_spaces": true,
        "added_tokens_decoder": added,
    });
    if let (Value::Object(all), Value::Object(specials)) = (&mut configuration, special_tokens()) {
        all.extend(specials);
    }
    configuration
}

fn write_json(path: &Path, value: &Value) -> Result<(), TokenizerError> {
    Ok(fs_err::write(path, format!("{value:#}\n"))?)
}
