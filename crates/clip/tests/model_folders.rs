//! Whole model folders, and what is written for other libraries.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::{Path, PathBuf};

use cliptune_clip::ModelFolder;
use cliptune_clip::image::{Fit, Pipeline, Preprocessor};
use cliptune_clip::model_folder::FolderLayout;
use cliptune_clip::tokenizer::Tokenizer;
use serde_json::{Value, json};
use tempfile::TempDir;

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references")
}

/// A folder as open_clip has it, with the small vocabulary beside.
fn open_clip(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["open_clip_config.json", "open_clip_model.safetensors"] {
        let from = references().join("open_clip").join(name).join(file);
        fs_err::copy(from, folder.path().join(file)).unwrap();
    }
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        fs_err::copy(references().join("tokenizer").join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn written(from: &Path, layout: FolderLayout) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    ModelFolder::open(from).unwrap().write(layout, to.path()).unwrap();
    to
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_model_goes_through_both_layouts_and_is_the_same() {
    for name in ["clip", "custom-text"] {
        let original = open_clip(name);
        let first = ModelFolder::open(original.path()).unwrap();
        let hugging_face = written(original.path(), FolderLayout::HuggingFace);
        let between = ModelFolder::open(hugging_face.path()).unwrap();
        let back = written(hugging_face.path(), FolderLayout::OpenClip);
        let last = ModelFolder::open(back.path()).unwrap();
        for model in [between, last] {
            // Nothing is filled where nothing is padded.
            let fill = first.preprocessor.fill;
            let preprocessor = Preprocessor { fill, ..model.preprocessor };
            assert_eq!((model.config, preprocessor), (first.config.clone(), first.preprocessor.clone()));
            assert_eq!(model.tokenizer.family(), first.tokenizer.family(), "{name}");
        }
    }
}

#[test]
fn each_layout_has_the_files_that_its_library_looks_for() {
    let original = open_clip("clip");
    let tokenizer =
        ["merges.txt", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"];
    let with = |own: &[&str]| {
        let mut all: Vec<String> = tokenizer.iter().chain(own).map(ToString::to_string).collect();
        all.sort();
        all
    };
    assert_eq!(
        names(written(original.path(), FolderLayout::HuggingFace).path()),
        with(&["config.json", "model.safetensors", "preprocessor_config.json"])
    );
    assert_eq!(
        names(written(original.path(), FolderLayout::OpenClip).path()),
        with(&["open_clip_config.json", "open_clip_model.safetensors"])
    );
}

/// What open_clip's factory builds the model, its transforms and its tokenizer from.
#[test]
fn open_clips_configuration_says_everything() {
    let to = written(open_clip("custom-text").path(), FolderLayout::OpenClip);
    assert_eq!(
        serde_json::from_slice::<Value>(&fs_err::read(to.path().join("open_clip_config.json")).unwrap())
            .unwrap(),
        json!({
            "model_cfg": {
                "embed_dim": 10,
                "vision_cfg": {
                    "image_size": 20, "patch_size": 4, "width": 24, "layers": 1, "head_width": 8,
                    "mlp_ratio": 31.0 / 24.0, "norm_kwargs": { "eps": 1e-6 },
                },
                "text_cfg": {
                    "context_length": 9, "vocab_size": 620, "width": 16, "heads": 2, "layers": 2,
                    "act_kwargs": { "approximate": "tanh" }, "pool_type": "eos", "eos_id": 599,
                    "hf_tokenizer_name": "this-folder", "tokenizer_kwargs": { "clean": "lower" },
                },
            },
            "preprocess_cfg": {
                "mean": [0.481_454_66_f32, 0.457_827_5_f32, 0.408_210_73_f32],
                "std": [0.268_629_54_f32, 0.261_302_6_f32, 0.275_777_1_f32],
                "interpolation": "bicubic", "resize_mode": "shortest",
            },
        })
    );
}

/// A folder without a vocabulary has the one in open_clip's package, and needs to be told nothing about it.
#[test]
fn open_clips_own_vocabulary_is_not_named() {
    let original = open_clip("clip");
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        fs_err::remove_file(original.path().join(file)).unwrap();
    }
    let tokenizer = Tokenizer::from_folder(original.path(), 77).unwrap();
    assert!(tokenizer.to_open_clip().unwrap().is_empty());
    // Also when transformers' files of it lie there, as in a run's model.
    let saved = tempfile::tempdir().unwrap();
    tokenizer.save(saved.path()).unwrap();
    assert!(Tokenizer::from_folder(saved.path(), 77).unwrap().to_open_clip().unwrap().is_empty());
}

/// open_clip's default for a tokenizer of transformers, whose texts have no capitals whatever it says.
#[test]
fn a_clip_tokenizer_behind_open_clips_cleaning_has_no_capitals() {
    let folder = open_clip("clip");
    let config = r#"{"model_cfg": {"text_cfg": {"hf_tokenizer_name": "org/name"}}}"#;
    fs_err::write(folder.path().join("open_clip_config.json"), config).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path(), 77).unwrap();
    assert_eq!(tokenizer.family().to_string(), "CLIP as in open_clip (clean: lower)");
    assert_eq!(tokenizer.encode("A CAT").unwrap(), tokenizer.encode("a cat").unwrap());
}

/// Texts of plain words have the same ids in both; what open_clip would clean does not, and `docs/text.md` says so.
#[test]
fn transformers_texts_have_their_ids_in_open_clip() {
    let original = open_clip("clip");
    let plain = written(original.path(), FolderLayout::HuggingFace);
    // A model of transformers: without the note that open_clip prepared its texts.
    fs_err::copy(
        references().join("tokenizer/tokenizer_config.json"),
        plain.path().join("tokenizer_config.json"),
    )
    .unwrap();
    let before = ModelFolder::open(plain.path()).unwrap().tokenizer;
    let after = ModelFolder::open(written(plain.path(), FolderLayout::OpenClip).path()).unwrap().tokenizer;
    assert_eq!(before.family().to_string(), "CLIP as in transformers");
    assert_eq!(after.family().to_string(), "CLIP as in open_clip (clean: lower)");
    for text in ["A Cat sits", "the weather isn't nothing, but rain!", "", "12 o'clock"] {
        assert_eq!(before.encode(text).unwrap(), after.encode(text).unwrap(), "{text:?}");
    }
    assert_ne!(before.encode("a &amp; b").unwrap(), after.encode("a &amp; b").unwrap());
}

#[test]
fn white_padding_stays_white() {
    let original = written(open_clip("clip").path(), FolderLayout::HuggingFace);
    Preprocessor::openai(20, Fit::Pad).save(original.path()).unwrap();
    let to = written(original.path(), FolderLayout::OpenClip);
    let expected = Preprocessor { pipeline: Pipeline::Torchvision, ..Preprocessor::openai(20, Fit::Pad) };
    assert_eq!(ModelFolder::open(to.path()).unwrap().preprocessor, expected);
}

#[test]
fn what_open_clip_does_not_have_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "open_clip_model.safetensors"] {
        let from = references().join("open_clip/siglip").join(file);
        fs_err::copy(from, folder.path().join(file)).unwrap();
    }
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        let from = references().join("text/open_clip.siglip").join(file);
        fs_err::copy(from, folder.path().join(file)).unwrap();
    }
    let preprocessor = Preprocessor::openai(22, Fit::Squash);
    preprocessor.save(folder.path()).unwrap();
    let to = tempfile::tempdir().unwrap();
    let model = ModelFolder::open(folder.path()).unwrap();
    let error = model.write(FolderLayout::OpenClip, to.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot lay out the model in {} for open_clip", folder.path().display())
    );
    assert_eq!(error.hint().as_deref(), Some("`--layout hugging-face` can hold every model"));
    assert!(names(to.path()).is_empty());
    model.write(FolderLayout::HuggingFace, to.path()).unwrap();
    assert_eq!(ModelFolder::open(to.path()).unwrap().config, model.config);
}
