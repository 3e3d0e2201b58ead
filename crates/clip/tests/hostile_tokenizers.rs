//! Tokenizer files that are damaged or made to harm, and texts that nobody would call a caption.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cliptune_clip::tokenizer::Tokenizer;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const CONTEXT: usize = 64;

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references")
}

fn read(path: &str) -> Vec<u8> {
    fs_err::read(references().join(path)).unwrap()
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        fs_err::write(folder.path().join(name), contents).unwrap();
    }
    folder
}

/// Says why these files are not a tokenizer.
fn refused(files: &[(&str, &str)]) -> String {
    let files: Vec<_> = files.iter().map(|(name, contents)| (*name, contents.as_bytes())).collect();
    let folder = folder(&files);
    let error = Tokenizer::from_folder(folder.path(), CONTEXT).err().unwrap().to_string();
    error.replace(&*folder.path().to_string_lossy(), "FOLDER")
}

/// As [`refused`], of a `tokenizer.json` alone.
fn refused_whole(contents: &str) -> String {
    refused(&[("tokenizer.json", contents)])
}

#[test]
fn an_empty_folder_is_refused_with_the_files_that_would_do() {
    assert_eq!(
        refused(&[]),
        "no tokenizer in FOLDER: neither tokenizer.json, nor vocab.json with merges.txt, nor spiece.model, nor \
         open_clip_config.json"
    );
}

#[test]
fn tokenizers_of_other_models_are_refused_by_kind() {
    assert_eq!(
        refused_whole(r#"{"model": {"type": "WordPiece", "vocab": {}}}"#),
        "FOLDER/tokenizer.json is not a CLIP or SigLIP tokenizer: its model is WordPiece, neither BPE nor Unigram"
    );
    assert_eq!(
        refused_whole(r#"{"model": {"type": "BPE", "vocab": {}}}"#),
        "FOLDER/tokenizer.json is not a CLIP or SigLIP tokenizer: its words do not end in </w>, nor does it fall back \
         on bytes"
    );
    let bare = String::from_utf8(read("tokenizer/tokenizer.json")).unwrap();
    assert_eq!(
        refused_whole(&bare.replace("<|startoftext|>", "<s>")),
        "FOLDER/tokenizer.json is not a CLIP or SigLIP tokenizer: it has no token <|startoftext|>"
    );
    let gemma = String::from_utf8(read("text/siglip2/tokenizer.json")).unwrap();
    assert_eq!(
        refused_whole(&gemma.replace("<eos>", "<end>")),
        "FOLDER/tokenizer.json is not a CLIP or SigLIP tokenizer: it has no token <eos>"
    );
    assert_eq!(
        refused_whole(r#"{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]}}"#),
        "FOLDER/tokenizer.json is not a CLIP or SigLIP tokenizer: it has no token </s>"
    );
}

#[test]
fn files_that_are_not_what_their_names_promise_are_refused() {
    let json = refused_whole("{");
    assert!(json.starts_with("cannot read the tokenizer FOLDER/tokenizer.json: EOF"), "{json}");
    let deep = format!(
        r#"{{"normalizer": {}1{}, "model": {{"type": "Unigram", "unk_id": 0, "vocab": []}}}}"#,
        r#"{"a": "#.repeat(100_000),
        "}".repeat(100_000)
    );
    let deep = refused_whole(&deep);
    assert!(deep.contains("recursion limit exceeded"), "{deep}");
    assert!(refused_whole("[]").starts_with("cannot read the tokenizer FOLDER/tokenizer.json: "));
    let proto = refused(&[("spiece.model", "not a protocol buffer")]);
    assert!(proto.starts_with("cannot read the tokenizer FOLDER/spiece.model: "), "{proto}");
}

#[test]
fn a_file_too_large_for_a_tokenizer_is_not_read() {
    let folder = folder(&[]);
    let path = folder.path().join("tokenizer.json");
    fs_err::File::create(&path).unwrap().file().set_len(1 << 40).unwrap();
    let error = Tokenizer::from_folder(folder.path(), CONTEXT).err().unwrap().to_string();
    assert!(
        error.ends_with("is too large for a tokenizer: 1099511627776 bytes, the limit is 268435456"),
        "{error}"
    );
}

/// The tokenizers library alone would panic on the first of these.
#[test]
fn merges_of_tokens_that_are_not_there_are_refused() {
    let broken =
        r#"{"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": 0}, "merges": ["a a"]}}"#;
    let reason = r#"the merge "a" "a" joins or makes a token that is not in the vocabulary"#;
    assert_eq!(refused_whole(broken), format!("cannot read the tokenizer FOLDER/tokenizer.json: {reason}"));
    assert_eq!(
        refused(&[("vocab.json", r#"{"a": 0}"#), ("merges.txt", "#version: 0.2\na a\n")]),
        format!("cannot read the tokenizer FOLDER/merges.txt: {reason}")
    );
    assert_eq!(
        refused(&[("vocab.json", r#"{"a": 0}"#), ("merges.txt", "#version: 0.2\nab\n")]),
        "cannot read the tokenizer FOLDER/merges.txt: line 2 is not a pair of tokens"
    );
}

#[test]
fn ids_that_no_table_has_are_refused() {
    let id = |id: u64| {
        format!(r#"{{"model": {{"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {{"a": {id}}}}}}}"#)
    };
    assert_eq!(
        refused_whole(&id(4_294_967_295)),
        r#"cannot read the tokenizer FOLDER/tokenizer.json: the id of "a" is 4294967295, the limit is 16777216"#
    );
    assert!(refused_whole(&id(1 << 40)).contains("invalid value: integer"));
    let gemma = String::from_utf8(read("text/siglip2/tokenizer.json")).unwrap();
    let moved = gemma.replacen(r#""id": 4,"#, r#""id": 4000000000,"#, 1);
    assert_ne!(moved, gemma);
    assert_eq!(
        refused_whole(&moved),
        r#"cannot read the tokenizer FOLDER/tokenizer.json: the added token "<mask>" cannot have the id 4000000000"#
    );
}

#[test]
fn unigram_models_that_the_library_would_hang_or_fail_on_are_refused() {
    let unigram = |unknown: &str, vocabulary: &str, normalizer: &str| {
        refused_whole(&format!(
            r#"{{"normalizer": {normalizer}, "model": {{"type": "Unigram", "unk_id": {unknown}, "vocab": {vocabulary}}}}}"#
        ))
    };
    let reason = |reason: &str| format!("cannot read the tokenizer FOLDER/tokenizer.json: {reason}");
    let usual = r#"[["<unk>", 0.0], ["</s>", 0.0]]"#;
    assert_eq!(unigram("null", usual, "null"), reason("it has no unknown token"));
    assert_eq!(unigram("2", usual, "null"), reason("the unknown token's id 2 is not in the vocabulary"));
    assert_eq!(unigram("0", r#"[["", 0.0]]"#, "null"), reason("piece 0 has 0 bytes, not 1 to 1024"));
    let long = format!(r#"[["{}", 0.0]]"#, "a".repeat(2000));
    assert_eq!(unigram("0", &long, "null"), reason("piece 0 has 2000 bytes, not 1 to 1024"));
    assert!(unigram("0", r#"[["a", NaN]]"#, "null").contains("expected value"));
    assert!(unigram("0", r#"[["a", 1e999]]"#, "null").contains("number out of range"));
    let map = |map: &str| format!(r#"{{"type": "Precompiled", "precompiled_charsmap": "{map}"}}"#);
    assert!(unigram("0", usual, &map("?")).contains("its character map is not base64"));
    assert_eq!(unigram("0", usual, &map("AAA=")), reason("its character map has no header"));
    assert_eq!(unigram("0", usual, &map("////fw==")), reason("its character map ends within its trie"));
}

/// `nan` in SentencePiece's own file, which JSON cannot say.
#[test]
fn a_piece_without_a_score_to_compare_is_refused() {
    // pieces { piece: "a", score: NaN } pieces { piece: "<unk>", type: UNKNOWN }
    let model = b"\x0a\x08\x0a\x01a\x15\x00\x00\xc0\x7f\x0a\x09\x0a\x05<unk>\x18\x02";
    let folder = folder(&[("spiece.model", model)]);
    let error = Tokenizer::from_folder(folder.path(), CONTEXT).err().unwrap().to_string();
    assert!(error.ends_with("spiece.model: the score of piece 0 is NaN, not a finite number"), "{error}");
}

#[test]
fn open_clip_settings_that_are_not_known_are_refused_by_name() {
    let text = |settings: &str| {
        refused(&[("open_clip_config.json", &format!(r#"{{"model_cfg": {{"text_cfg": {settings}}}}}"#))])
    };
    assert!(text(r#"{"tokenizer_kwargs": {"clean": "polish"}}"#).contains("unknown variant `polish`"));
    assert!(
        text(r#"{"tokenizer_kwargs": {"strip_sep_token": true}}"#)
            .contains("unknown field `strip_sep_token`")
    );
    assert_eq!(
        text(r#"{"tokenizer_mode": "clips"}"#),
        r#"FOLDER/open_clip_config.json is not a CLIP or SigLIP tokenizer: its tokenizer_mode is "clips""#
    );
    let siglip = String::from_utf8(read("text/open_clip.siglip/tokenizer.json")).unwrap();
    assert_eq!(
        refused(&[
            ("tokenizer.json", &siglip),
            ("open_clip_config.json", r#"{"model_cfg": {"text_cfg": {"hf_tokenizer_name": "SigLIP"}}}"#),
        ]),
        r#"FOLDER/tokenizer.json is not a CLIP or SigLIP tokenizer: its texts are cleaned as "whitespace""#
    );
    // Its vocabulary is elsewhere, and not the one in open_clip's package.
    assert!(text(r#"{"hf_tokenizer_name": "roberta-base"}"#).starts_with("no tokenizer in FOLDER"));
}

/// Every family that is read from a folder.
static FAMILIES: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
    let folders = [
        "tokenizer",
        "text/open_clip.lower",
        "text/open_clip.canonicalize",
        "text/siglip",
        "text/open_clip.siglip",
        "text/siglip2",
        "text/open_clip.siglip2",
    ];
    folders.map(|folder| Tokenizer::from_folder(&references().join(folder), CONTEXT).unwrap()).into()
});

/// A text's ids are rows of the embedding table, end in the end token, and fit.
fn check(tokenizer: &Tokenizer, text: &str) -> Result<(), TestCaseError> {
    let ids = tokenizer.encode(text).unwrap().ids;
    let family = tokenizer.family();
    prop_assert!((1..=CONTEXT).contains(&ids.len()), "{family}: {} ids", ids.len());
    prop_assert_eq!(ids[ids.len() - 1], tokenizer.end_id());
    prop_assert!(tokenizer.start_id().is_none_or(|start| start == ids[0]));
    let rows = 0..tokenizer.vocab_size() as i64;
    prop_assert!(ids.iter().all(|id| rows.contains(id)), "{family}: {ids:?} beyond {rows:?}");
    Ok(())
}

#[test]
fn texts_of_many_megabytes_are_cut_short() {
    for tokenizer in &*FAMILIES {
        for piece in
            ["a", "cat ", " ", "\n", "😀", "!", "1", "\u{301}", "é", "\0", "&amp;", "&", "</s>", "<unk", "▁"]
        {
            check(tokenizer, &piece.repeat((3 << 20) / piece.len())).unwrap();
        }
    }
}

/// Bytes of a real file, some of them overwritten.
fn damaged(bytes: &[u8], changes: &[(Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, byte) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_makes_rows_of_the_embedding_table(text in any::<String>()) {
        for tokenizer in &*FAMILIES {
            check(tokenizer, &text)?;
        }
    }

    #[test]
    fn entities_and_escapes_in_any_order_make_rows_too(
        pieces in prop::collection::vec(select(vec![
            "&", "#", "x", "amp", ";", "&lt", "9", "<", "\n", "\u{1b}[", "m", "\u{85}", "ﬁ", "＆", "_", "ㄱ", "\u{345}",
        ]), 0..40),
    ) {
        for tokenizer in &*FAMILIES {
            check(tokenizer, &pieces.concat())?;
        }
    }

    /// A damaged file is refused, or tokenises without harm.
    #[test]
    fn damage_is_an_error_or_harmless(
        file in select(vec![
            ("text/siglip/spiece.model", "spiece.model"),
            ("text/open_clip.siglip/tokenizer.json", "tokenizer.json"),
            ("text/siglip2/tokenizer.json", "tokenizer.json"),
            ("tokenizer/tokenizer.json", "tokenizer.json"),
        ]),
        changes in prop::collection::vec(any::<(Index, u8)>(), 1..6),
        digits in any::<bool>(),
    ) {
        // Changing digits to digits keeps JSON readable, so that the damage gets further.
        let changes: Vec<_> =
            changes.into_iter().map(|(place, byte)| (place, if digits { b'0' + byte % 10 } else { byte })).collect();
        let folder = folder(&[(file.1, &damaged(&read(file.0), &changes))]);
        if let Ok(tokenizer) = Tokenizer::from_folder(folder.path(), CONTEXT) {
            for text in ["a photo of a cat", "Ａ½ﬁ e\u{301} 한 \u{200b}漫画 😀 </s><unk>", ""] {
                check(&tokenizer, text)?;
            }
        }
    }
}
