//! The tokenizer against transformers, and against texts that nobody would call a caption.
//!
//! `tests/references/tokenizer` holds what [`Tokenizer::train`] makes of [`SENTENCES`], and `ids.json` beside it the
//! ids that transformers' `CLIPTokenizer` gives with those files. To make them again:
//! `CLIPTUNE_WRITE_REFERENCES=1 cargo test -p cliptune-clip --test tokens`, then
//! `scripts/references/tokens.py` (made with transformers 5.23.0 and tokenizers 0.23.3).

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cliptune_clip::tokenizer::{Tokenizer, TokenizerError};
use proptest::prelude::*;
use serde::Deserialize;

/// CLIP's own.
const CONTEXT: usize = 77;

/// Enough repetition for some eighty merges, with the accents, digits and marks that captions have.
const SENTENCES: [&str; 12] = [
    "I'm sorry, but the doctor can't see the patient now.",
    "The patient isn't here, and the doctor won't wait.",
    "We'll have the café's special: two coffees, three croissants and a naïve waiter.",
    "A naïve waiter at the café, and the coffees aren't special.",
    "“They've said there's nothing here,” said the dog to the other dog.",
    "“There is nothing other than the dog,” said the cat.",
    "Don't bother the cat; the cat's been sitting there since 1999...",
    "It's 2024 and they're still sitting on the same mat!!!",
    "the mat, the cat, the hat and the other things that they had had",
    "waiting, sitting, seeing, saying, having and being",
    "漫画 and 漫画家 said 😀 😀",
    "And now, the weather: nothing but weather, whether or not they're waiting.",
];

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references/tokenizer")
}

fn trained() -> &'static Tokenizer {
    static TRAINED: LazyLock<Tokenizer> =
        LazyLock::new(|| Tokenizer::train(&SENTENCES, 600, CONTEXT).unwrap());
    &TRAINED
}

fn loaded() -> Tokenizer {
    Tokenizer::from_folder(&references(), CONTEXT).unwrap()
}

/// A text and what `tokenizer(text, truncation=True, max_length=77)["input_ids"]` makes of it.
#[derive(Deserialize)]
struct Reference {
    text: String,
    ids: Vec<i64>,
}

fn ids() -> Vec<Reference> {
    serde_json::from_slice(&fs_err::read(references().join("ids.json")).unwrap()).unwrap()
}

const FILES: [&str; 5] =
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt"];

#[test]
fn training_and_saving_are_repeatable_to_the_byte() {
    let mut turned = SENTENCES;
    turned.reverse();
    let tokenizer = Tokenizer::train(&turned, 600, CONTEXT).unwrap();
    assert_eq!((tokenizer.vocab_size(), tokenizer.start_id(), tokenizer.end_id()), (600, Some(598), 599));
    if std::env::var_os("CLIPTUNE_WRITE_REFERENCES").is_some() {
        tokenizer.save(&references()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    for file in FILES {
        let (found, expected) = (folder.path().join(file), references().join(file));
        assert!(fs_err::read(found).unwrap() == fs_err::read(expected).unwrap(), "{file} differs");
    }
}

#[test]
fn every_text_gets_the_ids_of_transformers() {
    let (trained, loaded) = (trained(), loaded());
    let references = ids();
    assert!(references.len() > 50);
    for Reference { text, ids } in references {
        let encoded = loaded.encode(&text).unwrap();
        assert_eq!(encoded.ids, ids, "{text:?}");
        assert_eq!(encoded, trained.encode(&text).unwrap(), "{text:?}");
    }
}

/// `openai/clip-vit-base-patch32` and its like can be laid out either way.
#[test]
fn vocabulary_and_merges_alone_make_the_same_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["vocab.json", "merges.txt"] {
        fs_err::copy(references().join(file), folder.path().join(file)).unwrap();
    }
    let tokenizer = Tokenizer::from_folder(folder.path(), CONTEXT).unwrap();
    assert_eq!((tokenizer.vocab_size(), tokenizer.start_id(), tokenizer.end_id()), (600, Some(598), 599));
    for Reference { text, ids } in ids() {
        assert_eq!(tokenizer.encode(&text).unwrap().ids, ids, "{text:?}");
    }
}

#[test]
fn a_shorter_context_keeps_the_end_token() {
    let tokenizer = Tokenizer::from_folder(&references(), 5).unwrap();
    let encoded = tokenizer.encode(&"cat ".repeat(500)).unwrap();
    assert_eq!((encoded.ids.len(), encoded.ids[4], encoded.truncated), (5, tokenizer.end_id(), true));
    let error = Tokenizer::from_folder(&references(), 2).err().unwrap();
    assert_eq!(error.to_string(), "a context length of 2 holds no text: it must be at least 3");
}

#[test]
fn texts_of_many_megabytes_are_cut_short() {
    let tokenizer = trained();
    let size = 10 << 20;
    for piece in ["a", "cat ", " ", "\n", "😀", "!", "1", "\u{301}", "é", "\0"] {
        let encoded = tokenizer.encode(&piece.repeat(size / piece.len())).unwrap();
        let blank = piece.trim().is_empty();
        assert_eq!((encoded.ids.len(), encoded.truncated), if blank { (2, false) } else { (CONTEXT, true) });
    }
}

#[test]
fn failing_to_save_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs_err::write(&file, "").unwrap();
    let error = trained().save(&file).err().unwrap();
    assert!(matches!(&error, TokenizerError::Io(inner) if inner.to_string().contains("file")), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Start, at most 75 tokens of the vocabulary, end; whatever the text.
    #[test]
    fn any_text_makes_a_row_of_the_embedding_table(text in any::<String>()) {
        let tokenizer = trained();
        let encoded = tokenizer.encode(&text).unwrap();
        let ids = &encoded.ids;
        prop_assert!((2..=CONTEXT).contains(&ids.len()));
        prop_assert_eq!((Some(ids[0]), ids[ids.len() - 1]), (tokenizer.start_id(), tokenizer.end_id()));
        prop_assert!(ids.iter().all(|&id| (0..tokenizer.vocab_size() as i64).contains(&id)));
    }
}
