//! Every family's ids against the library that its checkpoints were trained with.
//!
//! `references/text` holds, by family, a model folder's tokenizer files and the ids that the reference gives with them:
//! `scripts/references/families.py` makes both and names the versions in each file.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::{Path, PathBuf};

use cliptune_clip::tokenizer::{Cleaning, Family, Library, Tokenizer, Vocabulary, Width};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    context_length: usize,
    padding: i64,
    texts: Vec<Text>,
}

/// A text and its ids in their frame, without padding.
#[derive(Deserialize)]
struct Text {
    text: String,
    ids: Vec<i64>,
}

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references/text")
}

fn reference(name: &str) -> Reference {
    let path = references().join(format!("{name}.json"));
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

fn family(library: Library, vocabulary: Vocabulary) -> Family {
    Family { library, vocabulary }
}

/// Compares every text, and says all that differ.
fn compare(tokenizer: &Tokenizer, reference: &Reference) {
    assert!(reference.texts.len() > 150);
    let mut different = Vec::new();
    for Text { text, ids } in &reference.texts {
        let encoded = tokenizer.encode(text).unwrap();
        if &encoded.ids != ids {
            different.push(format!("{text:?}\n  expected {ids:?}\n  got      {:?}", encoded.ids));
        }
    }
    assert!(different.is_empty(), "{} texts differ:\n{}", different.len(), different.join("\n"));
}

/// The folder's ids are the reference's; so are those of what [`Tokenizer::save`] makes of it.
fn check(name: &str, expected: Family, width: Width) {
    let reference = reference(name);
    let tokenizer = Tokenizer::from_folder(&references().join(name), reference.context_length).unwrap();
    assert_eq!(tokenizer.family(), expected);
    assert_eq!((tokenizer.layout().width, tokenizer.padding_id()), (width, reference.padding));
    compare(&tokenizer, &reference);

    let saved = tempfile::tempdir().unwrap();
    tokenizer.save(saved.path()).unwrap();
    let again = Tokenizer::from_folder(saved.path(), reference.context_length).unwrap();
    assert_eq!((again.family(), again.layout()), (tokenizer.family(), tokenizer.layout()));
    assert_eq!(again.vocab_size(), tokenizer.vocab_size());
    compare(&again, &reference);
}

#[test]
fn open_clip_lower_cases_by_default() {
    let lower = Library::OpenClip(Cleaning::Lower);
    check("open_clip.lower", family(lower, Vocabulary::Clip), Width::Longest);
}

#[test]
fn open_clip_keeps_capitals_when_told_to() {
    let whitespace = Library::OpenClip(Cleaning::Whitespace);
    check("open_clip.whitespace", family(whitespace, Vocabulary::Clip), Width::Longest);
}

#[test]
fn open_clip_removes_punctuation_when_told_to() {
    let canonicalize = Library::OpenClip(Cleaning::Canonicalize);
    check("open_clip.canonicalize", family(canonicalize, Vocabulary::Clip), Width::Longest);
}

#[test]
fn clip_padded_with_a_mark_takes_it_out_of_texts_as_transformers_does() {
    check("clip.padded", family(Library::Transformers, Vocabulary::Clip), Width::Longest);
}

#[test]
fn siglip_is_transformers_over_sentence_pieces() {
    check("siglip", family(Library::Transformers, Vocabulary::Siglip), Width::Fixed(64));
}

#[test]
fn siglip_in_an_open_clip_folder_is_a_t5_tokenizer_over_cleaned_text() {
    let canonicalize = Library::OpenClip(Cleaning::Canonicalize);
    check("open_clip.siglip", family(canonicalize, Vocabulary::Siglip), Width::Fixed(64));
}

#[test]
fn siglip2_is_gemmas_over_lower_case() {
    check("siglip2", family(Library::Transformers, Vocabulary::Siglip2), Width::Fixed(64));
}

#[test]
fn siglip2_in_an_open_clip_folder_is_gemmas_over_cleaned_text() {
    let canonicalize = Library::OpenClip(Cleaning::Canonicalize);
    check("open_clip.siglip2", family(canonicalize, Vocabulary::Siglip2), Width::Fixed(64));
}

#[test]
fn open_clips_package_needs_no_folder() {
    let tokenizer = Tokenizer::open_clip(77).unwrap();
    assert_eq!(
        (tokenizer.vocab_size(), tokenizer.start_id(), tokenizer.end_id()),
        (49_408, Some(49_406), 49_407)
    );
    compare(&tokenizer, &reference("open_clip.lower"));
}

/// A batch is what the reference gives with `padding="max_length"`: the ids, then padding up to the context.
#[test]
fn siglips_batches_have_every_position() {
    let tokenizer = Tokenizer::from_folder(&references().join("siglip"), 64).unwrap();
    let batch = tokenizer.batch(&["a cat", ""]).unwrap();
    let cat = tokenizer.encode("a cat").unwrap().ids;
    assert_eq!((batch.rows, batch.columns), (2, 64));
    assert_eq!(batch.ids[..cat.len()], cat);
    assert!(batch.ids[cat.len()..].iter().all(|&id| id == tokenizer.padding_id()));
}

#[test]
fn what_was_read_is_written_byte_for_byte() {
    for (folder, files) in [
        ("siglip", ["spiece.model", "tokenizer_config.json"]),
        ("siglip2", ["tokenizer.json", "tokenizer_config.json"]),
        ("../tokenizer", ["vocab.json", "special_tokens_map.json"]),
    ] {
        let folder = references().join(folder);
        let saved = tempfile::tempdir().unwrap();
        Tokenizer::from_folder(&folder, 64).unwrap().save(saved.path()).unwrap();
        for file in files {
            let written = fs_err::read(saved.path().join(file)).unwrap();
            assert!(written == fs_err::read(folder.join(file)).unwrap(), "{file} differs");
        }
    }
}

/// The published LAION folders hold transformers' files and open_clip's configuration: open_clip trained them.
#[test]
fn an_open_clip_configuration_beside_hugging_face_files_makes_it_open_clips() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        fs_err::copy(references().join("../tokenizer").join(file), folder.path().join(file)).unwrap();
    }
    let plain = Tokenizer::from_folder(folder.path(), 77).unwrap();
    let config = r#"{"model_cfg": {"text_cfg": {"context_length": 77, "vocab_size": 600}}}"#;
    fs_err::write(folder.path().join("open_clip_config.json"), config).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path(), 77).unwrap();
    assert_eq!(tokenizer.family().to_string(), "CLIP as in open_clip (clean: lower)");
    assert_eq!((tokenizer.vocab_size(), tokenizer.padding_id(), tokenizer.end_id()), (600, 0, 599));
    assert_eq!(tokenizer.encode("“cat” &amp; dog").unwrap(), plain.encode("\"cat\" & dog").unwrap());

    let saved = tempfile::tempdir().unwrap();
    tokenizer.save(saved.path()).unwrap();
    let again = Tokenizer::from_folder(saved.path(), 77).unwrap();
    assert_eq!(again.family(), tokenizer.family());
    let whole = |folder: &Path| fs_err::read(folder.join("tokenizer.json")).unwrap();
    assert!(whole(saved.path()) == whole(folder.path()), "tokenizer.json differs");
}

#[test]
fn an_open_clip_tower_that_sees_its_padding_is_never_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"{"model_cfg": {"text_cfg": {"no_causal_mask": true}}}"#;
    fs_err::write(folder.path().join("open_clip_config.json"), config).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path(), 32).unwrap();
    assert_eq!(tokenizer.layout().width, Width::Fixed(32));
}
